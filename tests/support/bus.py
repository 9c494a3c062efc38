"""A broker in memory for the release process: topics as lists, a fence, and a power cut at any chosen call."""

from collections.abc import Container, Mapping, Sequence

from connectors.adapters.release_bus import row_key
from connectors.adapters.released_topics import feed_claims
from schemas.errors import IntegrityError, TransportError
from schemas.trend import TrendRow
from streams.core.releasing.release_comparison import BudgetBooks, Claim
from streams.core.releasing.release_decision import Publish, ReleaseDecision
from streams.release.release_ports import Tick
from streams.transparency.decision import Decision


class PowerCut(BaseException):
    """The process ended here."""


class MemoryBus:
    """Keeps what was sent; `cut_at` counts the calls after which the process ends, half way through a publish.

    A call in `away` is a TransportError, before or after what the call does; it takes the fence away as well.
    """

    def __init__(self, ticks: Sequence[Tick], audit: Sequence[Decision] = ()) -> None:
        self.calendar, self.audit = list(ticks), list(audit)
        self.feeds_by_region: dict[str, list[tuple[bytes, TrendRow]]] = {}
        self.announcements: list[tuple[str, str]] = []
        self.reports: list[Decision] = []
        self.is_idle = True
        self.cut_at: int | None = None
        self.away: frozenset[int] = frozenset()
        """Calls, counted from 0, that find the broker out of reach."""
        self.calls = 0
        self._read = [0, 0]
        self._epochs: list[int] = []
        self._epoch = -1

    def beside(self) -> "MemoryBus":
        """Return the connection of a second process to the same topics."""
        other = MemoryBus(())
        other.calendar, other.audit, other.feeds_by_region = self.calendar, self.audit, self.feeds_by_region
        other.announcements, other.reports, other._epochs = self.announcements, self.reports, self._epochs
        return other

    @property
    def is_fenced(self) -> bool:
        return self._epoch >= 0

    def fence(self) -> None:
        self._step()
        self._epoch = len(self._epochs)
        self._epochs.append(self._epoch)

    def give_up(self) -> None:
        self._epoch = -1

    def announced(self) -> Mapping[str, Claim]:
        self._step()
        return {f"{release}|": Claim(pattern=pattern) for release, pattern in self.announcements}

    def feeds(self) -> Mapping[str, Claim]:
        self._step()
        return feed_claims((r, key, row) for r in sorted(self.feeds_by_region) for key, row in self.feeds_by_region[r])

    def start(self, *, audit: int, calendar: int) -> None:
        self._answer()
        self._read = [audit, calendar]

    def decisions(self) -> Sequence[Decision]:
        self._step()
        found, self._read[0] = self.audit[self._read[0] :], len(self.audit)
        return found

    def ticks(self) -> Sequence[Tick]:
        self._step()
        found, self._read[1] = self.calendar[self._read[1] :], len(self.calendar)
        return found

    def settled_ends(self) -> tuple[int, ...] | None:
        return (1,) if self.is_idle else None

    def cells(self) -> Mapping[str, Mapping[str, int]]:
        self._step()
        return {}

    def publish(self, decisions: Sequence[ReleaseDecision], policy: str, *, announced: Container[str] = ()) -> None:
        assert policy, "an announcement names its policy"
        fresh = [one for one in decisions if isinstance(one, Publish) and one.header.release not in announced]
        self._sending()
        self.announcements += [(one.header.release, one.pattern) for one in fresh]
        self._sending()
        sent: dict[str, list[tuple[bytes, TrendRow]]] = {}
        for decision in decisions:
            for region, rows in decision.feeds.items():
                for row in rows:
                    self._sending()
                    sent.setdefault(region, []).append((row_key(row), row))
        self._sending()
        for region, records in sent.items():
            self.feeds_by_region.setdefault(region, []).extend(records)
        self._sending()

    def report(self, decision: Decision) -> None:
        self._sending()
        self.reports.append(decision)

    def close(self) -> None:
        self._read = [0, 0]
        self._epoch = -1

    def _sending(self) -> None:
        """Refuse a process that was fenced off; a fault takes the fence away."""
        if self._epoch != len(self._epochs) - 1 or self._epoch < 0:
            raise IntegrityError("INT-174", "another release process has taken over")
        try:
            self._step()
        except TransportError:
            self._epoch = -1
            raise

    def _answer(self) -> None:
        self.calls += 1
        if self.calls - 1 in self.away:
            raise TransportError("TRA-140", "the broker is out of reach")

    def _step(self) -> None:
        self._answer()
        if self.cut_at is not None:
            self.cut_at -= 1
            if self.cut_at < 0:
                raise PowerCut


class MemoryBudget:
    """The books of a budget, without a file."""

    def __init__(self, books: BudgetBooks | None = None) -> None:
        self.held = books or BudgetBooks()

    def books(self) -> BudgetBooks:
        return self.held
