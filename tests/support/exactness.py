"""The state machine of exactness: the real stages over a broker in memory (`tests.support.interleaving`).

Every write may arrive or be lost, owners change in the middle of a batch and of a restore, and logs are compacted
meanwhile. When everything has been read the cells must equal a recount of what was published, which knows nothing of
the code under test.
"""

import itertools
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from streams.broker.partitions import partition_of
from streams.runtime import stage
from tests.support import flow, raw_events
from tests.support.interleaving import CHANGELOGS, Owner, counted
from tests.support.memory_logs import Broker, Place

__all__ = ["CONTENTS", "MOVING", "PLACES", "Exactness", "partition_of_cell"]

Content = tuple[str, str] | None
Drawn = tuple[int, int, str, Content]


def _event(number: int, revision: int, token: str, content: Content) -> dict[str, Any]:
    """Make a revision of an event; without content it is withdrawn."""
    country, period = content or ("JOR", "2024-01")
    return {
        **_TEMPLATE,
        "event_id": f"{number:032x}",
        "agency": flow.AGENCIES[number % 2],
        "revision": revision,
        "state": "reported" if content else "withdrawn",
        "token": token,
        "status": "possible",
        "country": country,
        "period": period,
        "digest": f"{number}.{revision}.{content}",
        "source_offset": 100 * number + revision,
    }


def partition_of_cell(content: Content) -> int:
    """Return where the cell of an event with this content lies."""
    (cell,) = flow.recount([_event(0, 1, "", content)])
    return partition_of(cell.encode(), 4)


_TEMPLATE = flow.events(1, seed=1)[0]
PLACES: list[Place] = [("dedupe", 0), ("dedupe", 1), ("aggregate", 0), ("aggregate", 1)]
_INDEX = raw_events.deps().seal.index
TOKENS = [token for n in range(40) if partition_of(_INDEX("2024", token := f"{n:032x}").encode(), 4) < 2][:4]
CONTENTS = [one for one in itertools.product(flow.COUNTRIES, ("2024-01", "2024-02")) if partition_of_cell(one) < 2][:4]

places = st.sampled_from(PLACES)
counts = st.sampled_from((1, 2, 4, 20))
lanes = st.integers(0, 3)
LAST = 5
"""A revision that no report has."""

MOVING = 6
"""Events from this number on are corrected to be about another person; of the others every revision may come late."""

events = st.tuples(st.integers(0, 7), st.integers(1, 4), st.sampled_from(TOKENS), st.none() | st.sampled_from(CONTENTS))


