"""The stage aggregate: deltas in, exact cells out; its state is its output.

Decides how a batch of deltas is grouped, so that each cell is written once per batch. Does not decide what counts
twice: that is `streams.core.counting.aggregate`'s part.
"""

from collections.abc import Callable, Sequence
from typing import cast

import faust
import numpy as np

from schemas import catalogue, codec, limits
from streams.broker import topics
from streams.core.counting import aggregate, aggregate_columns, deltas
from streams.runtime import app as apps
from streams.runtime import state
from streams.runtime.columnar_fetches import Fetch
from streams.runtime.stage import BatchResult, Record

__all__ = ["CELLS", "Aggregate", "attach"]

CELLS = "cells"
SOURCE = "deltas"


def attach(app: faust.App, *, deps: apps.Deps) -> None:
    """Make `app` the stage aggregate over the deltas."""
    kept = state.StateTable(
        app, CELLS, deps.box, deps.epoch, partitions=topics.PARTITIONS, through=aggregate.through_of
    )
    apps.consume(app, [SOURCE], Aggregate(deps), kept, rebuilds=True)


class Aggregate:
    """The handler; the wire form of a cell that was written last is remembered with its value, not decoded again."""

    def __init__(self, deps: apps.Deps) -> None:
        self._schema = catalogue.load("cell").parsed
        self._id, self._readable = deps.ids["cell"], deps.readable["cell"]
        self._header = b"\x00" + deps.ids["delta"].to_bytes(4, "big")
        self._known: dict[str, tuple[bytes, aggregate.Cell]] = {}

    async def __call__(self, batch: Sequence[Record], value_of: Callable[[str], bytes | None]) -> BatchResult:
        """Include the batch's deltas in their cells."""
        fetch = cast("Fetch", batch)  # of which the columns are read, not the records
        columns = deltas.read([value or b"" for value in fetch.values], self._header)
        positions = np.array(fetch.offsets, np.int64)
        writes: dict[str, bytes] = {}
        for cell in aggregate_columns.include_all(lambda key: self._load(key, value_of(key)), columns, positions):
            value = codec.encode(self._id, self._schema, cell.as_record())
            writes[cell.cell] = value
            self._known[cell.cell] = value, cell
        return BatchResult((), writes)

    def _load(self, key: str, value: bytes | None) -> aggregate.Cell:
        if value is None:
            return aggregate.Cell(key, {}, {})
        known = self._known.get(key)
        if known is not None and known[0] == value:
            return known[1]
        return aggregate.Cell.from_record(codec.decode(value, self._readable, limits.INTERNAL))
