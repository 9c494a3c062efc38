"""The stage aggregate: deltas in, exact cells out; its changelog is its output.

Purpose: groups a batch of deltas by cell, so that each cell is written once for each batch. The rule by which a delta
counts once is that of `streams.core.counting.aggregate`. The handler is called by the loop of `streams.runtime.app`,
once for each batch.

Called by: `amana.composition.stages` (`attach`).

Invariants:
- A cell is written whenever the batch has a delta of it, even if every delta was counted before: that repairs a
  changelog that a crash left behind.
"""

from collections.abc import Callable, Sequence
from typing import cast

import faust
import numpy as np

from schemas import catalogue, codec, limits
from schemas.identifiers import CubeKey
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
    """The handler of the stage."""

    def __init__(self, deps: apps.Deps) -> None:
        self._schema = catalogue.load("cell").parsed
        self._id, self._readable = deps.ids["cell"], deps.readable["cell"]
        self._header = b"\x00" + deps.ids["delta"].to_bytes(4, "big")
        # The last value of each cell with its wire form: a cell that is still the same is not decoded again.
        self._decoded: dict[str, tuple[bytes, aggregate.Cell]] = {}

    async def __call__(self, batch: Sequence[Record], value_of: Callable[[str], bytes | None]) -> BatchResult:
        """Include the batch's deltas in their cells."""
        fetch = cast("Fetch", batch)  # its columns are read at once, without a `Record` for each delta
        columns = deltas.read([value or b"" for value in fetch.values], self._header)
        positions = np.array(fetch.offsets, np.int64)
        writes: dict[str, bytes] = {}
        for cell in aggregate_columns.include_all(lambda key: self._load(key, value_of(key)), columns, positions):
            value = codec.encode(self._id, self._schema, cell.as_record())
            writes[cell.cell] = value
            self._decoded[cell.cell] = value, cell
        return BatchResult((), writes)

    def _load(self, key: CubeKey, value: bytes | None) -> aggregate.Cell:
        if value is None:
            return aggregate.Cell(key, {}, {})
        decoded = self._decoded.get(key)
        # Compared by bytes: after a rebalance the state may hold another writer's value.
        if decoded is not None and decoded[0] == value:
            return decoded[1]
        return aggregate.Cell.from_record(codec.decode(value, self._readable, limits.INTERNAL))
