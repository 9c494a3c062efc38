"""Roles decide what is carried: never a name of a field."""

import dataclasses
import json

import pytest

from anonymizer.microdata import field_mapping
from schemas import catalogue
from schemas.errors import ConfigurationError
from schemas.roles import SEALED_ROLES, FieldRole

NEVER = {FieldRole.DIRECT_IDENTIFIER, FieldRole.STAFF_IDENTIFIER, FieldRole.FREE_TEXT}
FRAME = {
    "event_id", "agency", "revision", "state", "token", "policy", "digest", "source_partition", "source_offset",
    "narrative",
}  # fmt: skip


def _pair(kind: str) -> tuple[catalogue.Schema, catalogue.Schema]:
    return catalogue.load(f"raw.{kind}"), catalogue.load(f"deidentified.{kind}")


@pytest.mark.parametrize("kind", catalogue.KINDS)
def test_every_deidentified_field_is_framed_or_carried_by_a_rule(kind: str) -> None:
    raw, deidentified = _pair(kind)
    assert {f.name for f in deidentified.fields} == FRAME | set(field_mapping.plan(raw, deidentified).carried)


@pytest.mark.parametrize("kind", catalogue.KINDS)
def test_no_identifier_and_no_text_is_a_source_of_any_rule(kind: str) -> None:
    raw, deidentified = _pair(kind)
    roles = {f.name: f.role for f in raw.fields}
    sources = {s for rule in field_mapping.plan(raw, deidentified).carried.values() for s in rule.sources}
    assert not {roles[source] for source in sources} & NEVER


@pytest.mark.parametrize("kind", catalogue.KINDS)
def test_every_naming_field_is_either_scanned_or_an_identity_to_mask(kind: str) -> None:
    raw, deidentified = _pair(kind)
    made = field_mapping.plan(raw, deidentified)
    assert {field.name for field in raw.by_role(*SEALED_ROLES)} == {*made.texts, *made.identities}


@pytest.mark.parametrize("kind", catalogue.KINDS)
def test_what_is_not_carried_is_counted_as_dropped_by_its_role(kind: str) -> None:
    raw, deidentified = _pair(kind)
    made = field_mapping.plan(raw, deidentified)
    sources = {s for rule in made.carried.values() for s in rule.sources}
    dropped = [
        f for f in raw.fields if f.name not in sources and f.role not in {FieldRole.TECHNICAL, FieldRole.FREE_TEXT}
    ]
    assert sum(made.dropped.values()) == len(dropped)


@pytest.mark.parametrize("role", sorted(NEVER))
def test_a_field_that_becomes_an_identifier_stops_the_start(role: FieldRole) -> None:
    """The gate lets roles get stricter: then the rule that carried the field must refuse."""
    raw, deidentified = _pair("case")
    text = raw.text.replace('"role": "quasi_identifier"', f'"role": "{role}"')
    stricter = dataclasses.replace(raw, text=text, fields=catalogue.fields_of(json.loads(text)))
    with pytest.raises(ConfigurationError, match="CFG-021"):
        field_mapping.plan(stricter, deidentified)
