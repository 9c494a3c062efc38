"""Avro bombs: a few bytes that would cost a decoder its memory, its stack or a minute of its time.

Each is refused twice: the lint refuses the schema that makes it possible, and where a schema got past the lint, the
walk refuses the bytes. fastavro never sees them.
"""

import json
import time
from collections.abc import Callable

import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import catalogue, codec, limits, parsing
from schemas.errors import ContractError

MILLISECONDS = 100
GROWTH_BYTES = 10 * 1024 * 1024


def varint(number: int) -> bytes:
    """Return the zig-zag variable-length form of a long."""
    rest, out = (number << 1) ^ (number >> 63), bytearray()
    while rest > 0x7F:
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    return bytes([*out, rest])


def record(*fields: object) -> str:
    named = [{"name": f"f{place}", "type": kind} for place, kind in enumerate(fields)]
    return json.dumps({"type": "record", "name": "Hostile", "fields": named})


NULLS = {"type": "array", "items": "null"}
EMPTY = {"type": "record", "name": "Empty", "fields": []}
SELF = {"type": "record", "name": "Self", "fields": [{"name": "next", "type": ["null", "Self"]}]}
TREE = {"type": "record", "name": "Tree", "fields": [{"name": "more", "type": {"type": "array", "items": "Tree"}}]}

BOMBS = {
    "five bytes, twenty million nulls": (record(NULLS), varint(20_000_000) + b"\0"),
    "six bytes, a thousand million nulls": (record(NULLS), varint(1_000_000_000) + b"\0"),
    "a counted block of nulls": (record(NULLS), varint(-1_000_000_000) + varint(0) + b"\0"),
    "empty records": (record({"type": "array", "items": EMPTY}), varint(1_000_000_000) + b"\0"),
    "empty fixed": (
        record({"type": "array", "items": {"type": "fixed", "name": "Zero", "size": 0}}),
        varint(1_000_000_000) + b"\0",
    ),
    "five kilobytes, five thousand levels": (record(SELF), b"\2" * 5_000 + b"\0"),
    "a tree as deep as it is long": (record(TREE), b"\2" * 5_000 + b"\0" * 5_001),
}
"""Name → (writer schema that the lint must refuse, record in Avro binary)."""

SAFE_BOMBS = {
    "a map of nulls that is not there": (record({"type": "map", "values": "null"}), varint(1_000_000_000) + b"\0"),
    "a list of strings that is not there": (record({"type": "array", "items": "string"}), varint(2**62) + b"\0"),
    "a string of two gigabytes": (record("string"), varint(2**31)),
    "a string of negative length": (record("string"), varint(-5)),
    "bytes without end": (record("bytes"), b"\xff" * 9 + b"\x01"),
    "a number without end": (record("long"), b"\xff" * 40_000),
    "a branch that does not exist": (record(["null", "string"]), varint(7)),
    "a symbol that does not exist": (record({"type": "enum", "name": "E", "symbols": ["a"]}), varint(1)),
    "more after the record": (record("int"), varint(1) + b"\0" * 30_000),
    "as many items as fit, over the limit": (
        record({"type": "array", "items": "boolean"}),
        varint(60_000) + b"\0" * 60_001,
    ),
    "many small blocks": (record({"type": "array", "items": "boolean"}), (varint(1) + b"\0") * 30_000 + b"\0"),
}
"""Name → (writer schema that is safe, record in Avro binary)."""


def refused_cheaply(act: Callable[[], object]) -> ContractError:
    """Return the refusal of `act`, which took at most 100 ms of processor time and 10 MB of memory."""
    process = psutil.Process()
    before, started = process.memory_info().rss, time.process_time()
    with pytest.raises(ContractError) as caught:
        act()
    assert (time.process_time() - started) * 1000 < MILLISECONDS
    assert process.memory_info().rss - before < GROWTH_BYTES
    return caught.value


@pytest.mark.parametrize("name", BOMBS)
def test_the_lint_refuses_the_schema_of_a_bomb(name: str) -> None:
    schema, _ = BOMBS[name]
    assert refused_cheaply(lambda: parsing.parse(schema)).code == "CON-005"


@pytest.mark.parametrize("name", BOMBS)
def test_the_walk_stops_a_bomb_whose_schema_got_past_the_lint(name: str) -> None:
    schema, data = BOMBS[name]
    allowed = {1: parsing.parse(schema, safe=False)}
    error = refused_cheaply(lambda: codec.decode(b"\0\0\0\0\1" + data, allowed))
    assert error.code in {"CON-002", "CON-003"}


