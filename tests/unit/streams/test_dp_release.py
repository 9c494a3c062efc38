"""Releases under differential privacy: exact sums, rows that say how sure they are, draws that are for ever."""

import datetime as dt
import random
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from anonymizer import policy as policies
from anonymizer.budget.account import BudgetScope, spent
from anonymizer.budget.accounting import epsilon_of, granted
from anonymizer.noise.sampler import Counts, Sampler
from anonymizer.policy import Policy
from anonymizer.privacy_rules import Coverage
from connectors.adapters.budget_store import BudgetStore
from connectors.adapters.policy_store import shipped_policy
from schemas import catalogue, codec
from schemas.errors import ConfigurationError, IntegrityError
from schemas.trend import TrendRow
from streams.core.releasing.dp_release import Noise, grant_of
from streams.core.releasing.noisy_rows import NONE_OR_LATE, QUARTER
from streams.core.releasing.release_decision import EarlierRelease, Publish, Withhold
from streams.core.releasing.release_plan import plan
from tests.support.disclosure import BLOCK, Person, all_rows, engine
from tests.support.noise import Rounded, Silent
from tests.support.noisy import cells_of, noisy_policy

REGIONS = {"levant": ("IRQ", "LBN"), "pave": ("EGY", "IRQ")}
TABLES: list[tuple[str, str, tuple[str, ...]]] = [
    ("country", "quarter", ()),
    ("region", "quarter", ("gender",)),
    ("region", "year", ("gender", "majority")),
    ("region", "year", ("age", "gender")),
    ("region", "year", ("means",)),
]
YEAR = 2024
PRINTS = [dt.date(2024, 4, 15), dt.date(2024, 7, 15), dt.date(2024, 10, 15), dt.date(2025, 1, 15)]
REVISION = dt.date(2026, 1, 15)
PEOPLE = {
    Person("IRQ", "F", "adult", "Q1"): 25,
    Person("IRQ", "M", "minor", "Q2"): 4,
    Person("LBN", "F", "adult", "Q1"): 30,
    Person("EGY", "M", "adult", "none"): 22,
}
MEANS = {
    Person("LBN", "F", "adult", "Q1"): "DebtBondage+FalsePromises",
    Person("IRQ", "F", "adult", "Q1"): "DebtBondage",
}
RULES = noisy_policy(REGIONS, TABLES)


def tick(
    people: Mapping[Person, int],
    day: dt.date,
    budget: BudgetStore,
    earlier: tuple[EarlierRelease, ...] = (),
    *,
    sampler: Sampler | None = None,
    rules: Policy = RULES,
) -> tuple[Publish | Withhold, ...]:
    noise = Noise(sampler or Rounded(), budget.spend)
    return plan(cells_of(people, YEAR, MEANS), day, earlier, rules, engine=engine(), noise=noise)


def a_year(folder: Path, sampler: Sampler, rules: Policy = RULES) -> list[TrendRow]:
    """Print a year with all its publications, two persons of the first quarter coming late; return all rows."""
    budget = BudgetStore.open(folder / "budget.sqlite")
    earlier: tuple[EarlierRelease, ...] = ()
    for number, day in enumerate([*PRINTS, REVISION]):
        late = {Person("LBN", "M", "adult", "Q1"): 2} if number else {}
        known = {person: n for person, n in (PEOPLE | late).items() if person.quarter in {"none", "Q1"} or number}
        earlier += (EarlierRelease(all_rows(tick(known, day, budget, earlier, sampler=sampler, rules=rules)), {}),)
    return [row for one in earlier for row in one.rows]


def told(rows: list[TrendRow], revision: int = 0) -> dict[tuple[str, ...], TrendRow]:
    """Return the rows of TIP, confirmed, by table, region, period and codes."""
    wanted = [row for row in rows if row.revision == revision and BLOCK.items() <= row.dimensions.items()]
    found = {}
    for row in wanted:
        codes = [f"{name}={code}" for name, code in sorted(row.dimensions.items()) if name not in BLOCK]
        found[row.table, row.region, row.period, *codes] = row
    return found


