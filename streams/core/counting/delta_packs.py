"""Packs of deltas: the changes that one batch of dedupe makes to the cells of one partition and year, as one record.

Purpose: a delta is made for every contribution to every cell, more often than any other record. A batch's deltas share
one record, whose seal, request and decoding cost the same for thousands as for one; the schema
(`schemas/avro/delta.avsc`) holds them as columns of integers, lowest byte first.

Called by: `streams.stages.dedupe` and `connectors.operations.empty_cells` (`pack`), `streams.stages.aggregate`
(`FORGET`). `streams.core.counting.delta_columns` reads packs.

Invariants:
- A pack holds its deltas in the order in which they were given.
"""

import struct
from collections.abc import Hashable, Iterable, Sequence
from typing import Any, Final, NamedTuple, TypeVar

from schemas.identifiers import AgencyId, CubeKey

__all__ = ["FORGET", "MOST_ROWS", "Row", "pack"]

Item = TypeVar("Item", bound=Hashable)

MOST_ROWS: Final = 4_000
"""Most deltas of one record: some 0.4 MB if every cell is another one, less than half of what a request may have."""

FORGET: Final = "forget"
"""The source of a record that changes no count: each row names a cell that counts nobody any more, and as its offset
the `through` of the value that is to be deleted, if it still is the cell's."""

_FORMATS: Final = {"cell": "I", "agency": "I", "amount": "q", "offset": "q", "ordinal": "I"}
"""Letters of `struct` for the columns."""


class Row(NamedTuple):
    """One delta: persons to add to a cell for an agency, and the offset and ordinal of its mark."""

    cell: CubeKey
    agency: AgencyId
    amount: int
    offset: int
    ordinal: int


def pack(year: str, source: str, rows: Sequence[Row]) -> dict[str, Any]:
    """Return the fields of the schema `delta` for deltas of one source and year, in the order of their marks."""
    cells, agencies = _distinct(row.cell for row in rows), _distinct(row.agency for row in rows)
    columns = {
        "cell": [cells[row.cell] for row in rows],
        "agency": [agencies[row.agency] for row in rows],
        "amount": [row.amount for row in rows],
        "offset": [row.offset for row in rows],
        "ordinal": [row.ordinal for row in rows],
    }
    packed = {name: struct.pack(f"<{len(rows)}{_FORMATS[name]}", *column) for name, column in columns.items()}
    return {"year": year, "source": source, "cells": list(cells), "agencies": list(agencies), **packed}


def _distinct(items: Iterable[Item]) -> dict[Item, int]:
    """Return every item once, with its place in the order of first appearance."""
    places: dict[Item, int] = {}
    for item in items:
        places.setdefault(item, len(places))
    return places
