"""Laws of a release plan: determinism, one cell one status, what is known stays known, and failing closed."""

import dataclasses
import datetime as dt
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anonymizer.tabular import facts
from anonymizer.tabular.cliques import cliques_of, junction
from anonymizer.tabular.linear_program import Engine, WorkLimits
from streams.core.releasing.certificate import at_most
from streams.core.releasing.release_decision import EarlierRelease, Publish, Withhold
from streams.core.releasing.release_plan import plan
from tests.support.disclosure import (
    BLOCK,
    LATER,
    PEOPLE,
    REGIONS,
    RULES,
    Attacker,
    Person,
    all_rows,
    attack,
    cells_of,
    engine,
    kept,
    released,
    rows_in,
    small_policy,
)


def earlier(people: dict[Person, int], *publications: tuple[Publish | Withhold, ...]) -> tuple[EarlierRelease, ...]:
    """Return what calls released of these people."""
    return tuple(kept(people, outcomes) for outcomes in publications)


@pytest.mark.parametrize("order", range(3))
def test_the_order_of_cells_does_not_matter(order: int) -> None:
    shuffled = list(cells_of(PEOPLE).items())
    random.Random(order).shuffle(shuffled)
    assert plan(dict(shuffled), LATER, (), RULES, engine=engine()) == released(PEOPLE, RULES)


def test_the_seed_weighs_the_pattern_and_nothing_else() -> None:
    """Values never depend on it, and no seed lets the attacker in."""
    told = [
        {(r.table, r.region, r.period, *r.dimensions.items()): r.value for r in all_rows(outcomes)}
        for seed in (b"one", b"two", b"three")
        for outcomes in [released(PEOPLE, RULES, seed=seed)]
        if attack(outcomes, PEOPLE, RULES)[1:] == (0, 0)
    ]
    assert len(told) == 3
    for cell, value in told[0].items():
        assert len({values[cell] for values in told} - {None}) <= 1, value


def test_a_cell_has_one_status_wherever_it_appears() -> None:
    """A country's row is the same in the feed of every region that holds it, and a margin in every table."""
    seen: dict[tuple[str, ...], set[tuple[int | None, str]]] = {}
    for row in all_rows(released(PEOPLE, RULES)):
        codes = {d: c for d, c in row.dimensions.items() if c != "_T"}
        place = codes.pop("country", row.region)
        seen.setdefault((place, row.period, *map(str, sorted(codes.items()))), set()).add((row.value, row.status))
    assert all(len(statuses) == 1 for statuses in seen.values())
    assert {status for statuses in seen.values() for _, status in statuses} == {"published", "suppressed"}


def test_nothing_is_planned_twice() -> None:
    first = released(PEOPLE, RULES)
    assert plan(cells_of(PEOPLE), LATER, earlier(PEOPLE, first), RULES, engine=engine()) == ()


def test_an_unfed_population_has_no_release_and_undated_people_no_quarters() -> None:
    assert plan({}, LATER, (), RULES, engine=engine()) == ()
    undated = {dataclasses.replace(person, quarter="none"): n for person, n in PEOPLE.items()}
    assert {outcome.header.window for outcome in released(undated, RULES)} == {"2023"}


@settings(max_examples=10, deadline=None)
@given(counts=st.lists(st.integers(0, 40), min_size=6, max_size=6))
def test_a_year_published_after_its_quarters_tells_no_more(counts: list[int]) -> None:
    """Quarters go out one at a time, the year last: the attacker holds them all."""
    people = dict(zip(PEOPLE, counts, strict=True))
    publications: list[tuple[Publish | Withhold, ...]] = []
    for day in (dt.date(2023, 4, 15), dt.date(2023, 7, 15), dt.date(2023, 10, 15), dt.date(2024, 1, 15)):
        publications.append(plan(cells_of(people), day, earlier(people, *publications), RULES, engine=engine()))
    rows = [row for outcomes in publications for row in all_rows(outcomes)]
    # The rows of other blocks count other people.
    seen = [row for row in rows if row.dimensions.items() >= BLOCK.items()]
    attacker = Attacker(seen, RULES)
    hidden = {tuple(attacker.line(row)) for row in seen if row.status == "suppressed"}
    assert attacker.breaches(hidden, people) == (0, 0)


def test_a_revision_is_published_once_and_takes_corrections_up() -> None:
    early, late = dt.date(2024, 1, 20), dt.date(2025, 1, 15)
    first = plan(cells_of(PEOPLE), early, (), RULES, engine=engine())
    grown = PEOPLE | {Person("LBN", "F", "adult", "Q1"): 60}
    outcomes = plan(cells_of(grown), late, earlier(PEOPLE, first), RULES, engine=engine())
    assert {outcome.header.revision for outcome in outcomes} == {1}
    assert attack(outcomes, grown, RULES)[1:] == (0, 0)
    # The thirty are told where nobody can subtract those who did not change.
    assert {row.value for row in rows_in(outcomes)} & {60, 74, 85, 103}
    both = (*earlier(PEOPLE, first), *earlier(grown, outcomes))
    assert plan(cells_of(grown), late, both, RULES, engine=engine()) == ()


