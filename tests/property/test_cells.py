"""Cells: wire forms, replays and epochs."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import catalogue, codec, limits
from schemas.errors import IntegrityError
from streams.core import aggregate, deltas

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


@given(records)
def test_the_fast_reader_reads_what_the_schema_says(record: dict[str, Any]) -> None:
    payload = codec.encode(ID, catalogue.load("delta").parsed, record)
    found = deltas.read(payload, HEADER)
    texts = [part.decode() if isinstance(part, bytes) else part for part in found]
    assert dict(zip(deltas.Delta._fields, texts, strict=True)) == record


@given(records, st.data())
def test_the_fast_reader_refuses_every_cut_and_every_surplus(record: dict[str, Any], data: st.DataObject) -> None:
    payload = codec.encode(ID, catalogue.load("delta").parsed, record)
    cut = payload[: data.draw(st.integers(0, len(payload) - 1))]
    for broken in (cut, payload + b"\x00", b"\x01" + payload[1:]):
        with pytest.raises(IntegrityError):
            deltas.read(broken, HEADER)


@given(
    st.dictionaries(st.text(max_size=9), st.tuples(OFFSET, st.integers(0, 9)), max_size=4), st.integers(-1, 2**63 - 1)
)
def test_through_is_read_off_a_cells_end(marks: dict[str, tuple[int, int]], through: int) -> None:
    cell = aggregate.Cell("c", {"a": 1}, marks, through)
    value = codec.encode(ID, catalogue.load("cell").parsed, cell.as_record())
    assert aggregate.through_of(value) == through
    read = codec.decode(value, {ID: catalogue.load("cell").parsed}, limits.INTERNAL)
    assert aggregate.Cell.from_record(read) == cell


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=20), st.data())
def test_deltas_sent_again_change_nothing(amounts: list[int], data: st.DataObject) -> None:
    """Whatever tail of a source's deltas is repeated, the count stays."""
    log = [("a", amount, "case/0", offset, 0, offset) for offset, amount in enumerate(amounts)]
    once = aggregate.include(aggregate.Cell("c", {}, {}), log)
    tail = log[data.draw(st.integers(0, len(log))) :]
    again = aggregate.include(once, [(*delta[:5], len(log) + n) for n, delta in enumerate(tail)])
    assert again.counts == once.counts
    assert once.total == sum(amounts)


def test_the_value_that_includes_most_holds_whoever_wrote_last() -> None:
    old, new = aggregate.Cell("c", {"a": 1}, {}, 4), aggregate.Cell("c", {"a": 2}, {}, 9)
    entries: list[tuple[str, aggregate.Cell | None]] = [("c\x00e2", new), ("c\x00e1", old)]
    assert aggregate.merge(entries)["c"] == new
    assert aggregate.merge([*entries, ("c\x00e1", None)])["c"] == new
