"""Versions of a contract that were in use before: each is kept, may be followed by today's, and is read as today's."""

import json
from typing import Any

import pytest

from schemas import catalogue, codec, evolution
from schemas.errors import ContractError
from tests.support import counted, raw_events

EARLIER = [(stem, old) for stem in catalogue.STEMS for old in catalogue.versions(stem)[1:]]
RAW = [(stem, old) for stem, old in EARLIER if stem.startswith("raw.")]
HUB = [(stem, old) for stem, old in EARLIER if not stem.startswith("raw.")]
CHANGED = {"raw.activity", "raw.indicator", "raw.referral"}


def test_the_shipped_version_comes_first_and_no_two_are_equal() -> None:
    """The kinds that got new fields have an earlier version; records of all are told apart by their digests."""
    assert {stem for stem, _ in RAW} == CHANGED
    for stem in catalogue.STEMS:
        versions = catalogue.versions(stem)
        assert versions[0] is catalogue.load(stem)
        assert len({one.digest for one in versions}) == len(versions)


@pytest.mark.parametrize(("stem", "old"), RAW, ids=lambda one: getattr(one, "stem", one))
def test_the_gate_allows_the_shipped_version_after_each_earlier_one(stem: str, old: catalogue.Schema) -> None:
    """Agencies publish by the earlier version until they have the new code, and so both are written for a while."""
    assert evolution.violations(old.text, catalogue.load(stem).text) == ()


@pytest.mark.parametrize("stem", sorted(CHANGED))
def test_the_gate_refuses_new_fields_without_a_default(stem: str) -> None:
    """The new fields are allowed because an earlier record has a value for them."""
    document = json.loads(catalogue.load(stem).text)
    earlier = {field.name for field in catalogue.versions(stem)[-1].fields}
    for field in document["fields"]:
        if field["name"] not in earlier:
            del field["default"]
    found = evolution.violations(catalogue.versions(stem)[-1].text, json.dumps(document))
    assert found


@pytest.mark.parametrize(("stem", "old"), RAW, ids=lambda one: getattr(one, "stem", one))
def test_an_event_of_an_earlier_version_reads_as_one_that_leaves_the_new_fields_empty(
    stem: str, old: catalogue.Schema
) -> None:
    event = raw_events.event(stem.removeprefix("raw."))
    shipped = catalogue.load(stem).parsed
    before = codec.decode_body(codec.encode_body(old.parsed, event), old.parsed)
    assert before == codec.decode_body(codec.encode_body(shipped, event), shipped)


@pytest.mark.parametrize(("stem", "old"), RAW, ids=lambda one: getattr(one, "stem", one))
def test_an_event_of_an_earlier_version_is_counted_in_the_same_cells(stem: str, old: catalogue.Schema) -> None:
    """Through the handlers of both stages, from its envelope to the changes of exact cells."""
    kind = stem.removeprefix("raw.")
    events = [raw_events.event(kind, number) for number in range(1, 4)]
    cells = counted.cells(kind, events, schema=old)
    assert cells
    assert cells == counted.cells(kind, events)


@pytest.mark.parametrize("stem", sorted(CHANGED))
def test_the_same_event_in_both_versions_is_one_event(stem: str) -> None:
    """An agency that publishes a file again with the new code makes duplicates of it, no conflicts."""
    kind = stem.removeprefix("raw.")
    versions = catalogue.versions(stem)
    stage, kept = counted.stage(), dict[str, bytes]()
    results = [
        counted.handled(stage, raw_events.record(kind, raw_events.event(kind), place, schema=schema), kept)
        for place, schema in enumerate((versions[-1], versions[0]))
    ]
    told = [[raw_events.opened("outcome", one)["outcome"] for one in result.outputs if one.topic == "outcomes"]
            for result in results]  # fmt: skip
    assert told == [[], ["duplicate"]]


@pytest.mark.parametrize(("stem", "old"), HUB, ids=lambda one: getattr(one, "stem", one))
def test_a_record_of_the_hub_of_an_earlier_version_is_read(stem: str, old: catalogue.Schema) -> None:
    """What was de-identified before the change waits for dedupe, and is read after it with defaults."""
    record = {field["name"]: _empty(field["type"]) for field in json.loads(old.text)["fields"]}
    added = {field.name: field.default for field in catalogue.load(stem).fields if field.has_default}
    assert codec.decode_inner(codec.encode_inner(old, record), stem) == added | record


def _empty(kind: Any) -> object:  # noqa: ANN401 - a type of Avro: a name, a description or a union
    """Return a value of a type."""
    if isinstance(kind, list):
        return None
    if isinstance(kind, dict):
        return kind["symbols"][0] if kind["type"] == "enum" else []
    return {"string": "", "boolean": False}.get(kind, 0)


def test_a_version_that_was_never_shipped_is_refused() -> None:
    with pytest.raises(ContractError, match="CON-004"):
        codec.decode_inner(bytes(8), "deidentified.activity")
