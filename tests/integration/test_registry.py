"""The real registry: same schema, same id; a change that breaks a promise is refused by it or by the gate before."""

import json
import time
import uuid
from typing import Any

import httpx2
import pytest

from amana.site import Site
from connectors.adapters import registry_comparison, schema_ids, schema_registry
from connectors.adapters.registry_access import RegistryAccess
from connectors.adapters.registry_client import RegistryClient
from schemas import catalogue, codec
from schemas.errors import ContractError, TransportError

pytestmark = pytest.mark.broker

NAME: dict[str, Any] = {"name": "a", "type": "string", "role": "technical"}
EXTRA: dict[str, Any] = {"name": "b", "type": "string", "role": "technical"}


def record(*fields: dict[str, Any]) -> str:
    return json.dumps({"type": "record", "name": "R", "namespace": "test", "fields": list(fields)})


@pytest.fixture
def subject() -> str:
    """Return a subject that nobody else uses."""
    return f"test.{uuid.uuid4().hex}-value"


def posted(site: Site, subject: str, text: str) -> httpx2.Response:
    """Send a schema past the gate, as some other client would."""
    return httpx2.post(
        f"{site.registry}/apis/ccompat/v7/subjects/{subject}/versions", json={"schema": text}, timeout=30
    )


def test_registering_again_gives_the_same_ids(site: Site) -> None:
    first = schema_registry.register_all(site.registry_access())
    assert schema_registry.register_all(site.registry_access()) == first
    assert first.keys() == set(catalogue.STEMS)
    assert len(set(first.values())) == len(first)


def test_the_allow_list_holds_every_shipped_schema_and_its_id(site: Site) -> None:
    ids, allowed = schema_registry.register_all(site.registry_access()), schema_ids.allow_list(site.schema_ids)
    assert allowed.current == ids
    assert all(allowed.id_of(stem) in allowed.allowed(stem) for stem in catalogue.STEMS)


def test_a_record_written_with_the_registered_id_is_read_through_the_allow_list(site: Site) -> None:
    allowed = schema_ids.allow_list(site.schema_ids, ["late"])
    late = {"agency": "a", "kind": "case", "partition": 0, "offset": 7, "period": "2020", "closed_on": "2022-01-15"}
    payload = codec.encode(allowed.id_of("late"), catalogue.load("late").parsed, late)
    assert codec.decode(payload, allowed.allowed("late")) == late


def test_the_id_of_another_topic_is_not_allowed(site: Site) -> None:
    allowed = schema_ids.allow_list(site.schema_ids, ["late", "delta"])
    payload = codec.encode(
        allowed.id_of("delta"),
        catalogue.load("late").parsed,
        dict.fromkeys(["agency", "kind", "period", "closed_on"], "x") | {"partition": 0, "offset": 0},
    )
    with pytest.raises(ContractError) as caught:
        codec.decode(payload, allowed.allowed("late"))
    assert caught.value.code == "CON-004"


def test_the_same_schema_in_another_spelling_has_the_same_id(site: Site, subject: str) -> None:
    spaced = json.dumps(json.loads(record(NAME)), indent=4)
    assert schema_registry.register(site.registry_access(), subject, record(NAME)) == schema_registry.register(
        site.registry_access(), subject, spaced
    )


def test_the_registry_itself_refuses_an_incompatible_schema(site: Site, subject: str) -> None:
    """Its global rule holds for a client that does not know our gate, and back to the first version."""
    optional = {**EXTRA, "type": ["null", "string"], "default": None}
    assert posted(site, subject, record(NAME)).status_code == httpx2.codes.OK
    assert posted(site, subject, record(NAME, EXTRA)).status_code == httpx2.codes.CONFLICT
    assert posted(site, subject, record(NAME, optional)).status_code == httpx2.codes.OK
    assert posted(site, subject, record(optional)).status_code == httpx2.codes.CONFLICT


def test_what_the_registry_would_let_pass_the_gate_refuses(site: Site, subject: str) -> None:
    """Weakening a role is no matter to Avro, so the gate before the registry must catch it."""
    strict, weak = record({**NAME, "role": "quasi_identifier"}), record(NAME)
    schema_registry.register(site.registry_access(), subject, strict)
    with pytest.raises(ContractError) as caught:
        schema_registry.register(site.registry_access(), subject, weak)
    assert (caught.value.code, caught.value.field) == ("CON-008", subject)
    assert "stricter" in caught.value.message


def test_a_refusal_of_the_registry_says_what_differs(site: Site, subject: str) -> None:
    """Sent past the gate, which alone would have caught it."""
    schema_registry.register(site.registry_access(), subject, record(NAME))
    with RegistryClient(site.registry_access(), 30.0) as past_the_gate, pytest.raises(ContractError) as caught:
        past_the_gate.add(subject, record(NAME, EXTRA))
    assert (caught.value.code, caught.value.field) == ("CON-008", subject)
    assert "/fields/1" in caught.value.message


def test_an_unsafe_schema_is_refused_before_the_registry_sees_it(site: Site, subject: str) -> None:
    bomb = record({"name": "a", "type": {"type": "array", "items": "null"}, "role": "technical"})
    with pytest.raises(ContractError):
        schema_registry.register(site.registry_access(), subject, bomb)
    assert httpx2.get(f"{site.registry}/apis/ccompat/v7/subjects/{subject}/versions", timeout=30).status_code == (
        httpx2.codes.NOT_FOUND
    )


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://127.0.0.1:1/elsewhere"])
def test_a_registry_out_of_reach_is_a_transport_error_within_its_time(url: str) -> None:
    started = time.monotonic()
    with pytest.raises(TransportError) as caught:
        schema_registry.register_all(RegistryAccess(url), wait_seconds=0.5)
    assert caught.value.code == "TRA-010"
    assert time.monotonic() - started < 5


def test_a_sound_registry_differs_in_nothing(site: Site) -> None:
    """The ids on file are those that it gives, and its rules are ours."""
    written = schema_ids.allow_list(site.schema_ids)
    assert registry_comparison.differences(site.registry_access(), written, wait_seconds=5) == ()
