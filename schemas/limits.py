"""Decoding under limits: a walk over Avro bytes that stops a bomb before any value is built.

Decides whether the bytes of one record are well formed under a writer schema and small enough to decode. Builds no
value and trusts no length that the bytes claim: a block of items must fit into the bytes that are left. The walk is
compiled once per schema into closures `(data, position, meter) -> position`.

- Every item costs at least one byte, or its array is refused; so work is bounded by the payload's length.
- Depth counts nested records, arrays and maps; nodes count their fields and items.
- Nothing but lengths and positions goes into a message.

Source: Avro 1.12 specification, "Binary encoding"; fastavro 1.13 decodes such bombs until memory or stack is gone.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from schemas.errors import ContractError

__all__ = ["INGEST", "INTERNAL", "Limits", "Meter", "Walk", "compile_walk", "least_size"]

_INT = 1 << 31
_LONG = 1 << 63
_VARINT_BYTES = 10
_MORE = 0x80  # the bit that says another byte follows


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one decoding; sizes in bytes. `sealed` is `text` plus room for padding and tag of a sealed field."""

    total: int = 64 * 1024
    depth: int = 32
    nodes: int = 10_000
    text: int = 16 * 1024
    all_text: int = 64 * 1024
    sealed: int = 16 * 1024 + 64


INGEST = Limits()
"""For what an agency sends."""

INTERNAL = Limits(total=1 << 21, nodes=1 << 20, text=1 << 20, all_text=1 << 21, sealed=1 << 21)
"""For what our own stages wrote: a cell's marks and a quarantined payload are larger than any event."""


class Meter:
    """What one walk has used so far."""

    __slots__ = ("all_text", "depth", "end", "limits", "nodes")

    def __init__(self, limits: Limits, end: int) -> None:
        """Start at nothing used, with `end` the length of the data in bytes."""
        self.limits = limits
        self.end = end
        self.nodes = 0
        self.depth = 0
        self.all_text = 0

    def enter(self, nodes: int) -> None:
        """Count one more level and its `nodes`."""
        self.depth += 1
        self.nodes += nodes
        if self.depth > self.limits.depth or self.nodes > self.limits.nodes:
            raise _too_much("depth or nodes")

    def take(self, length: int, position: int, most: int) -> int:
        """Count `length` bytes of a value that starts at `position`; return where it ends."""
        after = position + length
        self.all_text += length
        if length > most or self.all_text > self.limits.all_text:
            raise _too_much("length of a value")
        if length < 0 or after > self.end:
            raise _malformed("a length beyond the data", position)
        return after


Walk = Callable[[bytes, int, Meter], int]


def _too_much(what: str) -> ContractError:
    return ContractError("CON-002", f"the record exceeds the decoding limit on {what}")


def _malformed(what: str, position: int) -> ContractError:
    return ContractError("CON-003", f"the record is not well formed: {what} at byte {position}")


def compile_walk(schema: Any, named: Mapping[str, Any]) -> Walk:  # noqa: ANN401 - an Avro schema is any JSON value
    """Return the walk over one value of `schema`; `named` resolves full names to their definitions.

    Raises (the walk): ContractError CON-002 over a limit, CON-003 not well formed; IndexError at the data's end.
    """
    return _Compiler(named).walk(schema)


def least_size(schema: Any, named: Mapping[str, Any], _open: frozenset[str] = frozenset()) -> int:  # noqa: ANN401 - as above
    """Return a lower bound, in bytes, of any value of `schema`; 0 means an item may cost nothing."""
    kind = schema["type"] if isinstance(schema, dict) else schema
    if isinstance(kind, list):
        return 1
    if kind in named and kind not in _SIZES:
        return 0 if kind in _open else least_size(named[kind], named, _open | {kind})
    if kind in ("record", "error"):
        open_here = _open | {schema["name"]}
        return sum(least_size(field["type"], named, open_here) for field in schema["fields"])
    if kind == "fixed":
        return int(schema["size"])
    return _SIZES[kind] if isinstance(kind, str) else least_size(kind, named, _open)


_SIZES = {"null": 0, "boolean": 1, "int": 1, "long": 1, "float": 4, "double": 8, "bytes": 1, "string": 1}
_SIZES |= {"enum": 1, "array": 1, "map": 1}