def test_without_noise_the_rows_are_the_counts(tmp_path: Path) -> None:
    """Regions, countries, ages in bands and groups, questions with their denominators, and who came late."""
    rows = told(a_year(tmp_path, Silent()))
    value = {key: row.estimate for key, row in rows.items()}
    assert value["t0", "levant", "2024-Q1", "country=_T"] == 55
    assert value["t0", "levant", "2024", "country=_T"] == 61
    assert value["t0", "levant", "2024", "country=LBN"] == 32
    # Two of the first quarter came after its publication; nobody here is without a month.
    assert value["t0", "levant", "2024", "country=_T", f"{QUARTER}={NONE_OR_LATE}"] == 2
    assert value["t1", "pave", "2024", "gender=M", f"{QUARTER}={NONE_OR_LATE}"] == 22
    assert value["t2", "levant", "2024", "gender=F", "majority=adult"] == 55
    assert value["t3", "levant", "2024", "age=9--17", "gender=_T"] == 4
    assert value["t4", "levant", "2024", "means=DebtBondage"] == 55
    assert value["t4", "levant", "2024", "means=known"] == 55
    means = rows["t4", "levant", "2024", "means=_T"]
    assert (means.estimate, means.known, means.missing) == (61, 55, 6)
    assert all(row.k == 0 and row.sd and row.value == max(0, round(row.estimate or 0)) for row in rows.values())


def test_a_revision_counts_everybody_in_the_quarter_of_the_month(tmp_path: Path) -> None:
    """Without noise it is between the first publication and the truth, and the late two are in their quarter."""
    rows = told(a_year(tmp_path, Silent()), revision=1)
    late = rows["t1", "levant", "2024-Q1", "gender=M"].estimate
    assert late is not None
    assert 0 < late <= 2
    assert rows["t1", "pave", "2024", "gender=M", f"{QUARTER}={NONE_OR_LATE}"].estimate == pytest.approx(22, abs=0.3)


@pytest.mark.parametrize("revision", [0, 1])
def test_every_sum_is_exact_on_the_grid_in_every_publication(revision: int, tmp_path: Path) -> None:
    """With noise: codes, ages in groups, countries, and quarters with the rest; the same totals in all tables."""
    rows = told(a_year(tmp_path, Rounded(7)), revision)
    tenths = {key: round(10 * (row.estimate or 0)) for key, row in rows.items()}
    for key, row in rows.items():
        assert row.estimate == tenths[key] / 10
    _codes_add_up(tenths)
    for region, countries in REGIONS.items():
        for period in ("2024-Q1", "2024"):
            parts = [tenths["t0", region, period, f"country={country}"] for country in countries]
            assert sum(parts) == tenths["t0", region, period, "country=_T"]
        for gender in ("F", "M", "X", "unknown", "_T"):
            quarters = [tenths["t1", region, f"2024-Q{number}", f"gender={gender}"] for number in (1, 2, 3, 4)]
            rest = tenths["t1", region, "2024", f"gender={gender}", f"{QUARTER}={NONE_OR_LATE}"]
            assert sum(quarters) + rest == tenths["t1", region, "2024", f"gender={gender}"]
        totals = [("t0", "country=_T"), ("t1", "gender=_T"), ("t2", "gender=_T", "majority=_T"), ("t4", "means=_T")]
        assert len({tenths[name, region, "2024", *codes] for name, *codes in totals}) == 1
        bands = [tenths["t3", region, "2024", f"age={band}", "gender=F"] for band in ("0--8", "9--17")]
        assert sum(bands) == tenths["t2", region, "2024", "gender=F", "majority=minor"]


def _codes_add_up(tenths: Mapping[tuple[str, ...], int]) -> None:
    for dimension in ("gender=", "majority=", "age="):
        sums: dict[tuple[str, ...], int] = {}
        for key, value in tenths.items():
            place = next((at for at, part in enumerate(key) if part.startswith(dimension)), None)
            if place is not None and key[place] != f"{dimension}_T":
                whole = (*key[:place], f"{dimension}_T", *key[place + 1 :])
                sums[whole] = sums.get(whole, 0) + value
        assert sums
        assert all(tenths[key] == value for key, value in sums.items())


def test_values_are_too_uncertain_by_their_interval_and_keep_both(tmp_path: Path) -> None:
    rows = a_year(tmp_path, Rounded(3))
    assert {row.state for row in rows} == {"published", "too_uncertain"}
    for row in rows:
        assert row.sd
        assert row.estimate is not None
        assert row.value is not None
        beyond = 1.6448536269514722 * row.sd - 0.5 * row.estimate
        if abs(beyond) > 0.01:  # the deviation in the row is rounded
            assert row.certainty == ("too_uncertain" if beyond > 0 else "sound")


