"""A broker in memory for the release process: topics as lists, and a power cut at any chosen call."""

from collections.abc import Mapping, Sequence

from connectors.adapters.release_bus import row_key
from schemas.errors import TransportError
from schemas.trend import TrendRow
from streams.core.releasing.release_decision import Publish
from streams.release.release_ports import Tick
from streams.transparency.decision import Decision


class PowerCut(BaseException):
    """The process ended here."""


class MemoryBus:
    """Keeps what was sent; `cut_at` counts the calls after which the process ends, half way through a publish.

    A call in `away` is a TransportError, which leaves half of a publish behind as well.
    """

    def __init__(self, ticks: Sequence[Tick], audit: Sequence[Decision] = ()) -> None:
        self.calendar, self.audit = list(ticks), list(audit)
        self.feeds: dict[str, list[tuple[bytes, TrendRow]]] = {}
        self.ledger: list[str] = []
        self.reports: list[Decision] = []
        self.is_idle = True
        self.cut_at: int | None = None
        self.away: frozenset[int] = frozenset()
        """Calls, counted from 0, that find the broker out of reach, before or after what they do."""
        self.calls = 0
        self._read = [0, 0]

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

    def publish(self, region: str, rows: Sequence[TrendRow]) -> None:
        for row in rows:
            self._step()
            self.feeds.setdefault(region, []).append((row_key(row), row))

    def announce(self, outcome: Publish, policy: str) -> None:
        self._step()
        self.ledger.append(f"{outcome.header.release}|{policy}")

    def report(self, decision: Decision) -> None:
        self._step()
        self.reports.append(decision)

    def close(self) -> None:
        self._read = [0, 0]

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
