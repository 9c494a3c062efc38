"""A stage's state: a Faust table whose restored value is the one that includes the most, whoever wrote it last.

Decides how state is kept in its changelog, so that an owner that lost its partition without knowing it can do no harm:
each incarnation writes under a key of its own (key, 0x00, epoch), and a reader takes the value with the highest
`through`. Does not decide what a value holds, only that `through` can be read from it.

Source: log compaction keeps the last value of a key, which may be a zombie's; keys by epoch keep both.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import faust
from faust.stores import memory
from faust.tables import Table
from faust.types import EventT
from yarl import URL

from streams import outbox, transport
from streams.stage import Output

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
    """Values in memory, restored from a changelog with keys by epoch."""

    def __post_init__(self) -> None:
        """Begin empty, with no other incarnation's entries known."""
        super().__post_init__()
        self.through: Callable[[bytes], int] = through_of
        self.epoch = b""
        self.others: dict[str, set[bytes]] = defaultdict(set)

    def apply_changelog_batch(self, batch: Iterable[EventT[Any]], *_converters: object, **_named: object) -> None:
        """Restore from fetched changelog records; Faust's converters are not needed for bytes."""
        for event in batch:
            for record in transport.records_of(event.message.value):
                self.restore(record.partition, record.key or b"", record.value)

    def restore(self, partition: int, changelog_key: bytes, value: bytes | None) -> None:
        """Take one changelog entry: a tombstone says only that its epoch's entry is gone."""
        plain, _, epoch = changelog_key.partition(SEPARATOR)
        key = plain.decode()
        if value is None:
            self.others[key].discard(epoch)
            return
        if epoch != self.epoch:
            self.others[key].add(epoch)
        self.keep(partition, key, value)

    def partitions(self) -> set[int]:
        """Return the partitions of which there is any state."""
        return set(self._key_partition.values())

    def keep(self, partition: int, key: str, value: bytes) -> bool:
        """Keep `value` unless what is kept includes more; say whether it was kept."""
        known = self.data.get(key)
        if known is not None and self.through(value) < self.through(known):
            return False
        self.data[key] = value
        self._key_partition[key] = partition
        return True


class StateTable(Table[str, bytes]):
    """A stage's state under one changelog topic of a fixed name, written through the stage's outbox.

    Faust restores it and assigns its partitions together with those of the source; it does not write it, because the
    order of a batch's effects (`streams.stage`) asks for acknowledgements.
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
        self.box, self._epoch, self._topic = box, epoch.encode(), topic
        changelog = app.topic(
            topic,
            key_serializer="raw",
            value_serializer=transport.AS_FETCHED,
            partitions=partitions,
            acks=False,
            allow_empty=True,
            maxsize=131_072,
        )
        super().__init__(app, name=topic, changelog_topic=changelog, recovery_buffer_size=8, partitions=partitions)
        app.tables.add(self)

    def _new_store(self) -> Store:
        store = Store(URL("memory://"), self.app, self, table_name=self.name)
        store.through, store.epoch = self._through, self._epoch
        return store

    def value_of(self, key: str) -> bytes | None:
        """Return the value of `key`, None where there is none."""
        return self._kept.data.get(key)

    def is_empty(self, partition: int) -> bool:
        """Tell whether there is no state of a partition; one of which a batch was handled has some."""
        return partition not in self._kept.partitions()

    async def write(self, partition: int, writes: Mapping[str, bytes]) -> None:
        """Write `writes` to the changelog, wait for it, keep them, then clear what older epochs wrote of these keys."""
        newer = {key: value for key, value in writes.items() if not self._is_stale(key, value)}
        await self.box.send([self._entry(partition, key, self._epoch, value) for key, value in newer.items()])
        cleared = []
        for key, value in newer.items():
            self._kept.keep(partition, key, value)
            cleared += [self._entry(partition, key, epoch, None) for epoch in self._kept.others.pop(key, ())]
        await self.box.send(cleared)

    @property
    def _kept(self) -> Store:
        store: Store = self.data  # type: ignore[assignment] # _new_store makes no other
        return store

    def _is_stale(self, key: str, value: bytes) -> bool:
        known = self._kept.data.get(key)
        return known is not None and self._through(value) < self._through(known)

    def _entry(self, partition: int, key: str, epoch: bytes, value: bytes | None) -> Output:
        return Output(self._topic, partition, key.encode() + SEPARATOR + epoch, value)
