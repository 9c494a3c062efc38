"""Ports of the release process: broker, audit log, release ledger, privacy budget and plan.

Purpose: the process depends on these protocols alone, so the tests run it with a broker in memory.
Called by: `release_process`, which uses them; `connectors.adapters.release_bus`, which implements one;
`amana.composition.release_parts`, which binds them to Kafka, SQLite and the files of the transparency log.

Invariants:
- A method of the broker raises TransportError if it cannot finish in time, and may be called again.
- The broker lets the last process that called `fence` send, and no other.
- A send is acknowledged, and an entry of log or ledger durable, when the method returns.
"""

import datetime as dt
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from streams.core.releasing.release_comparison import BudgetBooks, Claim
from streams.core.releasing.release_decision import Cells, EarlierRelease, ReleaseDecision
from streams.transparency.decision import Decision

__all__ = [
    "AUDIT_STREAM",
    "BudgetPort",
    "Cells",
    "LedgerPort",
    "LogPort",
    "ReleaseBus",
    "ReleaseDecision",
    "ReleaseDeps",
    "Tick",
]

AUDIT_STREAM = "audit/0"
"""Topic and partition from which decision records are drained."""


@dataclass(frozen=True, slots=True)
class Tick:
    """One tick of the calendar: its offset, id and date, and the seconds that it may wait for the stages."""

    position: int
    id: str
    as_of: dt.date
    patience: float


class ReleaseBus(Protocol):
    """The topics that this process uses. Every send is acknowledged when the method returns.

    Each method raises TransportError if the brokers do not let it finish in time; it may be called again then, a method
    that sends only after `fence` and a comparison of what is out.
    """

    @property
    def is_fenced(self) -> bool:
        """Whether this process alone may send, as far as it knows."""
        ...

    def fence(self) -> None:
        """Shut every earlier release process out; what is out cannot change behind this call but by this process."""
        ...

    def give_up(self) -> None:
        """Give the fence up; nothing can be sent until it is taken again."""
        ...

    def announced(self) -> Mapping[str, Claim]:
        """Return what the topic `ledger` tells of every publication, as `release|`."""
        ...

    def feeds(self) -> Mapping[str, Claim]:
        """Return the digests of everything that lies on the feeds, as `release|withheld table`."""
        ...

    def start(self, *, audit: int, calendar: int) -> None:
        """Begin reading both topics at these offsets."""
        ...

    def decisions(self) -> Sequence[Decision]:
        """Return the next decision records, after a short wait if there are none."""
        ...

    def ticks(self) -> Sequence[Tick]:
        """Return the next ticks, if any."""
        ...

    def settled_ends(self) -> tuple[int, ...] | None:
        """Return the end offsets of everything that the stages read, or None while any stage has a lag."""
        ...

    def cells(self) -> Cells:
        """Return cell key → persons by agency, from the whole topic `cells`."""
        ...

    def publish(self, decisions: Sequence[ReleaseDecision], policy: str, *, announced: Container[str] = ()) -> None:
        """Announce all decisions but those in `announced`, then send all rows to the feeds or none.

        Raises:
            IntegrityError: INT-174, another process has fenced this one off; no row is out.
        """
        ...

    def report(self, decision: Decision) -> None:
        """Send a decision record to the topic `audit`; raises as `publish`."""
        ...

    def close(self) -> None:
        """Close all connections."""
        ...


class LogPort(Protocol):
    """The audit log.

    `sources` maps a stream to its last offset, `releases` a `release|withheld table` to its record, and `last` an
    action to the last record of it that this process or its predecessors made.
    """

    sources: dict[str, int]
    releases: dict[str, Decision]
    last: dict[str, Decision]

    def append(self, decisions: Sequence[Decision]) -> int:
        """Record decisions durably, or raise IntegrityError."""
        ...

    def close(self) -> None:
        """Close the log."""
        ...


class LedgerPort(Protocol):
    """The release ledger."""

    def commit(
        self, tick: str, position: int, as_of: dt.date, entered: tuple[Sequence[ReleaseDecision], Cells]
    ) -> None:
        """Enter a tick with its releases, its withheld tables and the exact cells behind them, durably and once."""
        ...

    def unpublished(self) -> Iterator[tuple[int, str, ReleaseDecision]]:
        """Yield number, tick and content of every entry that is not yet marked as published."""
        ...

    def mark_published(self, number: int) -> None:
        """Mark an entry as published: all of its rows are acknowledged."""
        ...

    def entries_of(self, tick: str) -> tuple[ReleaseDecision, ...]:
        """Return everything that a tick releases or withholds, in order."""
        ...

    def earlier(self) -> tuple[EarlierRelease, ...]:
        """Return everything entered so far, one `EarlierRelease` per tick, in order."""
        ...

    def claims(self) -> Mapping[str, Claim]:
        """Return the digests of every entry, as `release|withheld table`, in order."""
        ...

    def is_planned(self, tick: str) -> bool:
        """Tell whether a tick was entered."""
        ...

    def finish(self, tick: str, position: int, as_of: dt.date, summary: Mapping[str, str]) -> None:
        """Close a tick with the summary that was announced for it."""
        ...

    def position(self) -> int:
        """Return the offset of the last finished tick, -1 before the first."""
        ...

    def close(self) -> None:
        """Close the ledger."""
        ...


class BudgetPort(Protocol):
    """The privacy budget, as far as it is compared with the audit log."""

    def books(self) -> BudgetBooks:
        """Return the present state of the budget; an empty one if nothing was ever charged."""
        ...


@dataclass(frozen=True, slots=True)
class ReleaseDeps:
    """The parts that the process runs on.

    `plan` takes cells, date and earlier releases; `policy` is the digest of the policy in force, `code` the version of
    the software; `renew` takes over keys that were replaced meanwhile, and returns the parts under policies that came
    into force, None if there are none.
    """

    bus: ReleaseBus
    log: LogPort
    ledger: LedgerPort
    budget: BudgetPort
    plan: Callable[[Cells, dt.date, Sequence[EarlierRelease]], Sequence[ReleaseDecision]]
    policy: str
    code: str
    renew: "Callable[[], ReleaseDeps | None]" = lambda: None
