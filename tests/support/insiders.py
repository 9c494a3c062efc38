"""Invented populations by agency, and an agency that attacks with its own counts.

The attacker shares no code with what it attacks: only the rows of the feed, read from their bytes, and its own persons
are used.
"""

import datetime as dt
import random
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

import numpy as np

from anonymizer.policy import Policy
from schemas import catalogue, codec, limits
from schemas.trend import TrendRow
from streams.core.releasing.release_decision import EarlierRelease, Publish, Withhold
from streams.core.releasing.release_plan import plan
from tests.support.disclosure import AGES, QUARTERS, YEAR, Attacker, Person, all_rows, engine, rows_in

Reports = Mapping[Person, Mapping[str, int]]
"""Where a person is counted → the agencies that reported it, joined with `+` → persons."""

Outcomes = tuple[Publish | Withhold, ...]


def cells_of(reports: Reports) -> dict[str, dict[str, int]]:
    """Return the exact cells of these persons."""
    return {
        f"cases|profile|TIP|confirmed|{who.country}|{YEAR}{QUARTERS[who.quarter]}|{who.gender}"
        f"|{AGES[who.majority]}|ForcedLabour": dict(agencies)
        for who, agencies in reports.items()
    }


def grown(reports: Reports, who: Person, agencies: str, persons: int) -> dict[Person, dict[str, int]]:
    """Return the same after agencies reported more persons; fewer, if the number is below 0."""
    more = {person: dict(counts) for person, counts in reports.items()}
    own = more.setdefault(who, {})
    own[agencies] = own.get(agencies, 0) + persons
    return more


def released(
    reports: Reports, rules: Policy, as_of: dt.date, earlier: Sequence[EarlierRelease] = ()
) -> tuple[Outcomes, EarlierRelease]:
    """Plan what is due; return it, and as the ledger keeps it."""
    cells = cells_of(reports)
    outcomes = plan(cells, as_of, earlier, rules, engine=engine())
    return outcomes, EarlierRelease(all_rows(outcomes), cells)


def read(outcomes: Outcomes) -> list[TrendRow]:
    """Return the attacked block's rows as an analyst reads them from the bytes of the feed."""
    schema = catalogue.load("trend").parsed
    payloads = [codec.encode(1, schema, row.record()) for row in rows_in(outcomes)]
    return [TrendRow.from_record(codec.decode(payload, {1: schema}, limits.INTERNAL)) for payload in payloads]


def told(rows: Iterable[TrendRow]) -> dict[tuple[str, ...], int | None]:
    """Return every cell with its value, None where it is blank."""
    return {
        (row.table, row.region, row.period, *(f"{d}={c}" for d, c in sorted(row.dimensions.items()))): row.value
        for row in rows
    }


class Insider(Attacker):
    """One agency, or several that put together what they know: the rows without the persons that they reported."""

    def __init__(self, rows: Sequence[TrendRow], rules: Policy, reports: Reports, agencies: Iterable[str]) -> None:
        super().__init__(rows, rules)
        together, counts = set(agencies), [reports.get(leaf, {}) for leaf in self.leaves]
        own = [sum(n for who, n in by.items() if together & set(who.split("+"))) for by in counts]
        self.others = np.array([sum(by.values()) for by in counts]) - own
        if len(self.values):
            self.values -= self.known @ np.array(own, float)

    def bounded(self, rows: Sequence[TrendRow]) -> int:
        """Return how many sums must hold 1 to k-1 persons of others: elementary cells, cells, differences of two."""
        cells = sorted({tuple(self.line(row)) for row in rows})
        apart = {tuple(np.subtract(b, a)) for a, b in combinations(sorted(cells, key=sum), 2)}
        single = [tuple(row) for row in np.eye(len(self.leaves))[self.others > 0]]
        sums = [*cells, *(line for line in apart if min(line) >= 0), *single]
        found = 0
        # A sum that must be 1 to k-1 is 1 to k-1.
        for line in sums if len(self.values) else ():
            if 0 < np.dot(line, self.others) < self.k:
                low, high = self.interval(line)
                found += low > 0.5 and high < self.k - 0.5
        return found


def drawn(seed: int, people: Iterable[Person], agencies: Sequence[str]) -> dict[Person, dict[str, int]]:
    """Draw reports: each place has an agency of its own that has most, and some persons have several reporters."""
    draw = random.Random(seed)
    reports: dict[Person, dict[str, int]] = {}
    for person in people:
        first = draw.choice(agencies)
        counts = {first: draw.choice((0, 3, 12, 40, 90))}
        for other in (name for name in agencies if name != first):
            counts[other] = draw.choice((0, 0, 1, 2, 5, 14))
            counts["+".join(sorted((first, other)))] = draw.choice((0, 0, 0, 4, 25))
        reports[person] = {name: n for name, n in counts.items() if n}
    return {person: counts for person, counts in reports.items() if counts}


def agencies_of(reports: Reports) -> list[str]:
    """Return every agency that reports anybody."""
    return sorted({name for counts in reports.values() for who in counts for name in who.split("+")})
