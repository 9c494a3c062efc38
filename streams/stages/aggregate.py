"""The stage aggregate: deltas in, exact cells out; its changelog is its output.

Purpose: groups a batch of deltas by cell, so that each cell is written once for each batch. The rule by which a delta
counts once is that of `streams.core.counting.aggregate`. The handler is called by the loop of `streams.runtime.app`,
once for each batch.

Called by: `amana.composition.stages` (`attach`).

Invariants:
- A cell is written whenever the batch has a delta of it, even if every delta was counted before: that repairs a
  changelog that a crash left behind.
- The key of a cell stands for `year` and cell key, and its value is sealed under the keys of the year: only the offset
  by which values are ranked is in clear.
- Deltas of a year that was erased are passed over: its cells are erased with it.
- A cell that counts nobody is deleted when the operator's removal of erased records asks for it
  (`connectors.operations.empty_cells`), and only if no delta has reached it since the removal saw it.
"""

import contextlib
import functools
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, cast

import faust

from schemas.identifiers import CubeKey
from schemas.record_seal import ErasedError
from streams.broker import topics
from streams.core.counting import aggregate, aggregate_columns, delta_columns, delta_packs, state_value
from streams.runtime import app as apps
from streams.runtime import state
from streams.runtime.columnar_fetches import Fetch
from streams.runtime.stage import BatchResult, Record

__all__ = ["CELLS", "Aggregate", "attach"]

CELLS = "cells"
SOURCE = "deltas"


def attach(app: faust.App, *, deps: apps.Deps) -> None:
    """Make `app` the stage aggregate over the deltas."""
    kept = state.StateTable(app, CELLS, deps.box, deps.epoch, partitions=topics.PARTITIONS)
    apps.consume(app, [SOURCE], Aggregate(deps), kept, rebuilds=True)


class Aggregate:
    """The handler of the stage."""

    def __init__(self, deps: apps.Deps) -> None:
        self._seal = deps.seal
        # The last value of each cell with its sealed form: a cell that is still the same is not opened again.
        self._opened: dict[str, tuple[bytes, aggregate.Cell]] = {}
        self._keys: dict[tuple[str, CubeKey], str] = {}

    async def __call__(self, batch: Sequence[Record], value_of: Callable[[str], bytes | None]) -> BatchResult:
        """Include the batch's deltas in their cells, year by year."""
        if self._seal.renew():
            self._opened.clear()  # of a year that was erased nothing stays in memory
        fetch = cast("Fetch", batch)  # its columns are read at once, without a `Record` for each
        packs: dict[str, list[tuple[int, Mapping[str, Any]]]] = defaultdict(list)
        forgotten: list[Mapping[str, Any]] = []
        for offset, value in zip(fetch.offsets, fetch.values, strict=True):
            if value is None:
                continue  # no deltas: a record that lets the broker close a segment (`connectors.operations.removal`)
            with contextlib.suppress(ErasedError):
                pack = self._seal.read("delta", value, SOURCE)
                if pack["source"] == delta_packs.FORGET:
                    forgotten.append(pack)
                else:
                    packs[pack["year"]].append((offset, pack))
        writes: dict[str, bytes | None] = {}
        for year, read in packs.items():
            columns, positions = delta_columns.read(read)
            held = functools.partial(self._load, year, value_of)
            for cell in aggregate_columns.include_all(held, columns, positions):
                key = self._key(year, cell.cell)
                value = state_value.prefixed(cell.through, self._seal.write("cell", year, cell.as_record(), CELLS, key))
                writes[key] = value
                self._opened[key] = value, cell
        for asked in forgotten:
            for key in self._emptied(asked, value_of):
                if key not in writes:
                    writes[key] = None
                    self._opened.pop(key, None)
        return BatchResult((), writes)

    def _emptied(self, pack: Mapping[str, Any], value_of: Callable[[str], bytes | None]) -> Iterator[str]:
        """Yield the key of each cell of a pack that still has the value which counts nobody."""
        columns, _ = delta_columns.read([(0, pack)])
        for cell, through in zip(columns.cell.tolist(), columns.offset.tolist(), strict=True):
            name = columns.cells[cell]
            held = self._load(pack["year"], value_of, name)
            if held.through == through and not held.counts:
                yield self._key(pack["year"], name)

    def _load(self, year: str, value_of: Callable[[str], bytes | None], cell: CubeKey) -> aggregate.Cell:
        key = self._key(year, cell)
        value = value_of(key)
        if value is None:
            return aggregate.Cell(cell, {}, {})
        opened = self._opened.get(key)
        # Compared by bytes: after a rebalance the state may hold another writer's value.
        if opened is not None and opened[0] == value:
            return opened[1]
        record = self._seal.read("cell", value[state_value.WIDTH :], CELLS, key)
        return aggregate.Cell.from_record(record, state_value.through_of(value))

    def _key(self, year: str, cell: CubeKey) -> str:
        """Return the key that stands for a cell; kept, as the same cells come again and again."""
        if (year, cell) not in self._keys:
            self._keys[year, cell] = self._seal.index(year, cell)
        return self._keys[year, cell]
