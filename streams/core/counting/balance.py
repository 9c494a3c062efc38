"""The reconciliation of a day: the records that an agency published against their outcomes.

Purpose: decides for each raw record whether it has its one outcome, is in flight, is missing, or is counted twice. The
difference of a day is zero if no record is missing. Reads nothing itself.

Called by: `connectors.console.reconciliation`, which reads the broker; `connectors.console.balance_document` and `amana
audit reconcile`, which show the result.

Invariants:
- In flight: not read by the de-identifier yet; or read, while a later stage has a lag.
- Missing: read by every stage, and without an outcome: held back from the stages, or lost.
- Double: counted by two partitions of dedupe; or an outcome of a record that was never published.
- The agency's sequence is the offset in its partition: a raw partition has one idempotent writer and no transactions,
  so that offsets have no gap.
"""

import bisect
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from operator import itemgetter

from streams.core.counting.outcome_index import OutcomeIndex, Place
from streams.core.counting.outcomes import OUTCOMES, Outcome, Position

__all__ = ["BalanceLine", "PublishedPartition", "RecordBalance", "reconcile"]


@dataclass(frozen=True, slots=True)
class PublishedPartition:
    """One raw partition.

    Args:
        agency: Its agency.
        kind: Its kind of events.
        partition: Its number.
        end: The offset behind the last published record.
        read: The offset behind the last record that the de-identifier has committed.
        days: (first offset, day) in ascending order; records before the first of them are of the day `earlier`.
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
    """One day of one agency: the number of published records, of each outcome, and of records in flight."""

    agency: str
    day: str
    published: int
    outcomes: Mapping[str, int]
    in_flight: int

    @property
    def difference(self) -> int:
        """Return the number of missing records."""
        return self.published - sum(self.outcomes.values()) - self.in_flight


@dataclass(frozen=True, slots=True)
class RecordBalance:
    """All lines, and the place of each record that is missing or double."""

    lines: tuple[BalanceLine, ...]
    missing: tuple[Position, ...]
    double: tuple[Position, ...]

    @property
    def difference(self) -> int:
        """Return the number of records without exactly one outcome."""
        return len(self.missing) + len(self.double)


def reconcile(published: Iterable[PublishedPartition], outcomes: Iterable[Outcome], *, behind: bool) -> RecordBalance:
    """Compare the published records with their outcomes.

    Args:
        published: Every raw partition.
        outcomes: The whole topic `outcomes`, in any order, repetitions included.
        behind: Whether a stage after the de-identifier has a lag.
    """
    index = OutcomeIndex(outcomes)
    count: Counter[tuple[str, str, str]] = Counter()
    missing: list[Position] = []
    ends: dict[Place, int] = {}
    for raw in published:
        place = raw.agency, raw.kind, raw.partition
        ends[place] = raw.end
        for offset in range(raw.end):
            outcome = index.outcome_of(place, offset) or "in_flight"
            # While a later stage has a lag, the record may wait in front of it; no record can be told to be lost.
            if outcome == "in_flight" and offset < raw.read and not behind:
                missing.append((*place, offset))
                outcome = "missing"
            count[raw.agency, raw.day_of(offset), outcome] += 1
    double = {position for position in index.twice() if position[3] < ends.get(position[:3], 0)}
    # `published` may be one agency's alone, while the topic has the outcomes of all.
    agencies = {agency for agency, _, _ in ends}
    unknown = {position for position in index.outside(ends) if position[0] in agencies}
    lines = []
    for agency, day in sorted({key[:2] for key in count}):
        counts = {name: number for (of, when, name), number in count.items() if (of, when) == (agency, day)}
        by_outcome = {name: counts.get(name, 0) for name in OUTCOMES}
        lines.append(BalanceLine(agency, day, sum(counts.values()), by_outcome, counts.get("in_flight", 0)))
    return RecordBalance(tuple(lines), tuple(missing), tuple(sorted(double | unknown)))