def test_what_a_year_costs_is_what_was_granted(tmp_path: Path) -> None:
    """All quarters, the year and the revisions of both: a few parts per billion are left, by rounding."""
    a_year(tmp_path, Silent())
    account = BudgetStore.open(tmp_path / "budget.sqlite").state()[BudgetScope("case", YEAR)]
    assert RULES.dp is not None
    assert account.granted == grant_of(RULES.dp, "cases") == granted(1.0, 1e-6)
    assert 0 <= account.left < 20
    assert spent(account) <= account.granted


def test_the_populations_of_persons_share_one_budget() -> None:
    """Under the insider's relation twice all grants together imply no more than the claimed epsilon."""
    for name, claim in (("default", 6.0), ("strict", 2.0)):
        rules = policies.load(shipped_policy(name))
        dp = rules.dp
        assert dp is not None
        grants = [grant_of(dp, population.name) for population in rules.populations if population.mode == "dp"]
        assert len(grants) == 3
        assert claim - 0.001 < epsilon_of(dp.people_that_differ * sum(grants), dp.delta) <= claim == dp.epsilon


class _TooSure:
    """The planted fault: noise that is narrower than what was charged for."""

    version = "planted"

    def __call__(self, exact: Counts, variance: Fraction) -> Counts:
        assert variance
        return exact


def test_a_draw_that_costs_more_than_its_charge_is_not_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan whose shares add up to more than the whole, as a fault in it would make them."""
    budget = BudgetStore.open(tmp_path / "budget.sqlite")
    narrower = "anonymizer.noise.workload_draw.variance_of"
    monkeypatch.setattr(narrower, lambda squared, rho: Fraction(squared * 10**9, 3 * rho))
    with pytest.raises(IntegrityError, match="INT-163"):
        tick(PEOPLE, PRINTS[0], budget, sampler=_TooSure())
    assert not budget.state()[BudgetScope("case", YEAR)].draws


def test_another_name_for_a_population_has_the_same_budget(tmp_path: Path) -> None:
    """The budget hangs on the kind of event and the year: there is no fresh grant, and nothing is drawn again."""
    budget = BudgetStore.open(tmp_path / "budget.sqlite")
    tick(PEOPLE, PRINTS[-1], budget)
    before = budget.state()
    assert RULES.dp is not None
    population = RULES.populations[0].model_copy(update={"name": "people"})
    tables = tuple(table.model_copy(update={"population": "people"}) for table in RULES.tables)
    dp = RULES.dp.model_copy(update={"populations": {"people": 1.0}})
    changed = {"populations": (population,), "tables": tables, "dp": dp, "digest": "b" * 64}
    outcomes = tick(PEOPLE, PRINTS[-1], budget, rules=RULES.model_copy(update=changed))
    assert {one.code for one in outcomes if isinstance(one, Withhold)} == {"BUD-003"}
    assert all(isinstance(one, Withhold) for one in outcomes)
    assert budget.state() == before


def test_a_draw_is_for_ever_whatever_the_day_the_order_or_what_came_since(tmp_path: Path) -> None:
    """A tick that was interrupted before its rows were entered is planned again: the same numbers, no second draw."""
    budget = BudgetStore.open(tmp_path / "budget.sqlite")
    first = tick(PEOPLE, PRINTS[0], budget)
    shuffled = list(PEOPLE.items())
    random.Random(1).shuffle(shuffled)
    grown = {**dict(shuffled), Person("LBN", "M", "adult", "Q1"): 50}
    assert tick(dict(shuffled), PRINTS[0], budget, sampler=Rounded(99)) == first
    later = tick(grown, dt.date(2024, 5, 1), budget, sampler=Rounded(98))
    plain = [replace(row, release="", as_of="") for row in all_rows(first)]
    assert [replace(row, release="", as_of="") for row in all_rows(later)] == plain
    assert len(budget.state()[BudgetScope("case", YEAR)].charges) == 1


def test_what_is_published_does_not_depend_on_who_is_there(tmp_path: Path) -> None:
    """Nobody at all: the same windows on the same day, the same cells, and noise in every one of them."""
    full = tick(PEOPLE, PRINTS[-1], BudgetStore.open(tmp_path / "full.sqlite"))
    empty = tick({}, PRINTS[-1], BudgetStore.open(tmp_path / "empty.sqlite"))
    assert [_cell(row) for row in all_rows(full)] == [_cell(row) for row in all_rows(empty)]
    assert np.mean([row.estimate == 0 for row in all_rows(empty)]) < 0.1


def _cell(row: TrendRow) -> tuple[object, ...]:
    return row.table, row.region, row.period, row.sd, row.agencies, tuple(row.dimensions.items())


def test_places_without_an_agency_are_said_and_not_measured(tmp_path: Path) -> None:
    """Egypt is not covered: it has no number, the region is the rest of it, and the agencies are those declared."""
    covered = (
        Coverage(kind="case", countries=("IRQ", "LBN"), first=YEAR, agencies=("police-irq", "shelter-lbn")),
        Coverage(kind="case", countries=("IRQ",), first=2020, last=2023, agencies=("old-irq",)),
    )
    rules = RULES.model_copy(update={"coverage": covered})
    outcomes = tick(PEOPLE, PRINTS[0], BudgetStore.open(tmp_path / "budget.sqlite"), sampler=Silent(), rules=rules)
    rows = told(list(all_rows(outcomes)))
    egypt = rows["t0", "pave", "2024-Q1", "country=EGY"]
    assert (egypt.state, egypt.value, egypt.estimate, egypt.sd) == ("not_covered", None, None, None)
    assert rows["t0", "pave", "2024-Q1", "country=_T"].estimate == 25
    assert rows["t0", "levant", "2024-Q1", "country=_T"].agencies == 2


def test_nothing_is_charged_where_nobody_works(tmp_path: Path) -> None:
    budget = BudgetStore.open(tmp_path / "budget.sqlite")
    nowhere = RULES.model_copy(update={"coverage": (Coverage(kind="case", countries=("FRA",), first=YEAR),)})
    rows = all_rows(tick(PEOPLE, PRINTS[-1], budget, rules=nowhere))
    assert {row.state for row in rows} == {"not_covered"}
    assert budget.state() == {}


def test_an_analyst_reads_the_interval_that_was_released(tmp_path: Path) -> None:
    """Through the feed's Avro and back; rows of exact tables go through as before, without any."""
    schema = catalogue.load("trend").parsed
    noisy = all_rows(tick(PEOPLE, PRINTS[0], BudgetStore.open(tmp_path / "budget.sqlite")))[0]
    bare = dict.fromkeys(("sd", "lo90", "hi90", "estimate", "certainty"))
    for row in (noisy, replace(noisy, **bare)):  # type: ignore[arg-type] # None in every one of them
        assert TrendRow.from_record(codec.decode(codec.encode(1, schema, row.record()), {1: schema})) == row


