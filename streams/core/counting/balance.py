"""The books of a day: what an agency published against what became of it, to a difference of zero.

Decides, per raw record, whether its one end is known, still to come, missing or told twice. Does not read anything: it
is given the ends of partitions, how far the stages are, and every statement about a raw record.

- In flight: not read by the de-identifier yet; or read, while a later stage still has something to read.
- Missing: read and passed on by every stage, and no end: withheld from the stages, or lost.
- Double: counted on the word of two dedupe partitions; or an end for a record that was never published.
- The agency's sequence is the offset in its partition: a raw partition has one idempotent writer and no transactions,
  so that offsets run without a gap.
"""

import bisect
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from operator import itemgetter

from streams.core.counting.outcome_index import OutcomeIndex, Place
from streams.core.counting.outcomes import FATES, Outcome, Position

__all__ = ["BalanceLine", "PublishedPartition", "RecordBalance", "reconcile"]


@dataclass(frozen=True, slots=True)
class PublishedPartition:
    """One raw partition: offsets below `end` were published, those below `read` are the de-identifier's past.

    `days` lists (first offset, day), ascending; what lies before the first of them is of the day `earlier`.
    """

    agency: str
    kind: str
    partition: int
    end: int
    read: int
    days: tuple[tuple[int, str], ...] = ()

    def day_of(self, offset: int) -> str:
        """Return the day on which the record at `offset` arrived."""
        before = bisect.bisect_right(self.days, offset, key=itemgetter(0))
        return self.days[before - 1][1] if before else "earlier"


@dataclass(frozen=True, slots=True)
class BalanceLine:
    """One agency's day: `fates` by name, `in_flight`, and the places that make the difference."""

    agency: str
    day: str
    published: int
    fates: Mapping[str, int]
    in_flight: int

    @property
    def difference(self) -> int:
        """Return published records without an end that is known or to come."""
        return self.published - sum(self.fates.values()) - self.in_flight


@dataclass(frozen=True, slots=True)
class RecordBalance:
    """All lines, and each record that is missing or double."""

    lines: tuple[BalanceLine, ...]
    missing: tuple[Position, ...]
    double: tuple[Position, ...]

    @property
    def difference(self) -> int:
        """Return how many records do not have exactly one end."""
        return len(self.missing) + len(self.double)


def reconcile(published: Iterable[PublishedPartition], statements: Iterable[Outcome], *, behind: bool) -> RecordBalance:
    """Hold what was published against what was said of it.

    Args:
        published: Every raw partition.
        statements: All of the topic `outcomes`, in any order, repetitions included.
        behind: Whether a stage after the de-identifier has anything left to read.
    """
    ends = OutcomeIndex(statements)
    count: Counter[tuple[str, str, str]] = Counter()
    missing: list[Position] = []
    until: dict[Place, int] = {}
    for one in published:
        place = one.agency, one.kind, one.partition
        until[place] = one.end
        for offset in range(one.end):
            end = ends.fate_of(place, offset) or "in_flight"
            if end == "in_flight" and offset < one.read and not behind:
                missing.append((*place, offset))
                end = "missing"
            count[one.agency, one.day_of(offset), end] += 1
    double = {where for where in ends.twice() if where[3] < until.get(where[:3], 0)}
    agencies = {agency for agency, _, _ in until}
    unknown = {where for where in ends.outside(until) if where[0] in agencies}
    return RecordBalance(_lines(count), tuple(missing), tuple(sorted(double | unknown)))


def _lines(count: Mapping[tuple[str, str, str], int]) -> tuple[BalanceLine, ...]:
    lines = []
    for agency, day in sorted({key[:2] for key in count}):
        ends = {end: number for (one, when, end), number in count.items() if (one, when) == (agency, day)}
        fates = {fate: ends.get(fate, 0) for fate in FATES}
        lines.append(BalanceLine(agency, day, sum(ends.values()), fates, ends.get("in_flight", 0)))
    return tuple(lines)
