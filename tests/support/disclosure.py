"""Small invented populations, and an attacker who shares no code with what is attacked.

The attacker's variables are the full cross of everything a row may speak of, not the cliques of the release.
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy.optimize import linprog

from anonymizer import policy
from anonymizer.policy import Policy, Region, TablePlan
from anonymizer.solvers.highs import Highs
from anonymizer.solvers.ortools_engine import OrtoolsAuditor
from anonymizer.tabular.linear_program import Engine
from connectors.adapters.policy_store import shipped_policy
from schemas.trend import TrendRow
from streams.core.releasing.release_decision import EarlierRelease, Publish, Withhold
from streams.core.releasing.release_plan import plan

GENDERS = ("F", "M", "X", "unknown")
AGES = {"minor": "9--17", "adult": "30--38", "unknown": "unknown"}
QUARTERS = {"Q1": "-02", "Q2": "-05", "Q3": "-08", "Q4": "-11", "none": ""}
BLOCK = {"phenomenon": "TIP", "status": "confirmed"}
YEAR = 2023
LATER = dt.date(2025, 6, 1)


@dataclass(frozen=True, order=True)
class Person:
    """One person, by the cell of the full cross in which the person is counted."""

    country: str
    gender: str = "F"
    majority: str = "adult"
    quarter: str = "none"


def small_policy(regions: Mapping[str, Sequence[str]], tables: Iterable[tuple[str, str, tuple[str, ...]]]) -> Policy:
    """Return the policy `suppression` with these regions and tables (geography, period, dimensions) of cases."""
    shipped = policy.load(shipped_policy("suppression"))
    plans = tuple(
        TablePlan.model_validate(
            {"name": f"t{i}", "population": "cases", "cube": "profile", "geography": geography, "period": period}
            | {"dimensions": dimensions}
        )
        for i, (geography, period, dimensions) in enumerate(tables)
    )
    places = tuple(Region(scheme=name, name=name, countries=tuple(c)) for name, c in regions.items())
    return shipped.model_copy(update={"regions": places, "tables": plans})


def cells_of(people: Mapping[Person, int], year: int = YEAR) -> dict[str, dict[str, int]]:
    """Return exact cells for these people, shared evenly by three agencies."""
    cells: dict[str, dict[str, int]] = {}
    for person, count in people.items():
        period = f"{year}{QUARTERS[person.quarter]}"
        age = AGES[person.majority]
        key = f"cases|profile|TIP|confirmed|{person.country}|{period}|{person.gender}|{age}|ForcedLabour"
        for i in range(count):
            agencies = cells.setdefault(key, {})
            agencies[f"agency-{i % 3}"] = agencies.get(f"agency-{i % 3}", 0) + 1
    return cells


def engine(seed: bytes = b"a secret of the tests") -> Engine:
    """Return the real solver with a fixed seed."""
    return Engine(Highs(), OrtoolsAuditor(), seed)


def released(
    people: Mapping[Person, int], rules: Policy, as_of: dt.date = LATER, seed: bytes = b"a secret of the tests"
) -> tuple[Publish | Withhold, ...]:
    """Plan everything due for these people."""
    return plan(cells_of(people), as_of, (), rules, engine=engine(seed))


def all_rows(outcomes: Iterable[Publish | Withhold]) -> tuple[TrendRow, ...]:
    """Return the rows of every feed."""
    return tuple(row for outcome in outcomes for rows in outcome.feeds.values() for row in rows)


def kept(people: Mapping[Person, int], outcomes: Iterable[Publish | Withhold]) -> EarlierRelease:
    """Return what one call released of these people, as the ledger keeps it."""
    return EarlierRelease(all_rows(outcomes), cells_of(people))


def rows_in(outcomes: Iterable[Publish | Withhold], year: int = YEAR) -> tuple[TrendRow, ...]:
    """Return the attacked block's rows of a year, each cell once per region that shows it."""
    every = all_rows(outcomes)
    return tuple(r for r in every if r.period.startswith(str(year)) and BLOCK.items() <= r.dimensions.items())


class Attacker:
    """Knows the published rows, the regions, and that nobody counts less than nothing."""

    def __init__(self, rows: Sequence[TrendRow], rules: Policy) -> None:
        self.regions = {region.name: region.countries for region in rules.regions}
        countries = sorted({c for region in rules.regions for c in region.countries})
        self.leaves = [Person(*leaf) for leaf in product(countries, GENDERS, AGES, QUARTERS)]
        shown = [row for row in rows if row.status == "published"]
        self.known = np.array([self.line(row) for row in shown]).reshape(len(shown), len(self.leaves))
        self.values = np.array([row.value for row in shown], float)
        self.k = rules.suppression.k

    def line(self, row: TrendRow) -> list[float]:
        """Return which leaves a row counts."""
        return [float(self._counts(row, leaf)) for leaf in self.leaves]

    def _counts(self, row: TrendRow, leaf: Person) -> bool:
        country = row.dimensions.get("country", "_T")
        place = leaf.country == country if country != "_T" else leaf.country in self.regions[row.region]
        quarter = row.period.partition("-")[2]
        codes = {"gender": leaf.gender, "majority": leaf.majority}
        known = {d: "unknown" if code == "unknown" else "known" for d, code in codes.items()}
        same = all(row.dimensions.get(d, "_T") in {"_T", known[d], code} for d, code in codes.items())
        return place and same and (not quarter or quarter == leaf.quarter)

    def interval(self, line: Sequence[float]) -> tuple[float, float]:
        """Return the least and the most that a sum of leaves can be."""
        ends = []
        for sign in (1.0, -1.0):
            answer = linprog(sign * np.array(line), A_eq=self.known, b_eq=self.values, method="highs")
            ends.append(sign * answer.fun if answer.status == 0 else -np.inf if sign > 0 else np.inf)
        return ends[0], ends[1]

    def breaches(self, sums: Iterable[Sequence[float]], people: Mapping[Person, int]) -> tuple[int, int]:
        """Return how many sums of 1 to k-1 people are recovered exactly, and how many more are known to be below k."""
        exact = narrow = 0
        for line in sums:
            truth = sum(people.get(leaf, 0) * weight for leaf, weight in zip(self.leaves, line, strict=True))
            if 0 < truth < self.k:
                low, high = self.interval(line)
                exact += high - low < 1 - 1e-6
                narrow += (low > 1e-6 or high < self.k - 1e-6) and high - low >= 1 - 1e-6
        return exact, narrow


def attack(outcomes: Iterable[Publish | Withhold], people: Mapping[Person, int], rules: Policy) -> tuple[int, int, int]:
    """Attack all suppressed cells of a release; return cells attacked, recovered exactly, narrowed below k."""
    rows = rows_in(outcomes)
    attacker = Attacker(rows, rules)
    lines = {tuple(attacker.line(row)) for row in rows if row.status == "suppressed"}
    return len(lines), *attacker.breaches(lines, people)


REGIONS = {"levant": ("IRQ", "LBN"), "pave": ("EGY", "IRQ")}
RULES = small_policy(REGIONS, [("country", "quarter", ()), ("region", "year", ("gender", "majority"))])
PEOPLE = {
    Person("IRQ", "F", "adult", "Q1"): 25,
    Person("IRQ", "M", "minor", "Q2"): 4,
    Person("LBN", "F", "adult", "Q1"): 30,
    Person("LBN", "M", "adult", "Q3"): 14,
    Person("EGY", "F", "minor", "Q1"): 19,
    Person("EGY", "M", "adult", "none"): 22,
}
