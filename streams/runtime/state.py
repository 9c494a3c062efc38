"""The state of a stage: a Faust table that a zombie writer cannot overwrite with older values.

Purpose: log compaction keeps the last value of a key, and the last writer may be a zombie, that is a process that lost
its partition and does not know it yet. Therefore each writer has keys of its own in the changelog: state key, 0x00,
epoch. An epoch is one process in one generation of its consumer group, so that a process that loses a partition and
gets it back is another writer. On restore the value with the highest `through` wins: the offset of the last input that
the value includes. Steps 1 and 3 of `streams.runtime.stage` read and write it.

Called by: the stages (`streams.stages`), which make a `StateTable`; `streams.runtime.app`, which hands it to the order
of effects.

    restore      Faust feeds the changelog to `Store.restore`
    value_of     the value of a key, from memory
    write        1. send the new values under this epoch's keys, and wait until they are acknowledged
                 2. keep them in memory
                 3. send tombstones for the entries of older epochs that the new values replace, and of deleted keys

Invariants:
- A value is in memory only after the changelog has acknowledged it.
- A writer deletes entries of its own or earlier generations, never of a later one, and only of keys that it writes.
- A value never replaces one with a higher `through`, in memory or on restore.
- Nothing in memory is an object that the garbage collector must visit: there are millions of values.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import faust
import structlog
from faust.stores import memory
from faust.tables import Table
from faust.types import TP, EventT
from yarl import URL

from streams.core.counting.state_value import through_of
from streams.runtime import columnar_fetches, outbox, transport
from streams.runtime.stage import Output

__all__ = ["SEPARATOR", "StateTable", "Store"]

SEPARATOR = b"\x00"
"""Separates the state key from the writer's epoch in the keys of a changelog."""


class Store(memory.Store[str, bytes]):
    """The values in memory by partition, with the epochs of other writers that have an entry for a key."""

    def __post_init__(self) -> None:
        """Begin empty."""
        super().__post_init__()
        self.through: Callable[[bytes], int] = through_of
        self.process, self.generation = b"", 0
        self.parts: dict[int, dict[str, bytes]] = {}
        self._others: dict[int, dict[str, frozenset[bytes]]] = {}
        # Few distinct sets of epochs occur: each is stored once, so that a key costs a reference.
        self._shared: dict[frozenset[bytes], frozenset[bytes]] = {}

    @property
    def epoch(self) -> bytes:
        """Return the name of this process in this generation of its group."""
        return b"%010d.%s" % (self.generation, self.process)

    async def on_rebalance(
        self, assigned: set[TP], revoked: set[TP], newly_assigned: set[TP], generation_id: int = 0
    ) -> None:
        """Begin a new epoch, also for the partitions that stay."""
        await super().on_rebalance(assigned, revoked, newly_assigned, generation_id)
        self.generation = generation_id

    def apply_changelog_batch(self, batch: Iterable[EventT[Any]], *_converters: object, **_named: object) -> None:
        """Restore from changelog messages; the values are bytes and need none of Faust's converters."""
        for event in batch:
            self.restore(transport.records_of(event.message.value))

    def restore(self, fetch: columnar_fetches.Fetch) -> None:
        """Restore from one fetch of the changelog."""
        part, others = self.parts.setdefault(fetch.partition, {}), self._others.setdefault(fetch.partition, {})
        alone, own = dict[bytes, frozenset[bytes]](), self.epoch
        for changelog_key, value in zip(fetch.keys, fetch.values, strict=True):
            plain, _, epoch = (changelog_key or b"").partition(SEPARATOR)
            key = plain.decode()
            # A tombstone removes the entry of its own epoch; the values of other epochs stand.
            if value is None:
                remaining = others.pop(key, frozenset[bytes]()) - {epoch}
                if remaining:
                    others[key] = self._share(remaining)
                continue
            if epoch != own:
                single = alone.get(epoch) or alone.setdefault(epoch, self._share(frozenset((epoch,))))
                epochs = others.setdefault(key, single)
                if epochs is not single:
                    others[key] = self._share(epochs | single)
            # The highest `through` wins; values with an equal one include the same input.
            held = part.setdefault(key, value)
            if held is not value and self.through(value) >= self.through(held):
                part[key] = value

    def _share(self, epochs: frozenset[bytes]) -> frozenset[bytes]:
        """Return the one stored set that equals `epochs`."""
        return self._shared.setdefault(epochs, epochs)

    async def on_recovery_completed(self, active_tps: set[TP], standby_tps: set[TP]) -> None:
        """Drop the partitions that other processes have now, and log the number of keys."""
        owned = {tp.partition for tp in (*active_tps, *standby_tps)}
        for partition in self.parts.keys() - owned:
            self.parts.pop(partition)
            self._others.pop(partition, None)
        structlog.get_logger().info("restored", topic=self.table_name, keys=sum(map(len, self.parts.values())))

    def value_of(self, key: str) -> bytes | None:
        """Return the value of `key`, None if it has none; only one partition can have it."""
        for part in self.parts.values():
            value = part.get(key)
            if value is not None:
                return value
        return None

    def keep(self, partition: int, key: str, value: bytes) -> frozenset[bytes]:
        """Keep `value` unless the kept one has a higher `through`; return the epochs whose entries it replaces."""
        part = self.parts.setdefault(partition, {})
        # A higher value was restored while `value` was on its way: it is in the entry of another epoch, which must
        # stay.
        if self.through(value) < self.through(part.setdefault(key, value)):
            return frozenset()
        part[key] = value
        others = self._others.get(partition, {})
        epochs = others.pop(key, frozenset())
        later = frozenset(epoch for epoch in epochs if _generation(epoch) > self.generation)
        if later:  # this process is a zombie: the entry of a later owner is not its to delete
            others[key] = self._share(later)
        return epochs - later

    def drop(self, partition: int, key: str) -> frozenset[bytes]:
        """Forget `key`; return the epochs of other writers whose entries are to be deleted with it."""
        self.parts.setdefault(partition, {}).pop(key, None)
        others = self._others.get(partition, {})
        epochs = others.pop(key, frozenset())
        later = frozenset(epoch for epoch in epochs if _generation(epoch) > self.generation)
        if later:  # as in `keep`
            others[key] = self._share(later)
        return epochs - later


