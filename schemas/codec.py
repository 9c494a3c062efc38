"""Wire format of a record: the Confluent header and one record in Avro binary.

Purpose: encode what we write, and decode what others wrote, without trusting a byte of it. Schema ids are looked up in
an allow-list, one per topic, which is made at start (`connectors.adapters.schema_ids`): nothing is fetched here.
Called by: the stages (`streams.stages`), `connectors.ingest.event.envelope`, `connectors.feed.trend_reader`,
`connectors.adapters.release_bus`, `connectors.console.reconciliation`, `connectors.operations` and the demonstration,
once per message.

Layout: the byte 0x00, the schema id as four bytes big-endian, the record in Avro binary.

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

from schemas import limits
from schemas.errors import ContractError
from schemas.parsing import Parsed

__all__ = ["decode", "encode", "schema_id"]

_HEADER = struct.Struct(">bI")


def encode(schema_id: int, parsed: Parsed, record: Mapping[str, Any]) -> bytes:
    """Return the wire form of `record`, whose fields are those of `parsed`; absent fields take their default.

    Raises:
        ContractError: CON-006, the record does not fit the schema; the message names the schema, never a value.
    """
    out = io.BytesIO()
    out.write(_HEADER.pack(0, schema_id))
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
    # The walk comes first: fastavro would build twenty million items from five bytes before it noticed anything.
    meter = limits.Meter(bounds, len(payload))
    try:
        end = parsed.walk(payload, _HEADER.size, meter)
    except (IndexError, RecursionError):
        raise ContractError("CON-003", "the record is not well formed: the data ends too early") from None
    if end != len(payload):
        raise ContractError("CON-003", f"the record is not well formed: {len(payload) - end} bytes too many")
    stream = io.BytesIO(payload)
    stream.seek(_HEADER.size)
    # As in `encode`: the texts and attributes of these exceptions hold bytes of the record.
    with contextlib.suppress(Exception):
        return fastavro.schemaless_reader(stream, parsed.writer, parsed.reader)  # type: ignore[return-value] # a record
    raise ContractError("CON-007", f"the record cannot be read as {parsed.name}")