class Exactness(RuleBasedStateMachine):
    """Two partitions of events, two of deltas; each has an owner, and those who were it may still be at work."""

    order = staticmethod(stage.run)
    through: Callable[[bytes], int] | None = None
    fenced = True

    def __init__(self) -> None:
        super().__init__()
        self.broker = Broker()
        self.owners = {place: self._owner(place) for place in PLACES}
        self.former: list[Owner] = []
        self.published: list[dict[str, Any]] = []
        self.made: dict[tuple[int, int], Content] = {}
        self.moved: dict[int, tuple[str, int]] = {}

    def _owner(self, place: Place) -> Owner:
        return Owner(self.broker, place, self.order, self.through)

    @rule(events=st.lists(events, min_size=1, max_size=6))
    def publish(self, events: list[Drawn]) -> None:
        """Reports, corrections, withdrawals, in whatever order they come, or a correction of whom it is about."""
        for number, revision, token, content in events:
            if number < MOVING:
                kept = self.made.setdefault((number, revision), content)
                self._log(_event(number, revision, TOKENS[number % len(TOKENS)], kept))
            else:
                self._correct_the_person(number, token, content)

    def _correct_the_person(self, number: int, token: str, content: Content) -> None:
        """Take the event from the old person first, as the de-identifier does."""
        old, revision = self.moved.get(number, (token, 0))
        self.moved[number] = token, revision + 1
        if old != token:
            self._send({**_event(number, revision + 1, old, content), "state": "moved"})
        self._log(_event(number, revision + 1, token, content))

    @rule(number=st.integers(0, MOVING - 1))
    def erase(self, number: int) -> None:
        """An erasure has a higher revision than all that came before it; copies of these may still come."""
        erased = _event(number, LAST, TOKENS[number % len(TOKENS)], None)
        self._log({**erased, "state": "erased"})

    @precondition(lambda self: self.published)
    @rule(which=st.integers(0, 1_000))
    def redeliver(self, which: int) -> None:
        """An event once more as it was."""
        self._send(self.published[which % len(self.published)])

    def _log(self, event: dict[str, Any]) -> None:
        self.published.append(event)
        self._send(event)

    def _send(self, event: dict[str, Any]) -> None:
        for output in flow.outputs([event], raw_events.SEAL):
            self.broker.take(output)

    @rule(place=places, most=counts, commits=st.booleans())
    def work(self, place: Place, most: int, commits: bool) -> None:  # noqa: FBT001 - drawn by name
        """The owner ends what it is at, and handles one batch."""
        owner = self.owners[place]
        owner.finish()
        owner.restore(1_000)
        owner.take(most)
        owner.finish()
        if commits:
            owner.commit()

    @rule(place=places, most=counts, lane=lanes, arrived=st.integers(0, 4))
    def begin(self, place: Place, most: int, lane: int, arrived: int) -> None:
        """The owner takes a batch, or goes on with it; something of what it sends arrives, or the answers do."""
        owner = self.owners[place]
        owner.restore(most)
        owner.take(most)
        owner.arrive(lane, arrived)

    @rule(place=places, also=st.sampled_from(("", "", "", "replay", "lose")))
    def crash(self, place: Place, also: str) -> None:
        """The owner dies where it is; another restores, is told to read all again, or finds the changelog gone."""
        if also == "replay":
            self.broker.committed[place] = 0
        elif also == "lose":  # and with it all who still know what was in it
            self.former = [ghost for ghost in self.former if ghost.place != place]
            self.broker.logs.pop((CHANGELOGS[place[0]], place[1]), None)
        self.owners[place].die()
        self.owners[place] = self._owner(place)

    @rule(place=places, most=counts)
    def rebalance(self, place: Place, most: int) -> None:
        """Another gets the partition, and the former owner, in the middle of a batch, does not know."""
        self.owners[place].take(most)
        self.former.append(self.owners[place])
        self.owners[place] = self._owner(place)

    @precondition(lambda self: self.former)
    @rule(which=st.integers(0, 20), most=st.sampled_from((1, 2, 4, 20)), lane=lanes)
    def haunt(self, which: int, most: int, lane: int) -> None:
        """A former owner goes on with its batch, or takes another, and commits, which the broker refuses."""
        ghost = self.former[which % len(self.former)]
        if not ghost.take(most):
            ghost.arrive(lane, most)
        if not self.fenced and not ghost.is_busy:
            ghost.commit()

    @precondition(lambda self: self.former)
    @rule(which=st.integers(0, 20))
    def come_back(self, which: int) -> None:
        """A former owner gets its partition again, with what it remembers, and still at its old batch."""
        ghost = self.former.pop(which % len(self.former))
        ghost.assign()
        self.former.append(self.owners[ghost.place])
        self.owners[ghost.place] = ghost

    @rule(place=places, share=st.sampled_from((0.5, 0.9, 1.0)), tombstones=st.booleans())
    def compact(self, place: Place, share: float, tombstones: bool) -> None:  # noqa: FBT001 - drawn by name
        """The broker compacts a changelog, its newest record aside."""
        log = self.broker.log((CHANGELOGS[place[0]], place[1]))
        log.compact(int(share * (log.end - 1)), tombstones=tombstones)

    def teardown(self) -> None:
        """Exact when all is read, and again when all former owners have written what they had."""
        self._read_everything()
        self._check()
        for ghost in self.former:
            ghost.finish()
        self._read_everything()
        self._check()

    def _read_everything(self) -> None:
        for place in PLACES:
            owner = self.owners[place]
            owner.finish()
            owner.restore(1_000_000)
            while owner.take(1_000_000):
                owner.finish()
            owner.commit()

    def _check(self) -> None:
        assert counted(self.broker) == dict(sorted(flow.recount(self.published).items()))
