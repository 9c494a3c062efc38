"""A stage's state: a Faust table whose restored value is the one that includes the most, whoever wrote it last.

Decides how state is kept in its changelog, so that an owner that lost its partition without knowing it can do no harm:
each owner writes under a key of its own (key, 0x00, epoch), and a reader takes the value with the highest `through`. An
epoch is one process in one generation of its group: a process that gets a partition back is another owner, and whoever
had it in between, and comes too late, clears what earlier generations left and nothing of this one. Does not decide
what a value holds, only that `through` can be read from it.

Source: log compaction keeps the last value of a key, which may be a zombie's; keys by epoch keep both.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import faust
import structlog
from faust.stores import memory
from faust.tables import Table
from faust.types import TP, EventT
from yarl import URL

from streams.runtime import columnar_fetches, outbox, transport
from streams.runtime.stage import Output

__all__ = ["SEPARATOR", "StateTable", "Store", "prefixed", "through_of"]

SEPARATOR = b"\x00"
"""Stands between a state key and its writer's epoch in the changelog's keys."""

WIDTH = 8


def prefixed(through: int, payload: bytes) -> bytes:
    """Put `through`, an offset or -1 for none yet, before `payload` as 8 bytes, big-endian."""
    return through.to_bytes(WIDTH, "big", signed=True) + payload


def through_of(value: bytes) -> int:
    """Read the offset that `prefixed` put before a payload."""
    return int.from_bytes(value[:WIDTH], "big", signed=True)


class Store(memory.Store[str, bytes]):
    """Values in memory by partition, restored from a changelog with keys by epoch.

    Nothing that is kept for a key has to be looked at by the garbage collector, or there would be a million of it.
    """

    def __post_init__(self) -> None:
        """Begin empty, with no other incarnation's entries known."""
        super().__post_init__()
        self.through: Callable[[bytes], int] = through_of
        self.process, self.generation = b"", 0
        self.parts: dict[int, dict[str, bytes]] = {}
        self._others: dict[int, dict[str, frozenset[bytes]]] = {}
        self._shared: dict[frozenset[bytes], frozenset[bytes]] = {}

    @property
    def epoch(self) -> bytes:
        """Name this process in this generation of its group."""
        return b"%010d.%s" % (self.generation, self.process)

    async def on_rebalance(
        self, assigned: set[TP], revoked: set[TP], newly_assigned: set[TP], generation_id: int = 0
    ) -> None:
        """Write under another epoch from now on, whatever partitions stay."""
        await super().on_rebalance(assigned, revoked, newly_assigned, generation_id)
        self.generation = generation_id

    def apply_changelog_batch(self, batch: Iterable[EventT[Any]], *_converters: object, **_named: object) -> None:
        """Restore from fetched changelog records; Faust's converters are not needed for bytes."""
        for event in batch:
            self.restore(transport.records_of(event.message.value))

    def restore(self, fetch: columnar_fetches.Fetch) -> None:
        """Take changelog entries; a tombstone says only that its epoch's entry is gone."""
        part, others = self.parts.setdefault(fetch.partition, {}), self._others.setdefault(fetch.partition, {})
        alone, own = dict[bytes, frozenset[bytes]](), self.epoch
        for changelog_key, value in zip(fetch.keys, fetch.values, strict=True):
            plain, _, epoch = (changelog_key or b"").partition(SEPARATOR)
            key = plain.decode()
            if value is None:
                self._discard(others, key, epoch)
                continue
            if epoch != own:
                one = alone.get(epoch) or alone.setdefault(epoch, self._share(frozenset((epoch,))))
                known = others.setdefault(key, one)
                if known is not one:
                    others[key] = self._share(known | one)
            held = part.setdefault(key, value)
            if held is not value and self.through(value) >= self.through(held):
                part[key] = value

    def _share(self, epochs: frozenset[bytes]) -> frozenset[bytes]:
        """Return the one set of these epochs, of which there are few."""
        return self._shared.setdefault(epochs, epochs)

    def _discard(self, others: dict[str, frozenset[bytes]], key: str, epoch: bytes) -> None:
        known = others.get(key, frozenset())
        if epoch in known:
            left = known - {epoch}
            if left:
                others[key] = self._share(left)
            else:
                del others[key]

    async def on_recovery_completed(self, active_tps: set[TP], standby_tps: set[TP]) -> None:
        """Let go of the partitions that others have now, and say how much there is."""
        kept = {tp.partition for tp in (*active_tps, *standby_tps)}
        for gone in self.parts.keys() - kept:
            self.parts.pop(gone)
            self._others.pop(gone, None)
        structlog.get_logger().info("restored", topic=self.table_name, keys=sum(map(len, self.parts.values())))

    def value_of(self, key: str) -> bytes | None:
        """Return the value of `key`, which only one partition can have."""
        for part in self.parts.values():
            value = part.get(key)
            if value is not None:
                return value
        return None

    def keep(self, partition: int, key: str, value: bytes) -> frozenset[bytes]:
        """Keep `value` unless what is kept includes more; return the epochs whose entries it makes needless.

        Where more was restored while `value` was on its way, the entry of another epoch holds it, and must stay.
        """
        part = self.parts.setdefault(partition, {})
        if self.through(value) < self.through(part.setdefault(key, value)):
            return frozenset()
        part[key] = value
        others = self._others.get(partition, {})
        known = others.pop(key, frozenset())
        later = frozenset(epoch for epoch in known if _generation(epoch) > self.generation)
        if later:  # then this process is the owner no more
            others[key] = self._share(later)
        return known - later


