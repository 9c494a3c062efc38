"""Releases under differential privacy: what one person changes, what the year costs, and that a draw is for ever."""

import datetime as dt
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from importlib import resources
from pathlib import Path

import pytest

from anonymizer import policy as policies
from anonymizer.budget.account import BudgetScope, spent
from anonymizer.budget.accounting import PPB, granted
from anonymizer.mechanisms.discrete_gaussian import OpenDP
from anonymizer.noise.sampler import Counts, Sampler
from anonymizer.policy import Policy
from connectors.adapters.budget_store import BudgetStore
from schemas import catalogue, codec
from schemas.errors import ConfigurationError
from schemas.trend import TrendRow
from streams.core.releasing.dp_release import Noise
from streams.core.releasing.release_decision import EarlierRelease, Publish, Withhold
from streams.core.releasing.release_plan import plan
from tests.support.disclosure import Person, all_rows, cells_of, engine, small_policy
from tests.support.noise import Silent

REGIONS = {"levant": ("IRQ", "LBN"), "pave": ("EGY", "IRQ")}
YEAR = 2024
PRINTS = [dt.date(2024, 4, 15), dt.date(2024, 7, 15), dt.date(2024, 10, 15), dt.date(2025, 1, 15)]
REVISION = dt.date(2026, 1, 15)
PEOPLE = {
    Person("IRQ", "F", "adult", "Q1"): 25,
    Person("IRQ", "M", "minor", "Q2"): 4,
    Person("LBN", "F", "adult", "Q1"): 30,
    Person("EGY", "M", "adult", "none"): 22,
}
SHIPPED = (resources.files("anonymizer") / "policies" / "default.toml").read_text()


def noisy_policy() -> Policy:
    """Return the shipped policy with three small tables of cases under differential privacy."""
    tables = [
        ("country", "quarter", ()),
        ("region", "quarter", ("gender",)),
        ("region", "year", ("gender", "majority")),
    ]
    rules = small_policy(REGIONS, tables)
    return rules.model_copy(update={"populations": (rules.populations[0].model_copy(update={"mode": "dp"}),)})


RULES = noisy_policy()


class Recorded:
    """Adds nothing and remembers what it was given."""

    version = "recorded"

    def __init__(self) -> None:
        self.given: list[tuple[Counts, Fraction]] = []

    def __call__(self, exact: Counts, variance: Fraction) -> Counts:
        self.given.append((exact.copy(), variance))
        return exact.copy()


def tick(
    people: Mapping[Person, int],
    day: dt.date,
    budget: BudgetStore,
    earlier: tuple[EarlierRelease, ...] = (),
    *,
    sampler: Sampler | None = None,
    rules: Policy = RULES,
) -> tuple[Publish | Withhold, ...]:
    noise = Noise(sampler or OpenDP(), budget.spend)
    return plan(cells_of(people, YEAR), day, earlier, rules, engine=engine(), noise=noise)


def released_of(outcomes: tuple[Publish | Withhold, ...]) -> tuple[EarlierRelease, ...]:
    """Return a call's release; noisy publications rest on no exact cells."""
    return (EarlierRelease(all_rows(outcomes), {}),)


def a_life(people: Sequence[Mapping[Person, int]], folder: Path) -> tuple[list[tuple[Counts, Fraction]], BudgetStore]:
    """Print a year five times, from what was known at each; return all that was measured."""
    sampler, budget = Recorded(), BudgetStore.open(folder / "budget.sqlite")
    earlier: tuple[EarlierRelease, ...] = ()
    for day, known in zip([*PRINTS, REVISION], people, strict=True):
        earlier += released_of(tick(known, day, budget, earlier, sampler=sampler))
    rows = [row for one in earlier for row in one.rows]
    assert {row.status for row in rows} <= {"published", "suppressed"}
    return sampler.given, budget


