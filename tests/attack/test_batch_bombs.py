"""Batches of an agency that the driver cannot take apart: as many records without bytes, and nobody else waits."""

from collections.abc import Callable

import pytest
from aiokafka.errors import UnsupportedCodecError
from aiokafka.record import _crecords, default_records
from aiokafka.record.memory_records import MemoryRecords
from kafka.record import memory_records

from streams.runtime import columnar_fetches

RAW, OURS = "raw.police-jor.case", "state.deidentify"
NAME = b"Zeynabelle Qadirova"


class _NoText(str):
    """A header's name that is no text in UTF-8."""

    __slots__ = ()

    def encode(self, *_: str) -> bytes:
        """Return bytes that decode to nothing."""
        return b"\xff\xfe" + NAME


def _batch(records: int, value: bytes = b"v", header: str = "h", compression: int = 0) -> bytes:
    made = memory_records.MemoryRecordsBuilder(magic=2, compression_type=compression, batch_size=1 << 30)
    for _ in range(records):
        made.append(timestamp=None, key=b"k", value=value, headers=[(header, b"x")])
    made.close()
    return bytes(made.buffer())


def _columns(raw: bytes, topic: str = RAW) -> columnar_fetches.Fetch:
    return columnar_fetches.Fetch(topic, 0, *columnar_fetches._columns(MemoryRecords(raw).next_batch(), topic))


def _foreign(codec: int) -> bytes:
    """Say of a batch that it is compressed in a way that the driver was not given."""
    raw = bytearray(_batch(3))
    raw[22] |= codec
    return bytes(raw)


UNREADABLE: dict[str, Callable[[], bytes]] = {
    "headers that are no text": lambda: _batch(3, header=_NoText("h")),
    "a bomb": lambda: _batch(3, bytes(columnar_fetches.LARGEST_BATCH // 2), compression=1),
    "snappy": lambda: _foreign(2),
    "lz4": lambda: _foreign(3),
    "zstd": lambda: _foreign(4),
}


@pytest.fixture(autouse=True)
def _bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bound the driver as a stage does; put its own function back afterwards."""
    for module in (_crecords.default_records, default_records):
        monkeypatch.setattr(module, "gzip_decode", module.gzip_decode)
    columnar_fetches.install()


@pytest.mark.parametrize("what", UNREADABLE)
def test_an_agencys_batch_that_cannot_be_read_is_as_many_records_without_bytes(what: str) -> None:
    """So each has an outcome, and the partition goes on behind them."""
    found = _columns(UNREADABLE[what]())
    assert [(one.offset, one.key, one.value) for one in found] == [(offset, None, None) for offset in range(3)]


def test_a_packed_batch_within_the_bound_is_read_as_before() -> None:
    """With headers, which nobody reads."""
    found = _columns(_batch(50, bytes(100_000), compression=1))
    assert [(one.key, len(one.value or b"")) for one in found] == [(b"k", 100_000)] * 50


def test_a_batch_of_our_own_that_cannot_be_read_is_never_taken_for_records_without_bytes() -> None:
    """In a compacted topic these would delete what they name."""
    with pytest.raises(UnsupportedCodecError):
        _columns(_foreign(3), OURS)
