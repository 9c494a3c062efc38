"""Parsed schemas: an Avro schema parsed once, linted, and its walk compiled.

Purpose: turn the text of a record schema into what the codec needs. Reading files is the part of `schemas.catalogue`,
registering them that of `connectors.adapters.schema_registry`.
Called by: `schemas.catalogue` and `schemas.evolution` call `parse`; the adapters of the schema registry call `compact`
and `digest`;
`schemas.codec`, `streams.runtime.app`, `connectors.adapters.release_bus` and `connectors.feed.trend_reader` take a
`Parsed`.

Invariants:
- A text is linted and its walk is compiled before a `Parsed` exists; `safe=False` leaves out the lint alone.
- A text that is no Avro record schema is refused with CON-005 and no other exception.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

import fastavro
from fastavro.schema import SchemaParseException, UnknownType

from schemas import lint
from schemas.errors import ContractError
from schemas.walk import Walk, compile_walk

__all__ = ["Parsed", "compact", "digest", "parse"]


@dataclass(frozen=True, slots=True, eq=False)
class Parsed:
    """One writer schema, and the reader schema that its records are projected to; None reads them as written.

    `writer` and `reader` are fastavro's parsed form; `walk` checks bytes before fastavro sees them.
    """

    name: str
    writer: dict[str, Any]
    reader: dict[str, Any] | None
    walk: Walk


def parse(text: str, *, reader: Parsed | None = None, safe: bool = True) -> Parsed:
    """Parse the JSON text of a record schema.

    Args:
        text: an Avro record schema.
        reader: the schema that its records are projected to; None keeps every field as written.
        safe: False accepts what `schemas.lint` finds: for the old version of a change, and for tests of the walk alone.

    Raises:
        ContractError: CON-005, not an Avro record schema or unsafe to decode with.
    """
    if len(text) > lint.MOST_CHARACTERS:
        raise ContractError("CON-005", f"the schema is longer than {lint.MOST_CHARACTERS} characters")
    named: dict[str, Any] = {}
    try:
        writer = fastavro.parse_schema(json.loads(text), named_schemas=named)
    except (ValueError, KeyError, TypeError, RecursionError, SchemaParseException, UnknownType) as error:
        raise ContractError("CON-005", "the text is not a valid Avro schema") from error
    if not isinstance(writer, dict) or writer.get("type") != "record":
        raise ContractError("CON-005", "the schema is not a record")
    try:
        if safe:
            lint.check(writer, named)
        walk = compile_walk(writer, named)
    except RecursionError as error:
        raise ContractError("CON-005", "the schema is nested too deeply") from error
    projected = reader.writer if reader and reader.writer != writer else None
    return Parsed(writer["name"], writer, projected, walk)


def compact(text: str) -> str:
    """Return the JSON text of a schema without its layout; names, roles and code lists stay.

    Raises:
        ValueError: the text is not JSON.
    """
    return json.dumps(json.loads(text), separators=(",", ":"), ensure_ascii=False)


def digest(text: str) -> str:
    """Return the SHA-256 of a schema's text in hex, without layout and order of members; raises as `compact`.

    A registry may return the members of an object in another order, which means nothing in JSON (RFC 8259, section 4).
    The order of the fields is that of an array, and counts.
    """
    ordered = json.dumps(json.loads(text), separators=(",", ":"), ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(ordered.encode("utf-8", "surrogatepass")).hexdigest()
