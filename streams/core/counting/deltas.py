"""Deltas in columns: the changes that one batch of dedupe makes to the cells of one partition and year.

Purpose: a delta is made for every contribution to every cell, more often than any other record. A batch's deltas share
one record, whose seal, request and decoding cost the same for thousands as for one; the schema
(`schemas/avro/delta.avsc`) holds them as columns, which NumPy reads without looking at a single one.

Called by: `streams.stages.dedupe` (`pack`), `streams.stages.aggregate` (`read`) and
`streams.core.counting.aggregate_columns`.

Invariants:
- `read` of what `pack` made gives the same deltas in the same order; a property test says so.
- Every index of a column names an entry of its list, or the record is refused.

>>> columns, _ = read([(7, pack("2024", "case/3", [Row("cases|profile|LBN|2024-03", "police-jor", 1, 17, 0)]))])
>>> columns.cells, columns.amount.tolist(), columns.offset.tolist()
(['cases|profile|LBN|2024-03'], [1], [17])
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeVar, cast

import numpy as np
import numpy.typing as npt

from schemas.errors import IntegrityError
from schemas.identifiers import AgencyId, CubeKey

__all__ = ["FORGET", "MOST_ROWS", "Columns", "Ints", "Row", "pack", "read"]

Ints = npt.NDArray[np.int64]
Item = TypeVar("Item", bound=Hashable)

MOST_ROWS: Final = 4_000
"""Most deltas of one record: some 0.4 MB if every cell is another one, less than half of what a request may have."""

FORGET: Final = "forget"
"""The source of a record that changes no count: each row names a cell that counts nobody any more, and as its offset
the `through` of the value that is to be deleted, if it still is the cell's."""

_TYPES: Final = {"cell": "<u4", "agency": "<u4", "amount": "<i8", "offset": "<i8", "ordinal": "<u4"}


class Row(NamedTuple):
    """One delta: persons to add to a cell for an agency, and the offset and ordinal of its mark."""

    cell: CubeKey
    agency: AgencyId
    amount: int
    offset: int
    ordinal: int


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
    packed = {name: np.array(column, _TYPES[name]).tobytes() for name, column in columns.items()}
    return {"year": year, "source": source, "cells": list(cells), "agencies": list(agencies), **packed}


def read(packs: Sequence[tuple[int, Mapping[str, Any]]]) -> tuple[Columns, Ints]:
    """Return the deltas of records of one year, each with its offset, and for every delta the offset of its record.

    Raises:
        IntegrityError: INT-021, columns of different lengths, or an index without an entry; our own dedupe wrote them,
            so the stage ends.
    """
    columns = [_columns_of(record) for _, record in packs]
    cells, cell = _joined([(record["cells"], own["cell"]) for (_, record), own in zip(packs, columns, strict=True)])
    agencies, agency = _joined(
        [(record["agencies"], own["agency"]) for (_, record), own in zip(packs, columns, strict=True)]
    )
    lengths = [len(own["cell"]) for own in columns]
    sources, source = _joined(
        [([record["source"]], np.zeros(length, np.int64)) for (_, record), length in zip(packs, lengths, strict=True)]
    )
    amount, offset, ordinal = (
        np.concatenate([own[name] for own in columns]) for name in ("amount", "offset", "ordinal")
    )
    positions = np.repeat(np.array([position for position, _ in packs], np.int64), lengths)
    keys = cast("list[CubeKey]", cells)
    return Columns(keys, agencies, sources, cell, agency, amount, source, offset, ordinal), positions


def _distinct(items: Iterable[Item]) -> dict[Item, int]:
    """Return every item once, with its place in the order of first appearance."""
    places: dict[Item, int] = {}
    for item in items:
        places.setdefault(item, len(places))
    return places


def _columns_of(record: Mapping[str, Any]) -> dict[str, Ints]:
    """Return the columns of one record, checked against each other and against its lists."""
    try:
        columns = {name: np.frombuffer(record[name], kind).astype(np.int64) for name, kind in _TYPES.items()}
    except ValueError:
        raise _refused() from None
    lengths = {len(column) for column in columns.values()}
    if len(lengths) != 1 or 0 in lengths:
        raise _refused()
    if columns["cell"].max() >= len(record["cells"]) or columns["agency"].max() >= len(record["agencies"]):
        raise _refused()
    return columns


def _joined(parts: Sequence[tuple[Sequence[str], Ints]]) -> tuple[list[str], Ints]:
    """Join the lists and index columns of several records: one list of distinct entries, one column."""
    if len(parts) == 1:
        return list(parts[0][0]), parts[0][1]
    places: dict[str, int] = {}
    columns = []
    for entries, column in parts:
        moved = np.array([places.setdefault(entry, len(places)) for entry in entries], np.int64)
        columns.append(moved[column])
    return list(places), np.concatenate(columns)


def _refused() -> IntegrityError:
    return IntegrityError("INT-021", "a record of deltas has columns that do not belong together")
