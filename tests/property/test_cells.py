"""Cells: wire forms, replays and epochs."""

import functools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import catalogue, codec, limits
from schemas.errors import IntegrityError
from schemas.identifiers import CubeKey
from streams.core.counting import aggregate, aggregate_columns, deltas

ID = 7
HEADER = b"\x00\x00\x00\x00\x07"
LONG = st.integers(-(2**63), 2**63 - 1)
OFFSET = st.integers(0, 2**63 - 1)
records = st.fixed_dictionaries(
    {
        "cell": st.text(max_size=200),
        "agency": st.text(max_size=40),
        "amount": LONG,
        "source": st.text(max_size=40),
        "offset": LONG,
        "ordinal": st.integers(-(2**31), 2**31 - 1),
    }
)


def _rows(found: deltas.Columns) -> list[dict[str, Any]]:
    return [
        {
            "cell": found.cells[found.cell[n]],
            "agency": found.agencies[found.agency[n]],
            "amount": int(found.amount[n]),
            "source": found.sources[found.source[n]],
            "offset": int(found.offset[n]),
            "ordinal": int(found.ordinal[n]),
        }
        for n in range(len(found.cell))
    ]


@given(st.lists(records, min_size=1, max_size=8))
def test_the_fast_reader_reads_what_the_schema_says(batch: list[dict[str, Any]]) -> None:
    parsed = catalogue.load("delta").parsed
    assert _rows(deltas.read([codec.encode(ID, parsed, record) for record in batch], HEADER)) == batch


small = st.fixed_dictionaries(
    {
        "cell": st.sampled_from("xyz"),
        "agency": st.sampled_from("ab"),
        "amount": st.integers(-2, 2) | st.sampled_from((2**62, -(2**62))),
        "source": st.sampled_from(("case/0", "case/1")),
        "offset": st.integers(0, 9),
        "ordinal": st.integers(0, 2),
    }
)


def _held(cells: dict[str, aggregate.Cell], key: CubeKey) -> aggregate.Cell:
    return cells.get(key, aggregate.Cell(key, {}, {}))


@given(st.lists(st.lists(small, min_size=1, max_size=12), min_size=1, max_size=4), st.booleans())
def test_a_batch_at_once_comes_to_what_the_rule_comes_to_delta_by_delta(
    batches: list[list[dict[str, Any]]],
    ordered: bool,  # noqa: FBT001 - drawn
) -> None:
    """Rising marks, repeated ones, marks out of order, amounts that no sum of 64 bits holds: the same cells."""
    parsed, position = catalogue.load("delta").parsed, 0
    at_once: dict[str, aggregate.Cell] = {}
    singly: dict[str, aggregate.Cell] = {}
    for batch in batches:
        arrived = sorted(batch, key=lambda d: (d["offset"], d["ordinal"])) if ordered else batch
        positions = np.arange(position, position + len(arrived))
        columns = deltas.read([codec.encode(ID, parsed, delta) for delta in arrived], HEADER)
        found = aggregate_columns.include_all(functools.partial(_held, at_once), columns, positions)
        at_once |= {cell.cell: cell for cell in found}
        for delta in arrived:
            fields = (delta[name] for name in ("agency", "amount", "source", "offset", "ordinal"))
            singly[delta["cell"]] = aggregate.include(_held(singly, delta["cell"]), [(*fields, position)])
            position += 1
    assert at_once == singly


@given(records, st.data())
def test_the_fast_reader_refuses_every_cut_and_every_surplus(record: dict[str, Any], data: st.DataObject) -> None:
    payload = codec.encode(ID, catalogue.load("delta").parsed, record)
    cut = payload[: data.draw(st.integers(0, len(payload) - 1))]
    for broken in (cut, payload + b"\x00", b"\x01" + payload[1:]):
        with pytest.raises(IntegrityError):
            deltas.read([payload, broken, payload], HEADER)


@given(
    st.dictionaries(st.text(max_size=9), st.tuples(OFFSET, st.integers(0, 9)), max_size=4), st.integers(-1, 2**63 - 1)
)
def test_through_is_read_off_a_cells_end(marks: dict[str, tuple[int, int]], through: int) -> None:
    cell = aggregate.Cell(CubeKey("c"), {"a": 1}, marks, through)
    value = codec.encode(ID, catalogue.load("cell").parsed, cell.as_record())
    assert aggregate.through_of(value) == through
    read = codec.decode(value, {ID: catalogue.load("cell").parsed}, limits.INTERNAL)
    assert aggregate.Cell.from_record(read) == cell


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=20), st.data())
def test_deltas_sent_again_change_nothing(amounts: list[int], data: st.DataObject) -> None:
    """Whatever tail of a source's deltas is repeated, the count stays."""
    log = [("a", amount, "case/0", offset, 0, offset) for offset, amount in enumerate(amounts)]
    once = aggregate.include(aggregate.Cell(CubeKey("c"), {}, {}), log)
    tail = log[data.draw(st.integers(0, len(log))) :]
    again = aggregate.include(once, [(*delta[:5], len(log) + n) for n, delta in enumerate(tail)])
    assert again.counts == once.counts
    assert once.total == sum(amounts)


def test_the_value_that_includes_most_holds_whoever_wrote_last() -> None:
    old, new = aggregate.Cell(CubeKey("c"), {"a": 1}, {}, 4), aggregate.Cell(CubeKey("c"), {"a": 2}, {}, 9)
    entries: list[tuple[str, aggregate.Cell | None]] = [("c\x00e2", new), ("c\x00e1", old)]
    assert aggregate.merge(entries)["c"] == new
    assert aggregate.merge([*entries, ("c\x00e1", None)])["c"] == new
