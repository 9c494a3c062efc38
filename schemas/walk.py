"""Bounded walk over Avro bytes: a decoding bomb is refused before any value is built.

Purpose: decide whether bytes are well formed under a writer schema and within the limits. Builds no value.
`schemas.codec` runs the compiled walk of a `Parsed` over every payload.
Called by: `schemas.parsing` compiles a schema's walk once, and `schemas.lint` asks for the least size of a type.

A schema is compiled into closures `(data, position, meter) -> position behind the value`, one per type.

Invariants:
- No length that the bytes claim is trusted: a block of items must fit into the bytes that are left.
- Every item costs at least one byte, or its array is refused; so the work is bounded by the payload's length.
- Reading past the end is an IndexError, which the codec turns into a refusal.

Source: Avro 1.12 specification, "Binary encoding"; fastavro 1.13 decodes such bombs until memory or stack is gone.
"""

from collections.abc import Callable, Mapping
from typing import Any

from schemas.limits import Meter, malformed, too_much

__all__ = ["Walk", "compile_walk", "least_size"]

_INT = 1 << 31
_LONG = 1 << 63
_VARINT_BYTES = 10
_MORE = 0x80  # the bit that says another byte follows

Walk = Callable[[bytes, int, Meter], int]


def compile_walk(schema: Any, named: Mapping[str, Any]) -> Walk:  # noqa: ANN401 - an Avro schema is any JSON value
    """Return the walk over one value of `schema`; `named` holds the definition of every full name.

    The walk raises a ContractError, CON-002 over a limit or CON-003 not well formed, and an IndexError at the end of
    the data.
    """
    return _Compiler(named).walk(schema)


def least_size(schema: Any, named: Mapping[str, Any], _sizes: dict[str, int] | None = None) -> int:  # noqa: ANN401 - as above
    """Return a lower bound, in bytes, of any value of `schema`; 0 where a value may cost nothing."""
    sizes = {} if _sizes is None else _sizes
    if isinstance(schema, list):
        return 1  # the branch number of a union
    if isinstance(schema, dict):
        kind = schema["type"]
        if kind in ("record", "error"):
            sizes.setdefault(schema["name"], 0)
            return sum(least_size(field["type"], named, sizes) for field in schema["fields"])
        return int(schema["size"]) if kind == "fixed" else least_size(kind, named, sizes)
    if schema in _SIZES:
        return _SIZES[schema]
    if schema not in sizes:
        sizes[schema] = 0  # within its own definition the name counts as nothing, so that the bound stays a lower one
        sizes[schema] = least_size(named[schema], named, sizes)
    return sizes[schema]


_SIZES = {"null": 0, "boolean": 1, "int": 1, "long": 1, "float": 4, "double": 8, "bytes": 1, "string": 1}
_SIZES |= {"enum": 1, "array": 1, "map": 1}  # an array or a map costs at least its end


class _Compiler:
    """Compiler of a schema into closures; a name that is used again is looked up in the walk, so recursion compiles."""

    def __init__(self, named: Mapping[str, Any]) -> None:
        self.named = named
        self.done: dict[str, Walk] = {}  # full name → walk

    def walk(self, schema: Any) -> Walk:  # noqa: ANN401 - as above
        """Return the walk over one value of a schema, part or whole."""
        if isinstance(schema, list):
            return self._union(schema)
        if isinstance(schema, dict):
            return self._complex(schema)
        if schema in _PRIMITIVES:
            return _PRIMITIVES[schema]
        if schema not in self.done:
            self.done[schema] = self.walk(self.named[schema])
        done = self.done
        return lambda data, position, meter: done[schema](data, position, meter)  # noqa: PLW0108 - not defined yet

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

    def _record(self, schema: Mapping[str, Any]) -> Walk:
        name = schema["name"]
        self.done.setdefault(name, _null)  # a placeholder, for the name within its own definition
        types = [field["type"] for field in schema["fields"]]
        # (may be null as the first branch of its union, walk) of every field
        fields = tuple((isinstance(kind, list) and kind[:1] == ["null"], self.walk(kind)) for kind in types)
        count = len(fields)

        def record(data: bytes, position: int, meter: Meter) -> int:
            """Walk over the fields of a record."""
            meter.enter(count)
            for may_be_null, field in fields:
                # A zero byte is null there. Without this shortcut the empty fields of a case cost a third of the walk.
                position = position + 1 if may_be_null and data[position] == 0 else field(data, position, meter)
            meter.depth -= 1
            return position

        self.done[name] = record
        return record

    def _blocks(self, item_schema: Any, *, keyed: bool) -> Walk:  # noqa: ANN401 - as above
        item = self.walk(item_schema)
        least = least_size(item_schema, self.named) + keyed  # the key of a map costs a byte

        def blocks(data: bytes, position: int, meter: Meter) -> int:
            """Walk over the blocks of an array or a map, up to the empty block."""
            meter.enter(1)
            while True:
                count, position = _block(data, position, meter.end, least)
                if count == 0:
                    meter.depth -= 1
                    return position
                # counted before the items are walked, so that a block is refused by its number alone
                meter.nodes += count
                if meter.nodes > meter.limits.nodes:
                    raise too_much("nodes")
                for _ in range(count):
                    position = item(data, _string(data, position, meter) if keyed else position, meter)

        return blocks

    def _union(self, branches: list[Any]) -> Walk:
        if len(branches) == 2 and branches[0] == "null":  # noqa: PLR2004 - null and one other
            return _nullable(self.walk(branches[1]))
        walks = tuple(self.walk(branch) for branch in branches)
        count = len(walks)

        def union(data: bytes, position: int, meter: Meter) -> int:
            """Walk over the branch number of a union, and the value of that branch."""
            branch, after = _varint(data, position)
            if not 0 <= branch < count:
                raise malformed("a union branch that does not exist", position)
            return walks[branch](data, after, meter)

        return union


