"""Owners of the partitions of a broker in memory, every write of whom may be the last: for the state machine.

Handlers, `streams.runtime.stage.run` and `streams.runtime.state.StateTable` are the real ones. Written here is what
stands around them: owners that go on when told to.
"""

import functools
import itertools
import tempfile
import types
from collections import deque
from collections.abc import Callable, Coroutine, Generator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import faust

from anonymizer.governance.policy_timeline import PolicyTimeline
from streams.core.counting import aggregate as rules
from streams.core.counting import state_value
from streams.runtime import app as apps
from streams.runtime import outbox, stage, state
from streams.runtime.stage import Output
from streams.stages import aggregate, dedupe
from tests.support import raw_events
from tests.support.memory_logs import Broker, Place

__all__ = ["CHANGELOGS", "SOURCES", "Order", "Owner", "counted"]

Order = Callable[..., Coroutine[Any, Any, None]]
SOURCES: Mapping[str, str] = {"dedupe": "deidentified.case", "aggregate": "deltas"}
CHANGELOGS: Mapping[str, str] = {"dedupe": dedupe.STATE, "aggregate": aggregate.CELLS}
_READ = {*SOURCES.values(), *CHANGELOGS.values()}
_epochs = itertools.count()


@functools.cache
def _app() -> faust.App:
    return apps.build("model", {"bootstrap_servers": "localhost:1"}, Path(tempfile.mkdtemp()), fetch=1)


@types.coroutine
def _until_told() -> Generator[None, None, None]:
    yield


class Owner:
    """A process that has one partition of a stage, or thinks so; `flight` is what it sent and no answer came for."""

    def __init__(self, broker: Broker, place: Place, order: Order, through: Callable[[bytes], int] | None) -> None:
        self._broker, self.place, self._order = broker, place, order
        self.flight: dict[Place, deque[Output]] = {}
        _app().tables.data.clear()
        box, epoch = cast("outbox.Outbox", self), f"epoch-{next(_epochs)}"
        self.kept = state.StateTable(
            _app(), CHANGELOGS[place[0]], box, epoch, partitions=4, through=through or state_value.through_of
        )
        self._handler = _handler(place[0])
        self._batch: Coroutine[Any, Any, None] | None = None
        self._next = 0
        self.assign()

    def assign(self) -> None:
        """Be given the partition: the state is to be read up to the end that the changelog has now.

        A batch that it is at goes on meanwhile, but says no longer where to read on.
        """
        self.position: int | None = None
        self._overtaken = self.is_busy
        self._broker.generations[self.place] += 1
        cast("state.Store", self.kept.data).generation = self._broker.generations[self.place]
        self._read, self._end = 0, self._broker.log(self._changelog).end

    @property
    def _changelog(self) -> Place:
        return CHANGELOGS[self.place[0]], self.place[1]

    @property
    def is_busy(self) -> bool:
        """True within a batch."""
        return self._batch is not None

    def restore(self, most: int) -> None:
        """Read on in the changelog; at its end, learn where to begin."""
        if self.position is not None:
            return
        log, store = self._broker.log(self._changelog), cast("state.Store", self.kept.data)
        fetch = log.fetch(self._changelog, self._read, most)
        store.restore(fetch)
        self._read = fetch.offsets[-1] + 1 if fetch else self._read
        if self._read >= self._end or not any(at >= self._read for at in log.records):
            self._begin()

    def _begin(self) -> None:
        if self.kept.is_empty(self.place[1]):  # as `streams.runtime.transport` does where the state is gone
            self._broker.committed[self.place] = 0
        self.position = self._broker.committed.get(self.place, 0)

    def take(self, most: int) -> bool:
        """Begin a batch; False where it is not ready or there is nothing to read."""
        source = SOURCES[self.place[0]], self.place[1]
        if self.is_busy or self.position is None:
            return False
        fetch = self._broker.log(source).fetch(source, self.position, most)
        if fetch:
            self._next = fetch.offsets[-1] + 1
            self._batch = self._order(self._handler, fetch, self.kept, self.send)
            self.go_on()
        return bool(fetch)

    async def send(self, outputs: Sequence[Output]) -> None:
        """Stand for the outbox: return when all of `outputs` has arrived and the answers have too."""
        for output in outputs:
            if output.topic in _READ:
                self.flight.setdefault((output.topic, output.partition), deque()).append(output)
        while self.flight:
            await _until_told()

    def arrive(self, lane: int, most: int) -> None:
        """Let the first `most` records of one lane arrive; where none is on its way, the answers do."""
        if not self.flight:
            self.go_on()
            return
        place = sorted(self.flight)[lane % len(self.flight)]
        for _ in range(min(most, len(self.flight[place]))):
            self._broker.take(self.flight[place].popleft())
        if not self.flight[place]:
            del self.flight[place]

    def go_on(self) -> None:
        """Run to the next wait for answers, or to the end of the batch."""
        if self._batch is not None:
            try:
                self._batch.send(None)
            except StopIteration:
                self._batch = None
                if not self._overtaken:
                    self.position = self._next
                self._overtaken = False

    def finish(self) -> None:
        """Let everything arrive, to the end of the batch."""
        while self.is_busy:
            self.arrive(0, 1_000_000)

    def die(self) -> None:
        """End; what did not arrive is lost."""
        if self._batch is not None:
            self._batch.close()
        self._batch = None
        self.flight.clear()

    def commit(self) -> None:
        """Commit what was handled."""
        if self.position is not None:
            self._broker.committed[self.place] = self.position


@functools.cache
def _policies() -> PolicyTimeline:
    shipped = raw_events.shipped()
    populations = tuple(
        one.model_copy(update={"cubes": tuple(cube for cube in one.cubes if cube.name == "profile")})
        for one in shipped.populations
    )
    return PolicyTimeline.always(shipped.model_copy(update={"populations": populations}))


@functools.cache
def _deps() -> apps.Deps:
    return raw_events.deps()


def _handler(name: str) -> stage.Handler:
    return aggregate.Aggregate(_deps()) if name == "aggregate" else dedupe.Dedupe(_policies(), _deps())


def counted(broker: Broker) -> dict[str, int]:
    """Return persons by cell as every reader of the topic `cells` finds them."""
    entries = []
    for (topic, _), log in sorted(broker.logs.items()):
        for key, value in log.records.values() if topic == aggregate.CELLS else ():
            plain, cell = key.decode().partition(rules.SEPARATOR)[0], None
            if value is not None:
                read = raw_events.SEAL.read("cell", value[state_value.WIDTH :], aggregate.CELLS, plain)
                cell = rules.Cell.from_record(read, state_value.through_of(value))
            entries.append((key.decode(), cell))
    return rules.totals(rules.merge(entries))
