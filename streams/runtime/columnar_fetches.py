"""Columnar fetches: the offsets, keys and values of a partition as three lists, without an object for each record.

Purpose: the driver makes one object for each record, which takes it longer than reading the record (1.9 us against
0.6 us). Here its record batches become `Fetch`es; a `Record` is made only when a stage asks for one.

Called by: `streams.runtime.transport` (`install`, `by_column`); `streams.runtime.state` and `streams.stages.aggregate`
read a `Fetch`.

Invariants:
- A fetch holds no record below the position that was asked for.
- A batch from an agency that cannot be taken apart (a compression other than gzip, more than 32 MiB when unpacked,
  headers that are no text) becomes as many records without bytes, which end in quarantine. If it were refused, it would
  be fetched again for ever, and everything behind it in the partition would wait.
- A batch of our own that cannot be read ends the process.
- Nothing is patched when this module is imported: `install` does it.
"""

import bisect
import itertools
import zlib
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Any, overload

from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException, KafkaError
from aiokafka.record import default_records
from aiokafka.record._crecords import default_records as compiled

from streams.broker import topics
from streams.runtime.stage import Record

__all__ = ["LARGEST_BATCH", "Fetch", "by_column", "install"]

LARGEST_BATCH = 32 << 20
"""Most bytes of an unpacked batch. The broker takes 1 MiB packed, which can unpack to a thousand times as much."""

_GZIP = 31  # zlib's window size for a gzip stream of any window
_UNREADABLE = (KafkaError, ValueError, zlib.error, EOFError, OSError)


class Fetch(Sequence[Record]):
    """Records of one partition, offsets ascending, in three columns of equal length.

    `since` is the offset behind the fetch before it: compaction may have removed what lay between.
    """

    __slots__ = ("keys", "offsets", "partition", "since", "topic", "values")

    def __init__(
        self,
        topic: str,
        partition: int,
        offsets: Sequence[int],
        keys: Sequence[bytes | None],
        values: Sequence[bytes | None],
    ) -> None:
        self.topic, self.partition = topic, partition
        self.offsets, self.keys, self.values = offsets, keys, values
        self.since: int | None = None

    def __len__(self) -> int:
        return len(self.offsets)

    @overload
    def __getitem__(self, at: int) -> Record: ...

    @overload
    def __getitem__(self, at: slice) -> "Fetch": ...

    def __getitem__(self, at: int | slice) -> "Record | Fetch":
        if isinstance(at, slice):
            part = Fetch(self.topic, self.partition, self.offsets[at], self.keys[at], self.values[at])
            part.since = self.since
            return part
        return Record(self.topic, self.partition, self.offsets[at], self.keys[at], self.values[at])

    def __iter__(self) -> Iterator[Record]:
        topic, partition = self.topic, self.partition
        for offset, key, value in zip(self.offsets, self.keys, self.values, strict=True):
            yield Record(topic, partition, offset, key, value)

    @classmethod
    def joined(cls, parts: Sequence["Fetch"]) -> "Fetch":
        """Join consecutive fetches of one partition."""
        if len(parts) == 1:
            return parts[0]
        first = parts[0]
        offsets, keys, values = (
            list(itertools.chain.from_iterable(columns))
            for columns in zip(*((part.offsets, part.keys, part.values) for part in parts), strict=True)
        )
        return cls(first.topic, first.partition, offsets, keys, values)


class _ByColumn(fetcher.PartitionRecords):  # type: ignore[misc] # aiokafka is not typed
    """The driver's records of a partition, one `Fetch` per record batch instead of one object per record."""

    next_fetch_offset: int

    def _unpack_records(self) -> Iterator[Fetch]:
        while self._records.has_next():
            batch = self._records.next_batch()
            if self._check_crcs and not batch.validate_crc():
                raise CorruptRecordException(f"Invalid CRC - {self._tp}")
            # A control batch marks the end of a transaction; it has no records of ours.
            offsets, keys, values = ([], [], []) if batch.is_control_batch else _columns(batch, self._tp.topic)
            fetch = Fetch(self._tp.topic, self._tp.partition, offsets, keys, values)
            # The broker sends whole batches: the first one may begin below the position.
            if offsets and offsets[0] < self.next_fetch_offset:
                fetch = fetch[bisect.bisect_left(offsets, self.next_fetch_offset) :]
            # The batch's own end, since compaction may have removed its last records: the next fetch begins behind it.
            self.next_fetch_offset = max(self.next_fetch_offset, batch.next_offset)
            if fetch:
                yield fetch


_Columns = tuple[list[int], list[bytes | None], list[bytes | None]]


def _columns(batch: Any, topic: str) -> _Columns:  # noqa: ANN401 - aiokafka is not typed
    """Return the offsets, keys and values of a batch."""
    offsets: list[int] = []
    keys: list[bytes | None] = []
    values: list[bytes | None] = []
    try:
        # Integers and bytes only: nothing outlives a record that the garbage collector would have to look at.
        for record in batch:
            offsets.append(record.offset)
            keys.append(record.key)
            values.append(record.value)
    except _UNREADABLE:
        if not topics.is_raw(topic):
            raise
        # The checksum was right, so the agency sent it like this, and every further fetch would bring the same.
        offsets = list(range(batch.base_offset, batch.next_offset))
        keys, values = [None] * len(offsets), [None] * len(offsets)
    return offsets, keys, values


def _unpacked(payload: bytes | bytearray | memoryview) -> bytes:
    """Unpack a gzip batch of at most `LARGEST_BATCH` bytes; the signature is that of the function it replaces."""
    unpacker = zlib.decompressobj(_GZIP)
    data = unpacker.decompress(payload, LARGEST_BATCH)
    if not unpacker.eof:
        raise CorruptRecordException("a batch unpacks to too many bytes, or is cut off")
    return data


def install() -> None:
    """Bound the size to which the driver unpacks a batch, for the whole process."""
    # The driver's own function has no bound. It is looked up in two modules: the compiled one and its fallback.
    for module in (compiled, default_records):
        module.gzip_decode = _unpacked


class _Results(OrderedDict[Any, Any]):
    """The driver's store of fetched partitions; every result that is put into it becomes columnar."""

    def __setitem__(self, partition: object, result: Any) -> None:  # noqa: ANN401 - aiokafka is not typed
        if type(result) is fetcher.FetchResult:
            records = result._partition_records  # noqa: SLF001 - the driver has no setting for how records are made
            result._partition_records = _columnar(records)  # noqa: SLF001 - as above
        super().__setitem__(partition, result)


def _columnar(records: Any) -> _ByColumn:  # noqa: ANN401 - aiokafka is not typed
    """Return an unread `PartitionRecords` of the driver as columnar records."""
    return _ByColumn(
        records._tp,  # noqa: SLF001 - as above
        records._records,  # noqa: SLF001 - as above
        [],  # aborted transactions: none, since no stage reads with isolation level read_committed
        records.next_fetch_offset,
        None,
        None,
        records._check_crcs,  # noqa: SLF001 - as above
        records._isolation_level,  # noqa: SLF001 - as above
    )


def by_column(consumer: Any) -> None:  # noqa: ANN401 - aiokafka is not typed
    """Make the fetches of a started consumer columnar from now on, with those that are fetched and not read yet."""
    reader = consumer._fetcher  # noqa: SLF001 - as above
    if not isinstance(reader._records, _Results):  # noqa: SLF001 - as above
        results = _Results()
        for partition, result in reader._records.items():  # noqa: SLF001 - as above
            results[partition] = result
        reader._records = results  # noqa: SLF001 - as above
