"""A search for many strings at once in everything that a system wrote: files as they lie, topics as they are read.

The strings are looked for by their first bytes (a table of hashes, then the heads in order), and only where these
stand are whole strings compared. What is searched is bytes in UTF-8; a string is also looked for as JSON escapes it,
with eastern digits written in ASCII, and a long number without what groups it.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Self

import kafka
import numpy as np
from numpy.typing import NDArray

from amana.site import Site

__all__ = ["Needles", "files", "topics"]

_BITS = 24
_MIX = np.uint64(0x9E3779B97F4A7C15)
_DIGITS = str.maketrans("٠١٢٣٤٥٦٧٨٩", "0123456789")
_GROUPING = re.compile(r"[ +()-]")
_DAY = 8  # digits of a date, which numbers of all kinds hold by chance
_HEX_ON = re.compile(rb"[0-9a-f]*")
_KEYED = 32  # hex digits of a keyed digest: among millions of these a few spell a short number by chance


class Needles:
    """Strings to find; `found_in` is fast for any number of them, each of at least `width` bytes (at most 8)."""

    def __init__(self, strings: Iterable[str], *, width: int = 8) -> None:
        self._prepare({spelt.encode() for text in strings for spelt in _spellings(text)}, width)

    @classmethod
    def of_keys(cls, keys: Iterable[bytes]) -> Self:
        """Look for keys as they are; `count_in` counts them wherever they stand, within other digits as well."""
        made = cls.__new__(cls)
        made._prepare(set(keys), 8)
        return made

    def _prepare(self, whole: set[bytes], width: int) -> None:
        self.width, self._whole = width, whole
        self._lengths: defaultdict[bytes, set[int]] = defaultdict(set)
        for one in self._whole:
            self._lengths[one[:width]].add(len(one))
        if min(map(len, self._whole)) < width:
            raise ValueError(width)
        heads = np.array([int.from_bytes(head, "little") for head in self._lengths], dtype=np.uint64)
        self._heads = np.sort(heads)
        self._table = np.zeros(1 << _BITS, dtype=np.bool_)
        self._table[_slots(heads)] = True

    def __len__(self) -> int:
        """Return how many spellings are looked for."""
        return len(self._whole)

    def found_in(self, data: bytes) -> list[str]:
        """Return what stands in `data`, as often as it does; digests that spell a number by chance are none."""
        return [data[start:end].decode() for start, end in self._places(data) if not _in_digest(data, start, end)]

    def count_in(self, data: bytes) -> int:
        """Count the places at which any of them stands."""
        return sum(1 for _ in self._places(data))

    def _places(self, data: bytes) -> Iterator[tuple[int, int]]:
        for start in self._candidates(data):
            for length in self._lengths[data[start : start + self.width]]:
                if data[start : start + length] in self._whole:
                    yield start, start + length

    def _candidates(self, data: bytes) -> Iterator[int]:
        """Yield where a head stands."""
        raw = np.frombuffer(data, dtype=np.uint8)
        for shift in range(0, len(raw), 1 << 22):
            part = raw[shift : shift + (1 << 22) + self.width - 1]
            if len(part) < self.width:
                return
            windows = _windows(part, self.width)
            likely = np.flatnonzero(self._table[_slots(windows)])
            at = np.minimum(np.searchsorted(self._heads, windows[likely]), len(self._heads) - 1)
            yield from (likely[self._heads[at] == windows[likely]] + shift).tolist()


def files(folder: Path, *, without: Path) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of every file; what the broker reserved ahead is zeros at the end and left out."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_relative_to(without):
            yield str(path.relative_to(folder)), f"{path.relative_to(folder)}\n".encode() + _content(path)


def topics(site: Site) -> Iterator[tuple[str, bytes]]:
    """Yield name and all keys, headers and values, decompressed, of every topic, the broker's own included."""
    consumer = kafka.KafkaConsumer(
        **site.cluster("admin").kafka_settings(), enable_auto_commit=False, max_poll_records=10_000
    )
    admin = kafka.KafkaAdminClient(**site.cluster("admin").kafka_settings())
    try:
        for name in sorted(admin.list_topics()):
            yield name, b"\0".join(_records(consumer, name))
    finally:
        admin.close()
        consumer.close()


def _records(consumer: kafka.KafkaConsumer, name: str) -> Iterator[bytes]:
    partitions = [kafka.TopicPartition(name, number) for number in sorted(consumer.partitions_for_topic(name) or ())]
    assert partitions, name
    consumer.assign(partitions)
    consumer.seek_to_beginning(*partitions)
    ends = consumer.end_offsets(partitions)
    while any(consumer.position(partition) < ends[partition] for partition in partitions):
        for records in consumer.poll(timeout_ms=200).values():
            for record in records:
                headers = (part for key, value in record.headers for part in (key.encode(), value))
                yield from (part or b"" for part in (record.key, record.value, *headers))


def _spellings(text: str) -> Iterator[str]:
    western = text.translate(_DIGITS)
    bare = _GROUPING.sub("", western)
    yield from {text, western, json.dumps(text)[1:-1]}
    if bare.isdigit() and len(bare) > _DAY:
        yield bare


def _content(path: Path) -> bytes:
    raw = path.read_bytes()
    return raw.rstrip(b"\0") if "index" in path.suffix else raw


def _windows(raw: NDArray[np.uint8], width: int) -> NDArray[np.uint64]:
    """Return the number that the `width` bytes at each place make, little-endian."""
    count = len(raw) - width + 1
    made = np.zeros(count, dtype=np.uint64)
    for place in range(width):
        made |= raw[place : place + count].astype(np.uint64) << np.uint64(8 * place)
    return made


def _slots(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    return (numbers * _MIX) >> np.uint64(64 - _BITS)


def _in_digest(data: bytes, start: int, end: int) -> bool:
    """Tell whether the string lies in a run of hex digits as long as a digest."""
    before = _HEX_ON.match(data[max(0, start - _KEYED) : start][::-1])
    after = _HEX_ON.match(data, end)
    is_hex = _HEX_ON.fullmatch(data, start, end)
    return bool(is_hex and before and after and before.end() + (end - start) + after.end() - end >= _KEYED)