def _nullable(inner: Walk) -> Walk:
    """Return the walk over null or one other type: most fields of most schemas, so the common cases come first."""

    def nullable(data: bytes, position: int, meter: Meter) -> int:
        """Walk over null or a value."""
        byte = data[position]
        if byte == 0:
            return position + 1
        if byte == 2:  # noqa: PLR2004 - branch 1, zig-zag
            return inner(data, position + 1, meter)
        branch, after = _varint(data, position)
        if branch not in (0, 1):
            raise malformed("a union branch that does not exist", position)
        return inner(data, after, meter) if branch else after

    return nullable


def _block(data: bytes, position: int, end: int, least: int) -> tuple[int, int]:
    """Return (number of items of the next block, position of the first); raise CON-003 where they cannot fit."""
    count, after = _varint(data, position)
    if count < 0:  # the other form of a block: its number of items negated, then its size in bytes
        size, after = _varint(data, after)
        count = -count
        if not 0 <= size <= end - after:
            raise malformed("a block beyond the data", position)
    if count and (least == 0 or count * least > end - after):
        raise malformed("more items than the data can hold", position)
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
            raise malformed("a number longer than ten bytes", start)
    if value >= _LONG * 2:  # the tenth byte has room for six bits more than a long has
        raise malformed("a number beyond 64 bits", start)
    return (value >> 1) ^ -(value & 1), position + 1


def _null(_data: bytes, position: int, _meter: Meter) -> int:
    return position


def _boolean(data: bytes, position: int, _meter: Meter) -> int:
    if data[position] > 1:
        raise malformed("a boolean that is neither 0 nor 1", position)
    return position + 1


def _int(data: bytes, position: int, _meter: Meter) -> int:
    value, after = _varint(data, position)
    if not -_INT <= value < _INT:
        raise malformed("a number beyond 32 bits", position)
    return after


def _long(data: bytes, position: int, _meter: Meter) -> int:
    return position + 1 if data[position] < _MORE else _varint(data, position)[1]


def _string(data: bytes, position: int, meter: Meter) -> int:
    byte = data[position]
    if byte < _MORE and not byte & 1:  # shorter than 64 bytes, as most strings are
        return meter.take(byte >> 1, position + 1, meter.limits.text)
    length, after = _varint(data, position)
    return meter.take(length, after, meter.limits.text)


def _bytes(data: bytes, position: int, meter: Meter) -> int:
    length, after = _varint(data, position)
    return meter.take(length, after, meter.limits.sealed)


def _bytes_of(size: int) -> Walk:
    return lambda _data, position, meter: meter.take(size, position, meter.limits.sealed)


def _index(count: int) -> Walk:
    def index(data: bytes, position: int, _meter: Meter) -> int:
        """Walk over the number of an enum's symbol."""
        value, after = _varint(data, position)
        if not 0 <= value < count:
            raise malformed("an enum symbol that does not exist", position)
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
