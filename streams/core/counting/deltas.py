"""The column reader of deltas: a batch of `delta` records as arrays, read side by side.

Purpose: a delta is decoded for every contribution to every cell, more often than any other record. Here all records
of a batch are read field by field, so that the cost of a step is shared by thousands of them. The schema
(`schemas/avro/delta.avsc`) decides what the bytes mean; a test compares this reader with fastavro's.

Called by: `streams.stages.aggregate` and `streams.core.counting.aggregate_columns`.

Invariants:
- Every length is checked against its payload before it is used.
- A payload is exactly one record: nothing is left over.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import cast

import numpy as np
import numpy.typing as npt

from schemas.errors import IntegrityError
from schemas.identifiers import CubeKey

__all__ = ["Columns", "Ints", "read"]

Ints = npt.NDArray[np.int64]

_HEADER = 5  # bytes: 0x00 and the schema id
_MORE = 0x80  # the bit of a varint's byte that says that another byte follows
_WIDEST = 63  # the highest shift of a byte of a 64-bit varint
_PADDING = bytes(16)  # a number at the very end may be read past the last payload, before it is found too long


@dataclass(frozen=True, slots=True)
class Columns:
    """The deltas of a batch by field.

    `cell`, `agency` and `source` have one index for each delta, into the lists of distinct `cells`, `agencies` and
    `sources`.
    """

    cells: Sequence[CubeKey]
    agencies: Sequence[str]
    sources: Sequence[str]
    cell: Ints
    agency: Ints
    amount: Ints
    source: Ints
    offset: Ints
    ordinal: Ints


def read(payloads: Sequence[bytes], header: bytes) -> Columns:
    """Return the deltas in `payloads`, each of which begins with `header` (0x00 and the allowed schema id).

    Raises:
        IntegrityError: INT-021, another header, or not exactly one record; our own dedupe wrote it, so the stage ends.
    """
    whole = b"".join(payloads)
    lengths = np.fromiter(map(len, payloads), np.int64, len(payloads))
    ends = np.cumsum(lengths)
    starts = ends - lengths
    _demand(bool((lengths > _HEADER).all()))
    text = _Text(whole, ends)
    _demand(all(bool((text.data[starts + place] == byte).all()) for place, byte in enumerate(header)))
    return _fields(text, starts + _HEADER)


class _Text:
    """All payloads joined; `ends` has the position at which each one ends."""

    def __init__(self, whole: bytes, ends: Ints) -> None:
        self.whole, self.ends = whole, ends
        self.data = np.frombuffer(whole + _PADDING, np.uint8)

    def long(self, at: Ints) -> tuple[Ints, Ints]:
        """Read a zigzag varint of each payload at position `at`; return the values and the positions after them."""
        byte = self.data[at]
        value, at = (byte & 0x7F).astype(np.uint64), at + 1
        # Most numbers are one byte long; the loop goes on with the payloads whose number is not.
        more, shift = np.flatnonzero(byte & _MORE), 7
        while more.size:
            _demand(shift <= _WIDEST)
            byte = self.data[at[more]]
            value[more] |= (byte & 0x7F).astype(np.uint64) << np.uint64(shift)
            at[more] += 1
            more, shift = more[byte >= _MORE], shift + 7
        _demand(bool((at <= self.ends).all()))
        # Zigzag: 0, -1, 1, -2, ... are 0, 1, 2, 3, ...
        return (value >> np.uint64(1)).astype(np.int64) ^ -(value & np.uint64(1)).astype(np.int64), at

    def text(self, at: Ints) -> tuple[Ints, Ints]:
        """Return the begin and end positions of a string of each payload, read at position `at`."""
        length, at = self.long(at)
        _demand(bool((length >= 0).all() and (length <= self.ends - at).all()))
        return at, at + length

    def distinct(self, begin: Ints, end: Ints) -> tuple[list[bytes], Ints]:
        """Return the distinct pieces between `begin` and `end`, and the index of each payload's piece among them."""
        places: defaultdict[bytes, int] = defaultdict(count().__next__)
        pieces = map(self.whole.__getitem__, map(slice, begin.tolist(), end.tolist()))
        which = np.fromiter(map(places.__getitem__, pieces), np.int64, len(begin))
        return list(places), which


def _fields(text: _Text, at: Ints) -> Columns:
    """Read all payloads field by field, in the order of the schema."""
    cell_at, cell_end = text.text(at)
    agency_at, agency_end = text.text(cell_end)
    amount, amount_end = text.long(agency_end)
    source_at, source_end = text.text(amount_end)
    offset, at = text.long(source_end)
    ordinal, at = text.long(at)
    _demand(bool((at == text.ends).all()))
    cells, cell = text.distinct(cell_at, cell_end)
    # Agency, amount and source follow one another, and few combinations of the three occur: only the combinations are
    # cut out of every payload, and agencies and sources out of one payload (`sample`) of each combination.
    combinations, combination = text.distinct(agency_at, source_end)
    sample = np.zeros(len(combinations), np.int64)
    sample[combination] = np.arange(len(combination))
    agencies, agency = text.distinct(agency_at[sample], agency_end[sample])
    sources, source = text.distinct(source_at[sample], source_end[sample])
    keys = cast("list[CubeKey]", _names(cells))
    return Columns(
        keys, _names(agencies), _names(sources), cell, agency[combination], amount, source[combination], offset, ordinal
    )


def _names(pieces: Sequence[bytes]) -> list[str]:
    return [piece.decode() for piece in pieces]


def _demand(holds: bool) -> None:  # noqa: FBT001 - the condition is the argument
    if not holds:
        raise IntegrityError("INT-021", "a delta is not exactly one record of the schema that was allowed at start")
