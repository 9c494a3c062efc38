"""Wire forms of a record: Avro binary behind the Confluent header, or behind the digest of its schema.

Purpose: encode what we write, and decode what others wrote, without trusting a byte of it. Records in clear name their
schema by an id of the registry, so that programs of others can read them. What is sealed names it by its digest: no
registry has a part in what it means. Both are looked up among the schemas of this code: nothing is fetched here.
Called by: the stages (`streams.stages`), `connectors.ingest.event.envelope`, `connectors.feed.trend_reader`,
`connectors.adapters.release_bus`, `connectors.console.reconciliation`, `connectors.operations` and the demonstration,
once per message.

Layout in clear: the byte 0x00, the schema id as four bytes big-endian, the record in Avro binary. Layout within a seal:
the first eight bytes of the schema's SHA-256, the record in Avro binary.

Invariants:
- No byte is decoded before `schemas.walk` has found the whole payload well formed and within the limits.
- No error, and no exception chained to one, holds a value of the record.

Source: Confluent Schema Registry, "Wire format"; Avro 1.12 specification, "Binary encoding".

>>> from schemas import catalogue
>>> late = catalogue.load("late").parsed
>>> record = {"agency": "a", "kind": "case", "partition": 0, "offset": 7, "period": "2020", "closed_on": "2022-01-15"}
>>> decode(encode(3, late, record), {3: late}) == record
True
"""

import contextlib
import io
import struct
from collections.abc import Mapping
from typing import Any

import fastavro

from schemas import catalogue, limits
from schemas.errors import ContractError
from schemas.parsing import Parsed

__all__ = ["decode", "decode_body", "decode_inner", "encode", "encode_body", "encode_inner", "schema_id"]

_HEADER = struct.Struct(">bI")
_NAME_BYTES = 8  # of a digest: enough among the schemas of this code, which is all that it chooses from


def encode(schema_id: int, parsed: Parsed, record: Mapping[str, Any]) -> bytes:
    """Return the wire form of `record`, whose fields are those of `parsed`; absent fields take their default.

    Raises:
        ContractError: CON-006, the record does not fit the schema; the message names the schema, never a value.
    """
    return _HEADER.pack(0, schema_id) + encode_body(parsed, record)


def encode_inner(schema: catalogue.Schema, record: Mapping[str, Any]) -> bytes:
    """Return the form of `record` within a seal; raises as `encode`."""
    return schema.digest[:_NAME_BYTES] + encode_body(schema.parsed, record)


def encode_body(parsed: Parsed, record: Mapping[str, Any]) -> bytes:
    """Return `record` in Avro binary alone, for callers that name the schema elsewhere; raises as `encode`."""
    out = io.BytesIO()
    # fastavro raises many types, and their texts hold the value that did not fit. Suppressed and raised anew outside,
    # so that the exception is not chained to ours either.
    with contextlib.suppress(Exception):
        fastavro.schemaless_writer(out, parsed.writer, record, strict_allow_default=True)
        return out.getvalue()
    raise ContractError("CON-006", f"the record does not fit the schema {parsed.name}")


def schema_id(payload: bytes) -> int:
    """Return the schema id in the header.

    Raises:
        ContractError: CON-001, no Confluent header.
    """
    if len(payload) < _HEADER.size or payload[0] != 0:
        raise ContractError("CON-001", f"no wire format header in {len(payload)} bytes")
    return int(_HEADER.unpack_from(payload)[1])


def decode(payload: bytes, allowed: Mapping[int, Parsed], bounds: limits.Limits = limits.INGEST) -> dict[str, Any]:
    """Return the record in `payload`, read as the allowed schema says.

    Args:
        payload: header and record; untrusted.
        allowed: schema id → schema, for this topic alone.
        bounds: `limits.INGEST` for what agencies send, `limits.INTERNAL` for our own topics.

    Raises:
        ContractError: CON-001 no header or too long, CON-002 over a limit, CON-003 not well formed, CON-004 schema id
            not allowed, CON-007 text that is not UTF-8 or a record that cannot be read as the reader schema.
    """
    if len(payload) > bounds.total:
        raise ContractError("CON-001", f"{len(payload)} bytes, at most {bounds.total} are allowed")
    parsed = allowed.get(schema_id(payload))
    if parsed is None:
        raise ContractError("CON-004", f"schema id {schema_id(payload)} is not allowed on this topic")
    return _record_at(payload, _HEADER.size, parsed, bounds)


def decode_inner(data: bytes, stem: str, bounds: limits.Limits = limits.INTERNAL) -> dict[str, Any]:
    """Return the record of the shipped schema `stem` in `data`, which `encode_inner` made and a seal kept.

    Raises:
        ContractError: CON-004, no version of it that is shipped; else as `decode`.
    """
    name = data[:_NAME_BYTES]
    schema = next((one for one in catalogue.versions(stem) if one.digest[:_NAME_BYTES] == name), None)
    if schema is None:
        raise ContractError("CON-004", f"the record is of no version of the schema {stem} that this code ships")
    return _record_at(data, _NAME_BYTES, schema.parsed, bounds)


def decode_body(data: bytes, parsed: Parsed, bounds: limits.Limits = limits.INGEST) -> dict[str, Any]:
    """Return the record in `data`, Avro binary alone; raises as `decode`."""
    if len(data) > bounds.total:
        raise ContractError("CON-001", f"{len(data)} bytes, at most {bounds.total} are allowed")
    return _record_at(data, 0, parsed, bounds)


def _record_at(payload: bytes, start: int, parsed: Parsed, bounds: limits.Limits) -> dict[str, Any]:
    """Return the record that begins at `start` and fills the rest of `payload`."""
    # The walk comes first: fastavro would build twenty million items from five bytes before it noticed anything.
    meter = limits.Meter(bounds, len(payload))
    try:
        end = parsed.walk(payload, start, meter)
    except (IndexError, RecursionError):
        raise ContractError("CON-003", "the record is not well formed: the data ends too early") from None
    if end != len(payload):
        raise ContractError("CON-003", f"the record is not well formed: {len(payload) - end} bytes too many")
    stream = io.BytesIO(payload)
    stream.seek(start)
    # As in `encode`: the texts and attributes of these exceptions hold bytes of the record.
    with contextlib.suppress(Exception):
        return fastavro.schemaless_reader(stream, parsed.writer, parsed.reader)  # type: ignore[return-value] # a record
    raise ContractError("CON-007", f"the record cannot be read as {parsed.name}")
