"""Deltas in columns: the packs of one year, as arrays of integers over lists of distinct cells, agencies and sources.

Purpose: NumPy reads and adds thousands of deltas without looking at a single one.

Called by: `streams.stages.aggregate` (`read`) and `streams.core.counting.aggregate_columns`.

Invariants:
- `read` of what `delta_packs.pack` made gives the same deltas in the same order; a property test says so.
- Every index of a column names an entry of its list, or the record is refused.

>>> from streams.core.counting.delta_packs import Row, pack
>>> columns, _ = read([(7, pack("2024", "case/3", [Row("cases|profile|LBN|2024-03", "police-jor", 1, 17, 0)]))])
>>> columns.cells, columns.amount.tolist(), columns.offset.tolist()
(['cases|profile|LBN|2024-03'], [1], [17])
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import numpy as np
import numpy.typing as npt

from schemas.errors import IntegrityError
from schemas.identifiers import CubeKey

__all__ = ["Columns", "Ints", "read"]

Ints = npt.NDArray[np.int64]
_TYPES: Final = {"cell": "<u4", "agency": "<u4", "amount": "<i8", "offset": "<i8", "ordinal": "<u4"}
"""NumPy's names for the columns of a pack."""


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