def test_a_policy_that_changes_within_a_year_prints_nothing_more_of_it(tmp_path: Path) -> None:
    budget = BudgetStore.open(tmp_path / "budget.sqlite")
    first = (EarlierRelease(all_rows(tick(PEOPLE, PRINTS[0], budget)), {}),)
    changed = RULES.model_copy(update={"digest": "another"})
    outcomes = tick(PEOPLE, PRINTS[1], budget, first, rules=changed)
    assert {o.code for o in outcomes if isinstance(o, Withhold)} == {"BUD-003"}
    assert not any(isinstance(outcome, Publish) for outcome in outcomes)


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        ("shares = [0.75, 0.25]", "shares = [0.75, 0.26]", "spend more than its budget"),
        ("shares = [0.75, 0.25]", "shares = [0.75]", "one for the first publication and one for its revision"),
        ("shares = [0.75, 0.25]", "shares = [1.0, 0.0]", "one for the first publication and one for its revision"),
        ("cases = 0.6", "cases = 0.61", "together they spend no more"),
        ("cases = 0.6, ", "", "no share of the loss"),
        ("cases = 0.6", "people = 0.6", "no share of the loss"),
        ("means = 5, ", "", "how many codes of means count in full"),
        ('"period", "first_quarter"] }', '"period"] }', "lacks first_quarter"),
        ('dimensions = ["services"]', 'dimensions = ["services", "gender", "services"]', "a dimension occurs twice"),
        ('kind = "indicator"\nmode = "suppression"', 'kind = "indicator"\nmode = "dp"', "the unit person-year"),
        ("[dp]", "[other]", "Extra inputs"),
    ],
)
def test_a_policy_without_bounds_or_beyond_its_budget_is_refused(before: str, after: str, why: str) -> None:
    text = shipped_policy()
    assert before in text
    with pytest.raises(ConfigurationError, match=rf"CFG-010.*{why}"):
        policies.load(text.replace(before, after))