def _generation(epoch: bytes) -> int:
    """Return the generation in an epoch; 0 for an epoch of an early version, which had none."""
    number, _, process = epoch.partition(b".")
    return int(number) if process else 0


class StateTable(Table[str, bytes]):
    """The state of a stage in one changelog topic of a fixed name, written through the stage's outbox.

    Args:
        app: The stage's application.
        topic: The changelog topic.
        box: The stage's outbox.
        epoch: Random name of this process.
        partitions: Partitions of the changelog.
        through: Reads the offset of the last included input from a value.
    """

    # Faust restores the table and assigns its partitions together with those of the source. It does not write it:
    # step 3 of the order of effects needs acknowledgements, which Faust's own writes do not wait for.

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
        """Return the value of `key`, None if it has none."""
        return self._kept.value_of(key)

    def is_empty(self, partition: int) -> bool:
        """Return whether a partition has no state, as before its first batch or after the loss of the changelog."""
        return not self._kept.parts.get(partition)

    async def write(self, partition: int, writes: Mapping[str, bytes | None]) -> None:
        """Write values to the changelog, keep them, and delete the entries of older epochs that they replace.

        A key without a value is deleted, with the entries of all earlier epochs.
        """
        own = self._kept.epoch
        newer, gone = {}, [key for key, value in writes.items() if value is None]
        for key, value in writes.items():
            if value is None:
                continue
            kept = self._kept.value_of(key)
            # A zombie may compute from an old value: a value with a lower `through` is not written at all.
            if kept is None or self._through(value) >= self._through(kept):
                newer[key] = value
        # 1. Send the new values; this returns when they are acknowledged.
        await self.box.send([self._entry(partition, key, own, value) for key, value in newer.items()])
        # 2. Keep them.
        tombstones = []
        for key, value in newer.items():
            older = self._kept.keep(partition, key, value)
            tombstones += [self._entry(partition, key, epoch, None) for epoch in sorted(older)]
        for key in gone:
            older = self._kept.drop(partition, key)
            tombstones += [self._entry(partition, key, epoch, None) for epoch in sorted({*older, own})]
        # 3. Delete what they replace: only now, or a crash in between would lose both.
        await self.box.send(tombstones)

    @property
    def _kept(self) -> Store:
        store: Store = self.data  # type: ignore[assignment] # _new_store makes no other
        return store

    def _entry(self, partition: int, key: str, epoch: bytes, value: bytes | None) -> Output:
        return Output(self._topic, partition, key.encode() + SEPARATOR + epoch, value)
