"""Exact cells out of the records of the topic `cells`.

Purpose: open the values and take, of several values of one cell, the one that includes the most deltas.
Called by: `connectors.adapters.release_bus` and `connectors.operations.exact_cells`.

Invariants:
- A value that does not open ends the reading: a cell that is left out would be a wrong count. Only what was erased with
  the keys of its year is left out.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from schemas.identifiers import CubeKey
from schemas.record_seal import ErasedError, RecordSeal
from streams.core.counting import aggregate, state_value

__all__ = ["cells"]

_TOPIC = "cells"


def cells(seal: RecordSeal, records: Iterable[Any]) -> Mapping[CubeKey, aggregate.Cell]:
    """Return the value that holds for each cell.

    Args:
        seal: opens the values.
        records: the client's records of the whole topic, in the order of each partition.

    Raises:
        IntegrityError: INT-020, INT-026 or INT-027, a value does not open.
    """
    # A generator: the topic holds many values of a cell, of which `merge` keeps the last of each writer.
    return aggregate.merge(_entries(seal, records))


def _entries(seal: RecordSeal, records: Iterable[Any]) -> Iterator[tuple[str, aggregate.Cell | None]]:
    for record in records:
        key, cell = record.key.decode(), None
        if record.value is not None:
            plain = key.partition(aggregate.SEPARATOR)[0]
            try:
                fields = seal.read("cell", record.value[state_value.WIDTH :], _TOPIC, plain)
            except ErasedError:
                continue
            cell = aggregate.Cell.from_record(fields, state_value.through_of(record.value))
        yield key, cell