class _Compiler:
    """Turns a schema into closures; a name that is used again is looked up when walked, so recursion compiles."""

    def __init__(self, named: Mapping[str, Any]) -> None:
        self.named = named
        self.done: dict[str, Walk] = {}

    def walk(self, schema: Any) -> Walk:  # noqa: ANN401 - as above
        if isinstance(schema, list):
            return self._union(schema)
        if isinstance(schema, dict):
            return self._complex(schema)
        return _PRIMITIVES.get(schema) or self._reference(schema)

    def _complex(self, schema: Mapping[str, Any]) -> Walk:
        match schema["type"]:
            case "record" | "error":
                return self._record(schema)
            case "array":
                return self._blocks(schema["items"], keyed=False)
            case "map":
                return self._blocks(schema["values"], keyed=True)
            case "enum" | "fixed":
                return _index(len(schema["symbols"])) if "symbols" in schema else _bytes_of(int(schema["size"]))
            case other:
                return self.walk(other)

    def _reference(self, name: str) -> Walk:
        if name not in self.done:
            self.done[name] = self.walk(self.named[name])
        done = self.done
        return lambda data, position, meter: done[name](data, position, meter)  # noqa: PLW0108 - not defined yet

    def _record(self, schema: Mapping[str, Any]) -> Walk:
        name = schema["name"]
        self.done.setdefault(name, _null)  # a name inside its own definition is looked up when walked
        fields = tuple(self.walk(field["type"]) for field in schema["fields"])
        count = len(fields)

        def record(data: bytes, position: int, meter: Meter) -> int:
            meter.enter(count)
            for field in fields:
                position = field(data, position, meter)
            meter.depth -= 1
            return position

        self.done[name] = record
        return record

    def _blocks(self, item_schema: Any, *, keyed: bool) -> Walk:  # noqa: ANN401 - as above
        item = self.walk(item_schema)
        least = least_size(item_schema, self.named) + keyed

        def blocks(data: bytes, position: int, meter: Meter) -> int:
            meter.enter(1)
            while True:
                count, position = _block(data, position, meter.end, least)
                if count == 0:
                    meter.depth -= 1
                    return position
                meter.nodes += count
                if meter.nodes > meter.limits.nodes:
                    raise _too_much("nodes")
                for _ in range(count):
                    position = item(data, _string(data, position, meter) if keyed else position, meter)

        return blocks

    def _union(self, branches: list[Any]) -> Walk:
        walks = tuple(self.walk(branch) for branch in branches)
        count = len(walks)

        def union(data: bytes, position: int, meter: Meter) -> int:
            byte = data[position]
            if byte & 0x81 == 0 and byte >> 1 < count:  # one byte, not negative: nearly always
                return walks[byte >> 1](data, position + 1, meter)
            branch, after = _varint(data, position)
            if not 0 <= branch < count:
                raise _malformed("a union branch that does not exist", position)
            return walks[branch](data, after, meter)

        return union


def _block(data: bytes, position: int, end: int, least: int) -> tuple[int, int]:
    """Return (items of the next block, position of the first one), refusing more items than can be there."""
    count, after = _varint(data, position)
    if count < 0:
        size, after = _varint(data, after)
        count = -count
        if not 0 <= size <= end - after:
            raise _malformed("a block beyond the data", position)
    if count and (least == 0 or count * least > end - after):
        raise _malformed("more items than the data can hold", position)
    return count, after


def _varint(data: bytes, position: int) -> tuple[int, int]:
    """Return (value, next position) of a zig-zag long, at most ten bytes and 64 bits."""
    byte = data[position]
    if byte < _MORE:
        return (byte >> 1) ^ -(byte & 1), position + 1
    value, shift, start = byte & 0x7F, 7, position
    while True:
        position += 1
        byte = data[position]
        value |= (byte & 0x7F) << shift
        if byte < _MORE:
            break
        shift += 7
        if shift >= 7 * _VARINT_BYTES:
            raise _malformed("a number longer than ten bytes", start)
    if value >= _LONG * 2:
        raise _malformed("a number beyond 64 bits", start)
    return (value >> 1) ^ -(value & 1), position + 1


def _null(_data: bytes, position: int, _meter: Meter) -> int:
    return position


def _boolean(data: bytes, position: int, _meter: Meter) -> int:
    if data[position] > 1:
        raise _malformed("a boolean that is neither 0 nor 1", position)
    return position + 1


def _int(data: bytes, position: int, _meter: Meter) -> int:
    value, after = _varint(data, position)
    if not -_INT <= value < _INT:
        raise _malformed("a number beyond 32 bits", position)
    return after


def _long(data: bytes, position: int, _meter: Meter) -> int:
    return position + 1 if data[position] < _MORE else _varint(data, position)[1]


def _string(data: bytes, position: int, meter: Meter) -> int:
    length, after = _varint(data, position)
    return meter.take(length, after, meter.limits.text)


def _bytes(data: bytes, position: int, meter: Meter) -> int:
    length, after = _varint(data, position)
    return meter.take(length, after, meter.limits.sealed)


def _bytes_of(size: int) -> Walk:
    return lambda _data, position, meter: meter.take(size, position, meter.limits.sealed)


def _index(count: int) -> Walk:
    def index(data: bytes, position: int, _meter: Meter) -> int:
        value, after = _varint(data, position)
        if not 0 <= value < count:
            raise _malformed("an enum symbol that does not exist", position)
        return after

    return index


_PRIMITIVES: dict[str, Walk] = {
    "null": _null,
    "boolean": _boolean,
    "int": _int,
    "long": _long,
    "float": _bytes_of(4),
    "double": _bytes_of(8),
    "bytes": _bytes,
    "string": _string,
}
