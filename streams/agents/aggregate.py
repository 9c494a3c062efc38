"""The stage aggregate: deltas in, exact cells out; its state is its output.

Decides how a batch of deltas is grouped, so that each cell is written once per batch. Does not decide what counts
twice: that is `streams.core.aggregate`'s part.
"""

from collections.abc import Callable, Sequence

import faust

from schemas import catalogue, codec, limits
from streams import app as apps
from streams import state
from streams.core import aggregate, deltas
from streams.stage import Record, Result

__all__ = ["CELLS", "FETCH_BYTES", "Aggregate", "attach"]

CELLS = "cells"
SOURCE = "deltas"
PARTITIONS = 4
FETCH_BYTES = 4_194_304
"""Large batches, since a cell is written once a batch however many deltas it has there."""


def attach(app: faust.App, *, deps: apps.Deps) -> None:
    """Make `app` the stage aggregate over the deltas."""
    kept = state.StateTable(app, CELLS, deps.box, deps.epoch, partitions=PARTITIONS, through=aggregate.through_of)
    apps.consume(app, [SOURCE], Aggregate(deps), kept, deps.box)


class Aggregate:
    """The handler; the wire form of a cell that was written last is remembered with its value, not decoded again."""

    def __init__(self, deps: apps.Deps) -> None:
        self._schema = catalogue.load("cell").parsed
        self._id, self._readable = deps.ids["cell"], deps.readable["cell"]
        self._header = b"\x00" + deps.ids["delta"].to_bytes(4, "big")
        self._known: dict[str, tuple[bytes, aggregate.Cell]] = {}
        self._names: dict[bytes, str] = {}

    async def __call__(self, batch: Sequence[Record], value_of: Callable[[str], bytes | None]) -> Result:
        """Group the batch by cell and include each group."""
        writes: dict[str, bytes] = {}
        for cell, group in self._grouped(batch).items():
            key = cell.decode()
            included = aggregate.include(self._load(key, value_of(key)), group)
            value = codec.encode(self._id, self._schema, included.as_record())
            writes[key] = value
            self._known[key] = value, included
        return Result((), writes)

    def _grouped(self, batch: Sequence[Record]) -> dict[bytes, list[aggregate.Delta]]:
        groups: dict[bytes, list[aggregate.Delta]] = {}
        name = self._name
        for record in batch:
            cell, agency, amount, source, offset, ordinal = deltas.read(record.value or b"", self._header)
            delta = name(agency), amount, name(source), offset, ordinal, record.offset
            group = groups.get(cell)
            if group is None:
                groups[cell] = [delta]
            else:
                group.append(delta)
        return groups

    def _name(self, text: bytes) -> str:
        known = self._names.get(text)
        if known is None:
            known = self._names[text] = text.decode()
        return known

    def _load(self, key: str, value: bytes | None) -> aggregate.Cell:
        if value is None:
            return aggregate.Cell(key, {}, {})
        known = self._known.get(key)
        if known is not None and known[0] == value:
            return known[1]
        return aggregate.Cell.from_record(codec.decode(value, self._readable, limits.INTERNAL))
