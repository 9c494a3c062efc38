"""Releases asked for in the background while brokers die, and how long after its broker's return each was served."""

import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

from amana.site import Site
from connectors.adapters import schema_ids
from connectors.feed.trend_reader import TrendReader
from connectors.operations.calendar_tick import TickAnswer, request
from schemas.errors import TransportError
from streams.core.calendar import Window, first_publication_on
from streams.transparency import log_verification
from tests.support import cluster, faults, feeding, flow

__all__ = ["AWAY_SECONDS", "PATIENCE_SECONDS", "Away", "Releases", "check_feeds", "check_while_brokers_die"]

PATIENCE_SECONDS: Final = 150.0
"""A release that is not served this long after its broker is back counts as lost.

On two cores that do nothing else, the slowest took less than 60 s.
"""

AWAY_SECONDS: Final = 12.0
"""More than a broker's session: others lead and coordinate meanwhile."""

_EVERY_SECONDS: Final = 30.0
_BETWEEN_SECONDS: Final = 20.0
_EVENTS_A_RELEASE: Final = 1_000
_PER_SECOND: Final = 400
_MOST_RELEASES_A_KILL: Final = 5


@dataclass(frozen=True, slots=True)
class Away:
    """One absence of a broker: when it was killed, and when it was started again."""

    killed: float
    started: float


@dataclass(slots=True)
class _Release:
    asked: float
    answered: float = 0.0
    answer: TickAnswer | None = None
    faults: list[str] = field(default_factory=list)


class Releases:
    """Asks for one window after another, each from a thread of its own; a context manager that waits for the last."""

    def __init__(self, site: Site) -> None:
        self._site, self._policy = site, site.policy()
        self._threads: list[threading.Thread] = []
        self._releases: list[_Release] = []

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for the answers, unless the test has failed already."""
        if error is None:
            deadline = time.monotonic() + PATIENCE_SECONDS
            for thread in self._threads:
                thread.join(max(0.0, deadline - time.monotonic()))

    def ask(self) -> None:
        """Ask for the next quarter, from the first of 2024 on."""
        number = len(self._releases)
        day = first_publication_on(Window(2024 + number // 4, "quarter", number % 4 + 1), self._policy)
        release = _Release(time.monotonic())

        def served() -> None:
            while release.answer is None:
                try:
                    release.answer = request(self._site.cluster("operator"), day, patience=PATIENCE_SECONDS)
                except TransportError as error:  # as an operator does: the same again
                    release.faults.append(error.code)
            release.answered = time.monotonic()

        self._releases.append(release)
        self._threads.append(threading.Thread(target=served, daemon=True))
        self._threads[-1].start()

    def wait(self) -> None:
        """Wait for the last answer."""
        self._threads[-1].join(PATIENCE_SECONDS)
        assert not self._threads[-1].is_alive(), "the release was not served"

    def check(self, absences: Sequence[Away]) -> None:
        """Assert that every release was served; print how long each took.

        The time counts from when it was asked for and its broker was back, and is 0 where it was served before that.

        Its broker is the first that was away between question and answer; where none was, the question counts.
        """
        late = sorted(self._late(one, absences) for one in self._releases)
        again = Counter(code for one in self._releases for code in one.faults)
        shown = ", ".join(f"{seconds:.1f}" for seconds in late)
        print(f"\n{len(late)} releases while brokers were away {len(absences)} times: served after {shown} s")
        print(f"asked again by the operator: {dict(again)}")
        assert late[-1] <= PATIENCE_SECONDS

    def _late(self, release: _Release, absences: Sequence[Away]) -> float:
        assert release.answer is not None, "a release was never served"
        assert release.answer.code == "", (release.answer.code, release.answer.reason)
        met = [one for one in absences if one.killed < release.answered and release.asked < one.started]
        return max(0.0, release.answered - max([release.asked, *(one.started for one in met[:1])]))


def check_while_brokers_die(brokers: cluster.Cluster, site: Site, *, kills: int) -> None:
    """Kill brokers in turn beside events and a release every 30 s; each is served, and no count differs."""
    sent = flow.events(_EVENTS_A_RELEASE * _MOST_RELEASES_A_KILL * kills, seed=45)
    absences: list[Away] = []
    with Releases(site) as releases, feeding.Feed(site, sent, _PER_SECOND) as feed:
        with _Cadence(releases, feed):
            for number in range(kills):
                time.sleep(_BETWEEN_SECONDS)
                killed = time.monotonic()
                brokers.kill(number % cluster.NODES)
                time.sleep(AWAY_SECONDS)
                brokers.start(number % cluster.NODES)
                absences.append(Away(killed, time.monotonic()))
                brokers.wait_in_sync()
        feed.enough.set()
        feed.go_on()
    releases.check(absences)
    faults.settled(site, 120)
    assert faults.lost(site, sent[: feed.acknowledged]) == 0
    assert faults.differences(site, sent[: feed.acknowledged]) == ({}, {})
    check_feeds(site)


class _Cadence:
    """Lets more events flow and asks for a release, again and again; a context manager."""

    def __init__(self, releases: Releases, feed: feeding.Feed) -> None:
        self._releases, self._feed = releases, feed
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        feed.hold()

    def __enter__(self) -> None:
        """Begin."""
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            self._feed.limit += _EVENTS_A_RELEASE
            self._releases.ask()
            if self._stopped.wait(_EVERY_SECONDS):
                return


def check_feeds(site: Site) -> None:
    """Every published row is on its feed once for a reader, and its release is in an audit log that verifies."""
    log_verification.verify(site.path("audit"), site.public("audit"))
    recorded = Counter(_recorded(site))
    with TrendReader(
        site.cluster("analysts").kafka_settings(), schema_ids.allow_list(site.schema_ids, ["trend"]).allowed("trend")
    ) as feed:
        seen = Counter((row.release, row.cell) for row in feed.rows())
    assert seen, "nothing was released"
    assert max(seen.values()) == 1
    assert {release for release, _ in seen} <= set(recorded)
    assert max(recorded.values()) == 1


def _recorded(site: Site) -> Iterator[str]:
    for _, one in log_verification.entries(site.path("audit")):
        if one.action == "release":
            yield one.details["release"]
