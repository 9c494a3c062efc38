"""Reading deltas fast, a batch at a time: the one record that is decoded for every contribution to every cell.

Decides how the bytes of many `delta` records become columns; the schema (`schemas/avro/delta.avsc`) decides what they
mean, and a test holds this reader against fastavro's. All records are read side by side, field by field, so that the
cost of a step is shared by thousands. Every length is checked against its payload, and a payload is exactly one record.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np
import numpy.typing as npt

from schemas.errors import IntegrityError

__all__ = ["Columns", "Ints", "read"]

Ints = npt.NDArray[np.int64]

_HEADER = 5
_MORE = 0x80
_WIDEST = 63
_PADDING = bytes(16)
"""What the longest number may read past the last payload, before it is found too long."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The deltas of a batch by field; `cell`, `agency` and `source` are places in the lists of what occurs."""

    cells: Sequence[str]
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
        IntegrityError: INT-021, another header or not exactly one record; the stage before us wrote it, so all stops.
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
    """The payloads in one piece; `ends` is where each ends in it."""

    def __init__(self, whole: bytes, ends: Ints) -> None:
        self.whole, self.ends = whole, ends
        self.data = np.frombuffer(whole + _PADDING, np.uint8)

    def long(self, at: Ints) -> tuple[Ints, Ints]:
        """Read a zigzag varint of each payload at `at`; return the values and the positions after them."""
        byte = self.data[at]
        value, at = (byte & 0x7F).astype(np.uint64), at + 1
        more, shift = np.flatnonzero(byte & _MORE), 7
        while more.size:
            _demand(shift <= _WIDEST)
            byte = self.data[at[more]]
            value[more] |= (byte & 0x7F).astype(np.uint64) << np.uint64(shift)
            at[more] += 1
            more, shift = more[byte >= _MORE], shift + 7
        _demand(bool((at <= self.ends).all()))
        return (value >> np.uint64(1)).astype(np.int64) ^ -(value & np.uint64(1)).astype(np.int64), at

    def text(self, at: Ints) -> tuple[Ints, Ints]:
        """Return where a string of each payload begins and ends, read at `at`."""
        length, at = self.long(at)
        _demand(bool((length >= 0).all() and (length <= self.ends - at).all()))
        return at, at + length

    def distinct(self, begin: Ints, end: Ints) -> tuple[list[bytes], Ints]:
        """Return the different pieces of the text between `begin` and `end`, and which of them each payload has."""
        places: defaultdict[bytes, int] = defaultdict(count().__next__)
        pieces = map(self.whole.__getitem__, map(slice, begin.tolist(), end.tolist()))
        which = np.fromiter(map(places.__getitem__, pieces), np.int64, len(begin))
        return list(places), which


def _fields(text: _Text, at: Ints) -> Columns:
    """Read field by field; agency, amount and source, of which there are few together, once where they differ."""
    cell_at, cell_end = text.text(at)
    agency_at, agency_end = text.text(cell_end)
    amount, amount_end = text.long(agency_end)
    source_at, source_end = text.text(amount_end)
    offset, at = text.long(source_end)
    ordinal, at = text.long(at)
    _demand(bool((at == text.ends).all()))
    cells, cell = text.distinct(cell_at, cell_end)
    kinds, kind = text.distinct(agency_at, source_end)
    one = np.zeros(len(kinds), np.int64)
    one[kind] = np.arange(len(kind))  # some delta of each kind
    agencies, agency = text.distinct(agency_at[one], agency_end[one])
    sources, source = text.distinct(source_at[one], source_end[one])
    names = _names(cells), _names(agencies), _names(sources)
    return Columns(*names, cell, agency[kind], amount, source[kind], offset, ordinal)


def _names(pieces: Sequence[bytes]) -> list[str]:
    return [piece.decode() for piece in pieces]


def _demand(holds: bool) -> None:  # noqa: FBT001 - the condition is the argument
    if not holds:
        raise IntegrityError("INT-021", "a delta is not exactly one record of the schema that was allowed at start")
