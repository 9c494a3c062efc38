"""What the release process needs of the world outside it: a broker, an audit log, a ledger, a plan.

Decides nothing. The adapters behind these ports are chosen in `amana.commands.release`.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from streams.core.releasing.release_plan import Cells, EarlierRelease, Publish, TrendRow, Withhold
from streams.transparency.decision import Decision

__all__ = ["AUDIT_STREAM", "Cells", "LedgerPort", "LogPort", "ReleaseBus", "ReleaseDecision", "ReleaseDeps", "Tick"]

AUDIT_STREAM = "audit/0"
"""Topic and partition from which decision records are drained."""

ReleaseDecision = Publish | Withhold


@dataclass(frozen=True, slots=True)
class Tick:
    """One tick of the calendar: its offset, id, date, and how long (seconds) it may wait for the stages."""

    position: int
    id: str
    as_of: dt.date
    patience: float


class ReleaseBus(Protocol):
    """The topics, as far as this process uses them. Every send is acknowledged when the method returns."""

    def start(self, *, audit: int, calendar: int) -> None:
        """Begin reading both topics at these offsets."""
        ...

    def decisions(self) -> Sequence[Decision]:
        """Return the next decision records, waiting a moment where there are none."""
        ...

    def ticks(self) -> Sequence[Tick]:
        """Return the next ticks, if any."""
        ...

    def settled_ends(self) -> tuple[int, ...] | None:
        """Return the end offsets of what the stages read if all have caught up, None if one has not."""
        ...

    def cells(self) -> Cells:
        """Return cell key → persons by agency, from the whole topic `cells`."""
        ...

    def publish(self, region: str, rows: Sequence[TrendRow]) -> None:
        """Send rows to a region's feed."""
        ...

    def announce(self, outcome: Publish, policy: str) -> None:
        """Send a release's ledger entry to the topic `ledger`."""
        ...

    def report(self, decision: Decision) -> None:
        """Send a decision record to the topic `audit`."""
        ...

    def close(self) -> None:
        """Give all connections up."""
        ...


class LogPort(Protocol):
    """The audit log; `sources` maps a stream to its last offset, `releases` holds `release|withheld table`."""

    sources: dict[str, int]
    releases: dict[str, int]

    def append(self, decisions: Sequence[Decision]) -> int:
        """Record decisions durably, or raise IntegrityError."""
        ...

    def close(self) -> None:
        """Give the log up."""
        ...


class LedgerPort(Protocol):
    """The disclosure ledger."""

    def commit(
        self, tick: str, position: int, as_of: dt.date, entered: tuple[Sequence[ReleaseDecision], Cells]
    ) -> None:
        """Enter a tick with all it releases or withholds and the exact cells behind it, durably and once."""
        ...

    def unpublished(self) -> Iterator[tuple[int, str, ReleaseDecision]]:
        """Yield number, tick and content of entries whose rows are not yet all acknowledged."""
        ...

    def mark_published(self, number: int) -> None:
        """Note that an entry's rows are all acknowledged."""
        ...

    def entries_of(self, tick: str) -> tuple[ReleaseDecision, ...]:
        """Return what a tick releases or withholds."""
        ...

    def earlier(self) -> tuple[EarlierRelease, ...]:
        """Return what every tick so far entered, in order."""
        ...

    def releases(self) -> tuple[str, ...]:
        """Return `release|withheld table` of every published entry."""
        ...

    def is_planned(self, tick: str) -> bool:
        """Say whether a tick was entered."""
        ...

    def finish(self, tick: str, position: int, as_of: dt.date, summary: Mapping[str, str]) -> None:
        """Close a tick."""
        ...

    def position(self) -> int:
        """Return the offset of the last finished tick, -1 before the first."""
        ...

    def close(self) -> None:
        """Give the ledger up."""
        ...


@dataclass(frozen=True, slots=True)
class ReleaseDeps:
    """What the process works with; `plan` takes cells, date and earlier releases; `code` names the version."""

    bus: ReleaseBus
    log: LogPort
    ledger: LedgerPort
    plan: Callable[[Cells, dt.date, Sequence[EarlierRelease]], Sequence[ReleaseDecision]]
    policy: str
    code: str
