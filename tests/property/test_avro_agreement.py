"""The official Avro library and fastavro must say the same of every shipped schema and every record of it."""

import io
import json
from collections.abc import Callable, Mapping
from typing import Any

import avro.io
import avro.schema
import fastavro
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import catalogue, codec, limits, parsing

LONGS = st.integers(-(2**63), 2**63 - 1)
PRIMITIVES: Mapping[str, st.SearchStrategy[Any]] = {
    "null": st.none(),
    "boolean": st.booleans(),
    "double": st.floats(allow_nan=False),
    "int": st.integers(-(2**31), 2**31 - 1),
    "long": LONGS,
    "string": st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    "bytes": st.binary(max_size=20),
}


def values(schema: Any) -> st.SearchStrategy[Any]:  # noqa: ANN401 - an Avro schema is any JSON value
    """Return a strategy for the values of a schema."""
    if isinstance(schema, list):
        return st.one_of(*map(values, schema))
    return PRIMITIVES[schema] if isinstance(schema, str) else COMPLEX[schema["type"]](schema)


COMPLEX: Mapping[str, Callable[[Any], st.SearchStrategy[Any]]] = {
    "record": lambda one: st.fixed_dictionaries({field["name"]: values(field["type"]) for field in one["fields"]}),
    "enum": lambda one: st.sampled_from(one["symbols"]),
    "array": lambda one: st.lists(values(one["items"]), max_size=4),
    "map": lambda one: st.dictionaries(PRIMITIVES["string"], values(one["values"]), max_size=4),
}


def official_decode(text: str, data: bytes) -> Any:  # noqa: ANN401 - an Avro value
    schema = avro.schema.parse(text)
    return avro.io.DatumReader(schema, schema).read(avro.io.BinaryDecoder(io.BytesIO(data)))


def official_encode(text: str, record: object) -> bytes:
    out = io.BytesIO()
    avro.io.DatumWriter(avro.schema.parse(text)).write(record, avro.io.BinaryEncoder(out))
    return out.getvalue()


@pytest.mark.parametrize("stem", catalogue.STEMS)
@given(data=st.data())
@settings(max_examples=12, deadline=None)
def test_both_libraries_write_the_same_bytes_and_read_the_same_record(stem: str, data: st.DataObject) -> None:
    schema = catalogue.load(stem)
    record = data.draw(values(json.loads(schema.text)))
    payload = codec.encode(1, schema.parsed, record)
    assert official_encode(schema.text, record) == payload[5:]
    assert official_decode(schema.text, payload[5:]) == record
    assert codec.decode(payload, {1: schema.parsed}, limits.INTERNAL) == record


@pytest.mark.parametrize("stem", catalogue.STEMS)
def test_both_libraries_find_the_same_canonical_form(stem: str) -> None:
    text = catalogue.load(stem).text
    canonical = fastavro.schema.to_parsing_canonical_form(json.loads(text))
    assert str(avro.schema.parse(text).canonical_form) == canonical


@pytest.mark.parametrize("stem", catalogue.STEMS)
def test_both_libraries_find_the_same_fingerprint(stem: str) -> None:
    text = catalogue.load(stem).text
    canonical = fastavro.schema.to_parsing_canonical_form(json.loads(text))
    assert avro.schema.parse(text).fingerprint("sha256").hex() == fastavro.schema.fingerprint(canonical, "sha256")


@given(cut=st.integers(min_value=1), kept=st.data())
@settings(max_examples=40, deadline=None)
def test_a_field_that_the_reader_does_not_have_is_skipped_alike(cut: int, kept: st.DataObject) -> None:
    """A reader with fewer fields reads what is left of the record, and nothing else."""
    schema = catalogue.load("raw.activity")
    document = json.loads(schema.text)
    fields = document["fields"]
    fewer = parsing.parse(json.dumps({**document, "fields": fields[: 1 + cut % len(fields)]}))
    record = kept.draw(values(document))
    payload = codec.encode(1, schema.parsed, record)
    seen = codec.decode(payload, {1: parsing.parse(schema.text, reader=fewer)})
    assert seen == {field["name"]: record[field["name"]] for field in fewer.writer["fields"]}


@given(dropped=st.sampled_from(["withdrawn", "language", "participants_male", "notes"]), data=st.data())
@settings(max_examples=20, deadline=None)
def test_a_record_of_an_older_version_is_read_with_the_default_of_the_new_field(
    dropped: str, data: st.DataObject
) -> None:
    """An agency that has not changed over yet stays readable."""
    schema = catalogue.load("raw.activity")
    document = json.loads(schema.text)
    default = next(field["default"] for field in document["fields"] if field["name"] == dropped)
    document["fields"] = [field for field in document["fields"] if field["name"] != dropped]
    older = parsing.parse(json.dumps(document), reader=schema.parsed)
    record = data.draw(values(document))
    assert codec.decode(codec.encode(1, older, record), {1: older}) == {**record, dropped: default}