@pytest.mark.parametrize("name", SAFE_BOMBS)
def test_the_walk_stops_a_bomb_that_a_safe_schema_allows(name: str) -> None:
    schema, data = SAFE_BOMBS[name]
    allowed = {1: parsing.parse(schema)}
    error = refused_cheaply(lambda: codec.decode(b"\0\0\0\0\1" + data, allowed))
    assert error.code in {"CON-002", "CON-003"}


def test_eight_bytes_in_a_field_that_the_reader_skips_are_refused() -> None:
    """The hostile array stands only in the writer's schema; the reader would never look at it."""
    reader = parsing.parse(record("int"))
    writer = parsing.parse(record("int", NULLS), reader=reader, safe=False)
    payload = b"\0\0\0\0\1" + varint(1) + varint(2_000_000_000) + b"\0"
    assert refused_cheaply(lambda: codec.decode(payload, {1: writer})).code == "CON-003"


def test_a_schema_whose_names_multiply_is_refused_without_writing_it_out() -> None:
    """Twelve records, each holding the one before it twenty times: 20 to the power of 12 fields of no bytes."""
    inner: dict[str, object] = {"type": "record", "name": "R0", "fields": []}
    for level in range(1, 12):
        again = [{"name": f"b{place}", "type": f"R{level - 1}"} for place in range(20)]
        inner = {"type": "record", "name": f"R{level}", "fields": [{"name": "a", "type": inner}, *again]}
    text = json.dumps(inner)
    assert refused_cheaply(lambda: parsing.parse(text)).code == "CON-005"
    forced = {1: parsing.parse(text, safe=False)}
    assert refused_cheaply(lambda: codec.decode(b"\0\0\0\0\1", forced)).code == "CON-002"


def test_a_schema_nested_without_end_is_refused() -> None:
    text = '{"type":"record","name":"X","fields":[{"name":"a","type":' + '{"type":"array","items":' * 9_000
    assert refused_cheaply(lambda: parsing.parse(text + '"int"' + "}" * 9_000 + "}]}")).code == "CON-005"


def test_an_unknown_schema_id_is_refused_without_asking_anybody() -> None:
    schema = catalogue.load("raw.case").parsed
    assert refused_cheaply(lambda: codec.decode(b"\0\0\0\0\2abc", {1: schema})).code == "CON-004"


@pytest.mark.parametrize("payload", [b"", b"\0", b"\0\0\0\0", b"\1\0\0\0\1abc", b"{}"])
def test_bytes_without_a_header_are_refused(payload: bytes) -> None:
    assert refused_cheaply(lambda: codec.decode(payload, {})).code == "CON-001"


@pytest.mark.parametrize("stem", ["raw.case", "raw.activity", "cell", "trend"])
@given(data=st.binary(max_size=400))
@settings(max_examples=150, deadline=None)
def test_any_bytes_decode_or_are_refused_with_a_code(stem: str, data: bytes) -> None:
    """Nothing but a typed refusal comes out, and no exception that holds the bytes is chained to it."""
    refused = None
    try:
        codec.decode(b"\0\0\0\0\1" + data, {1: catalogue.load(stem).parsed}, limits.INGEST)
    except ContractError as error:
        refused = error
    if refused is not None:
        assert refused.code in {"CON-002", "CON-003", "CON-007"}
        assert not isinstance(refused.__context__, UnicodeError)


@pytest.mark.parametrize(
    "schema",
    [
        record({"type": "fixed", "name": "F", "size": 2**31}),
        record(["null", {"type": "fixed", "name": "F", "size": 16 * 1024 + 1}]),
        record({"type": "enum", "name": "E", "symbols": [f"s{n}" for n in range(5_000)]}),
        record({"type": "enum", "name": "E", "symbols": [f"s{n}" for n in range(100_000)]}),
        record(*["int"] * 5_000),
        json.dumps(
            {"type": "record", "name": "D", "fields": [{"name": "a", "type": "string", "default": "x" * 2**20}]}
        ),
    ],
    ids=["huge fixed", "fixed in a union", "many symbols", "too long a text", "many fields", "enormous default"],
)
def test_the_lint_refuses_what_is_large_without_end(schema: str) -> None:
    assert refused_cheaply(lambda: parsing.parse(schema)).code == "CON-005"