def _generation(epoch: bytes) -> int:
    """Return the generation in an epoch; epochs had none once."""
    number, _, process = epoch.partition(b".")
    return int(number) if process else 0


class StateTable(Table[str, bytes]):
    """A stage's state under one changelog topic of a fixed name, written through the stage's outbox.

    Faust restores it and assigns its partitions together with those of the source; it does not write it, because the
    order of a batch's effects (`streams.runtime.stage`) asks for acknowledgements.
    """

    def __init__(
        self,
        app: faust.App,
        topic: str,
        box: outbox.Outbox,
        epoch: str,
        *,
        partitions: int,
        through: Callable[[bytes], int] = through_of,
    ) -> None:
        self._through = through
        self.box, self._process, self._topic = box, epoch.encode(), topic
        changelog = app.topic(
            topic,
            key_serializer="raw",
            value_serializer=transport.AS_FETCHED,
            partitions=partitions,
            acks=False,
            allow_empty=True,
            maxsize=131_072,
        )
        super().__init__(app, name=topic, changelog_topic=changelog, recovery_buffer_size=2, partitions=partitions)
        app.tables.add(self)

    def _new_store(self) -> Store:
        store = Store(URL("memory://"), self.app, self, table_name=self.name)
        store.through, store.process = self._through, self._process
        return store

    def value_of(self, key: str) -> bytes | None:
        """Return the value of `key`, None where there is none."""
        return self._kept.value_of(key)

    def is_empty(self, partition: int) -> bool:
        """Tell whether there is no state of a partition; one of which a batch was handled has some."""
        return not self._kept.parts.get(partition)

    async def write(self, partition: int, writes: Mapping[str, bytes]) -> None:
        """Write `writes` to the changelog, wait for it, keep them, then clear what older epochs wrote of these keys."""
        own = self._kept.epoch
        newer = {key: value for key, value in writes.items() if not self._is_stale(key, value)}
        await self.box.send([self._entry(partition, key, own, value) for key, value in newer.items()])
        cleared = []
        for key, value in newer.items():
            older = self._kept.keep(partition, key, value)
            cleared += [self._entry(partition, key, epoch, None) for epoch in sorted(older)]
        await self.box.send(cleared)

    @property
    def _kept(self) -> Store:
        store: Store = self.data  # type: ignore[assignment] # _new_store makes no other
        return store

    def _is_stale(self, key: str, value: bytes) -> bool:
        known = self._kept.value_of(key)
        return known is not None and self._through(value) < self._through(known)

    def _entry(self, partition: int, key: str, epoch: bytes, value: bytes | None) -> Output:
        return Output(self._topic, partition, key.encode() + SEPARATOR + epoch, value)