def test_three_who_came_late_are_not_told_by_the_difference_of_two_prints() -> None:
    """47 in the first publication and 50 in the revision would say that three came; so the revision does not say 50.

    Nor does it say what did not change: else a value that stays away would tell that somebody came.
    """
    grown = PEOPLE | {Person("LBN", "F", "adult", "Q1"): 33}
    first = plan(cells_of(PEOPLE), dt.date(2024, 1, 20), (), RULES, engine=engine())
    revised = plan(cells_of(grown), LATER, earlier(PEOPLE, first), RULES, engine=engine())
    told = [
        {(r.table, r.period, r.region, *sorted(r.dimensions.items())): r.value for r in rows_in(outcomes)}
        for outcomes in (first, revised)
    ]
    twice = [(value, told[1].get(key, value)) for key, value in told[0].items() if value is not None]
    assert twice
    assert {later for _, later in twice} == {None}


@pytest.mark.parametrize("limits", [WorkLimits(programs=1), WorkLimits(expired=lambda: True)])
def test_a_limit_of_work_fails_closed(limits: WorkLimits) -> None:
    outcomes = plan(cells_of(PEOPLE), LATER, (), RULES, engine=Engine(engine().solver, engine().auditor, b"", limits))
    assert {o.code for o in outcomes if isinstance(o, Withhold)} == {"DIS-022"}
    attacked = rows_in(outcomes)
    assert {(row.status, row.value) for row in attacked} == {("withheld", None)}


def test_a_mode_without_a_mechanism_is_withheld() -> None:
    cases = RULES.populations[0].model_copy(update={"mode": "dp"})
    rules = RULES.model_copy(update={"populations": (cases, *RULES.populations[1:])})
    outcomes = released(PEOPLE, rules)
    assert {o.code for o in outcomes if isinstance(o, Withhold)} == {"DIS-027"}
    assert not any(isinstance(outcome, Publish) for outcome in outcomes)


def test_cubes_that_count_different_people_are_withheld() -> None:
    """A cut in the middle of a correction must not be published."""
    other = {"name": "means", "cube": "means", "geography": "region", "period": "year", "dimensions": ("means",)}
    rules = RULES.model_copy(update={"tables": (*RULES.tables, RULES.tables[0].model_copy(update=other))})
    outcomes = plan(cells_of(PEOPLE), LATER, (), rules, engine=engine())
    assert "DIS-024" in {o.code for o in outcomes if isinstance(o, Withhold)}


def test_the_certificate_holds_buckets_only() -> None:
    releases = [o for o in released(PEOPLE, RULES) if isinstance(o, Publish)]
    for release in releases:
        assert set(release.certificate) == {
            "pattern", "cells", "primary", "secondary", "programs", "min_width", "solver", "policy",
        }  # fmt: skip
        for name in ("cells", "primary", "secondary", "programs"):
            number = release.certificate[name].removeprefix("≤")
            assert number == "0" or set(number[1:]) <= {"0"}
            assert number[0] in "0125"
    assert len({release.header.release for release in releases}) == len(releases)


@given(number=st.integers(1, 10**9))
def test_a_bucket_is_the_least_of_its_series(number: int) -> None:
    ends = [step * 10**power for power in range(11) for step in (1, 2, 5)]
    assert at_most(number) == f"≤{min(end for end in ends if end >= number)}"


def test_cliques_without_a_junction_tree_are_merged() -> None:
    """Three tables in a ring share margins pairwise, yet need not have a joint extension."""
    ring = [("region", "year", pair) for pair in (("gender", "majority"), ("majority", "exploitation"))]
    rules = small_policy(REGIONS, [*ring, ("region", "year", ("exploitation", "gender"))])
    cliques = cliques_of(rules.tables, quarters=False)
    assert [clique.dimensions for clique in cliques] == [{"atom", "gender", "majority", "exploitation"}]
    assert junction(cliques) == ()


@pytest.mark.parametrize(
    ("dimension", "code", "released_as"),
    [
        ("exploitation", "ForcedLabour", "ForcedLabour"),
        ("exploitation", "ForcedBegging", "Other"),
        ("exploitation", "ForcedBegging+ForcedLabour", "Multiple"),
        ("exploitation", "unknown", "unknown"),
        ("majority", "0--8", "minor"),
        ("majority", "18--20", "adult"),
        ("majority", "unknown", "unknown"),
        ("service", "NoSuchService", "Other"),
        ("gender", "nonsense", "unknown"),
    ],
)
def test_codes_are_coarsened_as_declared(dimension: str, code: str, released_as: str) -> None:
    assert facts.coarse(dimension, code) == released_as


def test_a_withheld_table_is_not_tried_again_before_its_revision() -> None:
    """Its rows count as published, or every tick would draw anew. The revision is revision 1 and may succeed."""
    cells, first = cells_of(PEOPLE), dt.date(2024, 2, 1)
    refused = plan(cells, first, (), RULES, engine=dataclasses.replace(engine(), limits=WorkLimits(programs=0)))
    assert any(row.status == "withheld" for row in all_rows(refused))
    publications = earlier(PEOPLE, refused)
    assert not plan(cells, first, publications, RULES, engine=engine())
    revised = plan(cells, LATER, publications, RULES, engine=engine())
    assert {(o.header.revision, o.header.year) for o in revised} == {(1, 2023)}
    assert any(row.status == "published" and row.value for row in all_rows(revised))