@pytest.mark.parametrize(
    "states",
    [
        ["none", "Q1 IRQ F", "Q1 IRQ F", "Q1 IRQ F", "Q1 IRQ F"],
        ["Q1 IRQ F", "Q1 IRQ F", "Q1 IRQ F", "Q1 IRQ F", "Q1 LBN M"],
        ["Q1 LBN F", "Q1 LBN F", "Q1 LBN F", "none", "none"],
        ["none", "none", "none", "none IRQ M", "Q3 IRQ M"],
        ["none", "none", "none", "none", "Q2 EGY X"],
    ],
)
def test_nothing_that_happens_to_one_person_costs_more_than_the_year_has(states: list[str], tmp_path: Path) -> None:
    """Everything measured in a year with and without one person, who comes late, moves or goes: the loss adds up."""
    lives = []
    for state in states:
        quarter, *place = state.split()
        person = {Person(place[0], place[1], "adult", quarter): 1} if place else {}
        lives.append({key: PEOPLE.get(key, 0) + person.get(key, 0) for key in PEOPLE | person})
    with_, budget = a_life(lives, tmp_path / "with")
    without, _ = a_life([PEOPLE] * 5, tmp_path / "without")
    loss = Fraction(0)
    for (exact, variance), (other, same) in zip(with_, without, strict=True):
        assert variance == same
        loss += Fraction(int(((exact - other) ** 2).sum())) / (2 * variance)
    account = budget.state()[BudgetScope("case", YEAR)]
    assert 0 < loss <= Fraction(spent(account), PPB) <= Fraction(granted(1.0, 1e-6), PPB)
    assert account.left < 20  # parts per billion: rounding alone


def test_another_name_for_a_population_has_the_same_budget(tmp_path: Path) -> None:
    """The budget hangs on the kind of event and the year: there is no fresh grant, and nothing is drawn again."""
    budget = BudgetStore.open(tmp_path / "budget.sqlite")
    tick(PEOPLE, PRINTS[-1], budget)
    before = budget.state()
    population = RULES.populations[0].model_copy(update={"name": "people"})
    tables = tuple(table.model_copy(update={"population": "people"}) for table in RULES.tables)
    renamed = RULES.model_copy(update={"populations": (population,), "tables": tables, "digest": "b" * 64})
    outcomes = tick(PEOPLE, PRINTS[-1], budget, rules=renamed)
    assert {one.code for one in outcomes if isinstance(one, Withhold)} == {"BUD-003"}
    assert all(isinstance(one, Withhold) for one in outcomes)
    assert budget.state() == before


def test_without_noise_the_rows_are_the_counts_and_regions_add_up(tmp_path: Path) -> None:
    outcomes = tick(PEOPLE, PRINTS[-1], BudgetStore.open(tmp_path / "budget.sqlite"), sampler=Silent())
    year = [r for r in all_rows(outcomes) if r.period == str(YEAR) and r.dimensions["phenomenon"] == "TIP"]
    confirmed = [row for row in year if row.dimensions["status"] == "confirmed"]
    told = {(r.table, r.region, *sorted(r.dimensions.items())): _middle(r) for r in confirmed}
    assert told["t0", "levant", ("country", "_T"), ("phenomenon", "TIP"), ("status", "confirmed")] == 59
    assert told["t0", "levant", ("country", "LBN"), ("phenomenon", "TIP"), ("status", "confirmed")] == 30
    assert told["t1", "pave", ("gender", "_T"), ("phenomenon", "TIP"), ("status", "confirmed")] == 51
    assert all(row.k == 0 and row.sd for row in confirmed)
    assert len(told) == len(confirmed)


def _middle(row: TrendRow) -> float:
    assert row.lo90 is not None
    assert row.hi90 is not None
    return round((row.lo90 + row.hi90) / 2, 4)


def test_a_draw_is_for_ever_whatever_the_day_the_order_or_what_came_since(tmp_path: Path) -> None:
    """A tick that was interrupted before its rows were entered is planned again: the same numbers, no second draw."""
    budget = BudgetStore.open(tmp_path / "budget.sqlite")
    first = tick(PEOPLE, PRINTS[0], budget)
    shuffled = list(PEOPLE.items())
    random.Random(1).shuffle(shuffled)
    grown = {**dict(shuffled), Person("LBN", "M", "adult", "Q1"): 50}
    assert tick(dict(shuffled), PRINTS[0], budget) == first
    later = tick(grown, dt.date(2024, 5, 1), budget)
    plain = [replace(row, release="", as_of="") for row in all_rows(first)]
    assert [replace(row, release="", as_of="") for row in all_rows(later)] == plain
    assert len(budget.state()[BudgetScope("case", YEAR)].charges) == 1


