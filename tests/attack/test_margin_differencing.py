"""Attacks on one release by linear programming: margins, overlapping regions, quarters and years."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anonymizer.policy import Policy
from anonymizer.solvers.highs import Highs
from anonymizer.solvers.ortools_engine import OrtoolsAuditor
from anonymizer.tabular import policy_tables, primary, protection_audit
from anonymizer.tabular.facts import facts_of
from anonymizer.tabular.joint_system import join
from anonymizer.tabular.linear_program import WorkLimits, WorkMeter
from schemas.trend import TrendRow
from streams.core.releasing.release_decision import Publish, Withhold
from tests.support.disclosure import Attacker, Person, attack, cells_of, released, rows_in, small_policy

ONE = {"here": ("LBN",)}
THREE = {"levant": ("IRQ", "LBN"), "pave": ("EGY", "IRQ")}
MARGINS = (("country", "quarter", ()), ("region", "year", ("gender", "majority")))

assisted = {Person("LBN", "F"): 85, Person("LBN", "M"): 3, Person("LBN", "F", "minor"): 0, Person("LBN", "X"): 1}
members = {
    Person("LBN", "F", "minor"): 3,
    Person("LBN", "M", "minor"): 9,
    Person("LBN", "F"): 40,
    Person("LBN", "M"): 50,
}


def primary_only(
    outcomes: tuple[Publish | Withhold, ...], people: dict[Person, int], rules: Policy
) -> tuple[Publish, ...]:
    """The planted bug: everything published that is not small itself."""
    attacker = Attacker((), rules)

    def naive(row: TrendRow) -> TrendRow:
        exact = sum(people.get(leaf, 0) for leaf, one in zip(attacker.leaves, attacker.line(row), strict=True) if one)
        small = 0 < exact < rules.suppression.k
        return replace(row, value=None if small else exact, status="suppressed" if small else "published")

    return tuple(
        replace(outcome, feeds={"all": tuple(naive(row) for row in rows_in([outcome]))})
        for outcome in outcomes
        if isinstance(outcome, Publish)
    )


def test_of_89_assisted_only_the_89_is_told() -> None:
    """Published beside the 85 women, 89 would leave 4 others; so the women go too."""
    rules = small_policy(ONE, [("country", "year", ()), ("region", "year", ("gender",))])
    rows = rows_in(released(assisted, rules))
    told = {row.dimensions.get("gender", "_T"): row.value for row in rows if row.period == "2023"}
    assert told["_T"] == 89
    assert told["F"] is told["M"] is told["X"] is None
    attacker = Attacker(rows, rules)
    men = next(row for row in rows if row.dimensions.get("gender") == "M" and row.period == "2023")
    assert attacker.interval(attacker.line(men)) == (0, 89)


def test_of_12_members_3_female_and_9_male_cannot_be_told() -> None:
    rules = small_policy(ONE, [("region", "year", ("gender", "majority"))])
    rows = rows_in(released(members, rules))
    attacker = Attacker(rows, rules)
    for gender in ("F", "M"):
        cell = {"gender": gender, "majority": "minor"}
        row = next(r for r in rows if cell.items() <= r.dimensions.items() and r.period == "2023")
        low, high = attacker.interval(attacker.line(row))
        assert low == pytest.approx(0)
        assert high >= 11


@pytest.mark.parametrize("people", [assisted, members])
def test_the_attack_catches_primary_only_suppression(people: dict[Person, int]) -> None:
    rules = small_policy(ONE, [("region", "year", ("gender", "majority"))])
    honest = released(people, rules)
    assert attack(honest, people, rules)[1:] == (0, 0)
    _, exact, narrow = attack(primary_only(honest, people, rules), people, rules)
    assert exact + narrow > 0


def test_the_audit_itself_catches_primary_only_suppression() -> None:
    rules = small_policy(ONE, [("region", "year", ("gender", "majority"))])
    facts = facts_of(cells_of(members), rules.populations[0], rules)[2023, ("TIP", "confirmed")]
    keys = [
        *policy_tables.keys_of(
            rules.tables[0], scope := policy_tables.ReleaseScope(rules.tables, rules.regions, (policy_tables.YEAR,))
        )
    ]
    layout = policy_tables.lay_out(facts, (), scope, keys)
    system = join(layout.publications, layout.links.balance, layout.links.slack)
    targets = primary.targets_of(layout.publications, system, rules.suppression)
    shown = ~primary.primary_suppression(layout.publications[0], rules.suppression)
    cells = system.cells[0]
    meter = WorkMeter(Highs(), OrtoolsAuditor(), WorkLimits())
    assert protection_audit.audit(
        system, targets, cells.rows.select_rows(shown), cells.exact[shown], meter
    ).failed.any()


def test_overlapping_regions_do_not_tell_the_country_between_them() -> None:
    """Two regions, both large, differ by one country with three people."""
    regions = {"inner": ("IRQ", "LBN"), "outer": ("EGY", "IRQ", "LBN")}
    # A table of one dimension has totals of the known: those of everybody are another table's.
    rules = small_policy(regions, [("region", "year", ("gender",)), ("region", "year", ())])
    people = {Person("IRQ"): 60, Person("LBN", "M"): 70, Person("EGY"): 3}
    between = [[float(leaf.country == "EGY") for leaf in Attacker((), rules).leaves]]
    honest = released(people, rules)
    assert Attacker(rows_in(honest), rules).breaches(between, people) == (0, 0)
    naive = Attacker(rows_in(primary_only(honest, people, rules)), rules)
    assert naive.breaches(between, people)[0] == 1


def test_a_year_does_not_tell_who_has_no_month() -> None:
    """Four large quarters and their year would leave the five people without a month."""
    rules = small_policy(ONE, [("country", "quarter", ())])
    people = {Person("LBN", quarter=q): 30 for q in ("Q1", "Q2", "Q3", "Q4")} | {Person("LBN", quarter="none"): 5}
    undated = [[float(leaf.quarter == "none") for leaf in Attacker((), rules).leaves]]
    honest = released(people, rules)
    assert Attacker(rows_in(honest), rules).breaches(undated, people) == (0, 0)
    naive = Attacker(rows_in(primary_only(honest, people, rules)), rules)
    assert naive.breaches(undated, people)[0] == 1


people_of_three_countries = st.dictionaries(
    st.builds(
        Person,
        st.sampled_from(["EGY", "IRQ", "LBN"]),
        st.sampled_from(["F", "M"]),
        st.sampled_from(["minor", "adult"]),
        st.sampled_from(["Q1", "Q2", "none"]),
    ),
    st.one_of(st.integers(1, 10), st.integers(11, 60)),
    min_size=1,
    max_size=12,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(people=people_of_three_countries)
def test_no_suppressed_cell_of_any_small_release_is_recovered(people: dict[Person, int]) -> None:
    """0 exact recoveries and 0 interval violations under the full cross: released cells, and each country's own.

    Crosses that no table of the release has (quarter by majority, here) are not cells of it: large margins bound them
    whatever is suppressed, which `docs/reference/limits.md` says.
    """
    rules = small_policy(THREE, MARGINS)
    outcomes = released(people, rules)
    assert attack(outcomes, people, rules)[1:] == (0, 0)
    attacker = Attacker(rows_in(outcomes), rules)
    own = {_line(attacker, person, like) for person in people for like in (_same_quarter, _same_group)}
    assert attacker.breaches(own, people) == (0, 0)


def _line(attacker: Attacker, person: Person, like: Callable[[Person, Person], bool]) -> tuple[float, ...]:
    return tuple(float(leaf.country == person.country and like(leaf, person)) for leaf in attacker.leaves)


def _same_quarter(one: Person, other: Person) -> bool:
    return one.quarter == other.quarter


def _same_group(one: Person, other: Person) -> bool:
    return (one.gender, one.majority) == (other.gender, other.majority)
