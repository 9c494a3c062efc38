"""Cells: wire forms, replays and epochs."""

import doctest
import functools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import catalogue, codec
from schemas.errors import IntegrityError
from schemas.identifiers import CubeKey
from streams.core.counting import aggregate, aggregate_columns, delta_columns, delta_packs

LONG = st.integers(-(2**63), 2**63 - 1)
OFFSET = st.integers(0, 2**63 - 1)
rows = st.builds(delta_packs.Row, st.text(max_size=200), st.text(max_size=40), LONG, LONG, st.integers(0, 2**32 - 1))
packs = st.tuples(st.text(max_size=40), st.lists(rows, min_size=1, max_size=8))


def _rows(found: delta_columns.Columns) -> list[dict[str, Any]]:
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


def test_the_example_of_columns_is_true() -> None:
    """As the docstring says."""
    assert doctest.testmod(delta_columns).failed == 0


@given(st.lists(packs, min_size=1, max_size=4))
def test_deltas_are_read_as_they_were_packed(batch: list[tuple[str, list[delta_packs.Row]]]) -> None:
    """Several records together, through the wire form: the same deltas in the same order, at their offsets."""
    schema = catalogue.load("delta")
    wire = [codec.encode_inner(schema, delta_packs.pack("2024", source, packed)) for source, packed in batch]
    found, positions = delta_columns.read([(10 * n, codec.decode_inner(one, "delta")) for n, one in enumerate(wire)])
    assert _rows(found) == [{**row._asdict(), "source": source} for source, packed in batch for row in packed]
    assert positions.tolist() == [10 * n for n, (_, packed) in enumerate(batch) for _ in packed]


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


def _row(delta: dict[str, Any]) -> delta_packs.Row:
    return delta_packs.Row(*(delta[name] for name in delta_packs.Row._fields))


def _held(cells: dict[str, aggregate.Cell], key: CubeKey) -> aggregate.Cell:
    return cells.get(key, aggregate.Cell(key, {}, {}))


@given(st.lists(st.lists(small, min_size=1, max_size=12), min_size=1, max_size=4), st.booleans())
def test_a_batch_at_once_comes_to_what_the_rule_comes_to_delta_by_delta(
    batches: list[list[dict[str, Any]]],
    ordered: bool,  # noqa: FBT001 - drawn
) -> None:
    """Rising marks, repeated ones, marks out of order, amounts that no sum of 64 bits holds: the same cells."""
    position = 0
    at_once: dict[str, aggregate.Cell] = {}
    singly: dict[str, aggregate.Cell] = {}
    for batch in batches:
        arrived = sorted(batch, key=lambda d: (d["offset"], d["ordinal"])) if ordered else batch
        columns, positions = delta_columns.read(
            [
                (position + n, delta_packs.pack("2024", delta["source"], [_row(delta)]))
                for n, delta in enumerate(arrived)
            ]
        )
        found = aggregate_columns.include_all(functools.partial(_held, at_once), columns, positions)
        at_once |= {cell.cell: cell for cell in found}
        for delta in arrived:
            fields = (delta[name] for name in ("agency", "amount", "source", "offset", "ordinal"))
            singly[delta["cell"]] = aggregate.include(_held(singly, delta["cell"]), [(*fields, position)])
            position += 1
    assert at_once == singly


@given(packs, st.sampled_from(("cell", "agency", "amount", "offset", "ordinal")), st.data())
def test_columns_that_do_not_belong_together_are_refused(
    pack: tuple[str, list[delta_packs.Row]], name: str, data: st.DataObject
) -> None:
    record = delta_packs.pack("2024", *pack)
    cut = record[name][: data.draw(st.integers(0, len(record[name]) - 1))]
    for broken in (cut, record[name] + b"\0", record[name] + bytes(8)):
        with pytest.raises(IntegrityError):
            delta_columns.read([(0, {**record, name: broken})])
    for column in ("cell", "agency"):
        with pytest.raises(IntegrityError):
            delta_columns.read([(0, {**record, column: b"\xff\xff\xff\x7f" * len(pack[1])})])


@given(st.dictionaries(st.text(max_size=9), st.tuples(OFFSET, st.integers(0, 9)), max_size=4), OFFSET)
def test_a_cell_is_read_as_it_was_written(marks: dict[str, tuple[int, int]], through: int) -> None:
    cell = aggregate.Cell(CubeKey("c"), {"a": 1}, marks, through)
    data = codec.encode_inner(catalogue.load("cell"), cell.as_record())
    assert aggregate.Cell.from_record(codec.decode_inner(data, "cell"), through) == cell


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
    assert aggregate.merge(entries)[CubeKey("c")] == new
    assert aggregate.merge([*entries, ("c\x00e1", None)])[CubeKey("c")] == new