def test_what_is_published_does_not_depend_on_who_is_there(tmp_path: Path) -> None:
    """Nobody at all: the same windows on the same day, the same cells, and noise in every one of them."""
    full = tick(PEOPLE, PRINTS[-1], BudgetStore.open(tmp_path / "full.sqlite"))
    empty = tick({}, PRINTS[-1], BudgetStore.open(tmp_path / "empty.sqlite"))
    assert [_cell(row) for row in all_rows(full)] == [_cell(row) for row in all_rows(empty)]
    assert sum(_middle(row) == 0 for row in all_rows(empty)) < len(all_rows(empty)) / 4


def _cell(row: TrendRow) -> tuple[object, ...]:
    return row.table, row.region, row.period, row.sd, tuple(row.dimensions.items())


def test_an_analyst_reads_the_interval_that_was_released(tmp_path: Path) -> None:
    """Through the feed's Avro and back; rows of exact tables go through as before, without any."""
    schema = catalogue.load("trend").parsed
    noisy = all_rows(tick(PEOPLE, PRINTS[0], BudgetStore.open(tmp_path / "budget.sqlite")))[0]
    for row in (noisy, replace(noisy, sd=None, lo90=None, hi90=None)):
        read = TrendRow.from_record(codec.decode(codec.encode(1, schema, row.record()), {1: schema}))
        assert (read.value, read.sd, read.lo90, read.hi90) == (row.value, row.sd, row.lo90, row.hi90)


def test_a_policy_that_changes_within_a_year_prints_nothing_more_of_it(tmp_path: Path) -> None:
    budget = BudgetStore.open(tmp_path / "budget.sqlite")
    first = released_of(tick(PEOPLE, PRINTS[0], budget))
    changed = RULES.model_copy(update={"digest": "another"})
    outcomes = tick(PEOPLE, PRINTS[1], budget, first, rules=changed)
    assert {o.code for o in outcomes if isinstance(o, Withhold)} == {"BUD-003"}
    assert not any(isinstance(outcome, Publish) for outcome in outcomes)


def test_a_table_with_several_codes_a_person_is_withheld_and_the_others_are_not(tmp_path: Path) -> None:
    means = RULES.tables[2].model_copy(update={"name": "means", "cube": "means", "dimensions": ("means",)})
    rules = RULES.model_copy(update={"tables": (*RULES.tables, means)})
    outcomes = tick(PEOPLE, PRINTS[-1], BudgetStore.open(tmp_path / "budget.sqlite"), rules=rules)
    assert {(o.table, o.code) for o in outcomes if isinstance(o, Withhold)} == {("means", "DIS-027")}
    assert {row.table for o in outcomes if isinstance(o, Publish) for row in all_rows((o,))} == {"t0", "t1", "t2"}


def test_the_shipped_policy_can_be_turned_to_noise() -> None:
    assert policies.load(_as_dp()).populations[0].mode == "dp"


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        ("shares = [0.75, 0.25]", "shares = [0.75, 0.26]", "spend more than its budget"),
        ("shares = [0.75, 0.25]", "shares = [0.75]", "one for the first publication and one for its revision"),
        ("shares = [0.75, 0.25]", "shares = [1.0, 0.0]", "one for the first publication and one for its revision"),
        ("windows = 2 ", "windows = 1 ", "a quarter and its year are two windows"),
        ("corrections = 1 ", "corrections = 0 ", "greater than or equal to 1"),
        ('kind = "indicator"\nmode = "suppression"', 'kind = "indicator"\nmode = "dp"', "the unit person-year"),
        ("[dp]", "[other]", "Extra inputs"),
    ],
)
def test_a_policy_without_bounds_or_beyond_its_budget_is_refused(before: str, after: str, why: str) -> None:
    text = _as_dp()
    assert before in text
    with pytest.raises(ConfigurationError, match=rf"CFG-010.*{why}"):
        policies.load(text.replace(before, after))


def _as_dp() -> str:
    return SHIPPED.replace('kind = "case"\nmode = "suppression"', 'kind = "case"\nmode = "dp"')
