"""Client of the schema registry: it registers the shipped schemas at set-up, and fetches the allow-list at start.

Purpose: decide which schema ids a process may read: those of the versions of the shipped subjects, each checked again.
Called by: workers, publishers, the feed and the services at their start (`ids`); `amana.provisioning`
(`register_all`).

Invariants:
- The registry is never asked while a record is decoded: an id that is not on the allow-list is refused, not looked up.
- Registration is idempotent: the same schema gets the same id.
- A schema is checked, and compared with every registered version, before it is sent.
- A registry that is still starting is asked again until a deadline.

Source: Confluent Schema Registry API, version 7, as Apicurio Registry 3.3 serves it under `/apis/ccompat/v7`.
"""

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx2

from schemas import catalogue, evolution, parsing
from schemas.errors import ConfigurationError, ContractError, TransportError
from schemas.parsing import Parsed

__all__ = ["API", "RULE", "AllowList", "ids", "interface_of", "register", "register_all"]

RULE = "FULL_TRANSITIVE"
"""Compatibility level: every version of a schema can read, and be read by, every other."""

API = "/apis/ccompat/v7"
"""Path of the Confluent-compatible interface, below the registry's address."""

_TYPE = "application/vnd.schemaregistry.v1+json"
_TIMEOUT_SECONDS = 10.0
_PAUSE_SECONDS = 0.25
_NOT_FOUND = 404
_SERVER_FAULT = 500


@dataclass(frozen=True, slots=True)
class AllowList:
    """Schema ids that a process may write and read; fetched once at start.

    Args:
        current: stem -> id of the shipped schema.
        readable: stem -> id -> writer schema, older versions included.
    """

    current: Mapping[str, int]
    readable: Mapping[str, Mapping[int, Parsed]]

    def id_of(self, stem: str) -> int:
        """Return the id under which records of the shipped schema `stem` are written."""
        return self.current[stem]

    def allowed(self, stem: str) -> Mapping[int, Parsed]:
        """Return the writer schemas that `codec.decode` may use on a topic whose schema is `stem`, by id."""
        return self.readable[stem]


def interface_of(url: str) -> str:
    """Return the address of the interface; a registry's address with a path of its own names the interface itself."""
    return url if urlsplit(url).path.strip("/") else url.rstrip("/") + API


def register_all(url: str, *, wait_seconds: float = 30.0) -> dict[str, int]:
    """Register every shipped schema and return subject -> id.

    Raises:
        TransportError: TRA-010, the registry did not answer within `wait_seconds`.
        ContractError: CON-005, an unsafe schema; CON-008, the registry or the evolution gate refuses one.
    """
    with _Registry(url, wait_seconds) as registry:
        return {
            schema.subject: _register(registry, schema.subject, schema.text)
            for schema in map(catalogue.load, catalogue.STEMS)
        }


def register(url: str, subject: str, text: str, *, wait_seconds: float = 30.0) -> int:
    """Register one schema, its JSON text, under `subject` and return its id; raises as `register_all`."""
    with _Registry(url, wait_seconds) as registry:
        return _register(registry, subject, text)


def ids(url: str, stems: Iterable[str] = catalogue.STEMS, *, wait_seconds: float = 30.0) -> AllowList:
    """Return the allow-list for `stems`: every registered version, resolved to the shipped schema.

    Raises:
        TransportError: TRA-010, the registry did not answer within `wait_seconds`.
        ConfigurationError: CFG-042, a shipped schema is not registered.
        ContractError: CON-005, a registered version is unsafe to decode with.
    """
    current: dict[str, int] = {}
    readable: dict[str, Mapping[int, Parsed]] = {}
    with _Registry(url, wait_seconds) as registry:
        for schema in map(catalogue.load, stems):
            # By its text: records are written with the shipped schema, not with the newest version in the registry.
            schema_id = registry.look_up(schema.subject, schema.text)
            if schema_id is None:
                message = "the registry does not hold the shipped schema"
                raise ConfigurationError("CFG-042", message, field=schema.subject)
            current[schema.stem] = schema_id
            readable[schema.stem] = MappingProxyType(
                {
                    schema_id: parsing.parse(text, reader=schema.parsed)
                    for schema_id, text in registry.versions(schema.subject)
                }
            )
    return AllowList(MappingProxyType(current), MappingProxyType(readable))


def _register(registry: "_Registry", subject: str, text: str) -> int:
    registered = registry.look_up(subject, text)
    if registered is not None:
        return registered
    # The registry's own rule, FULL_TRANSITIVE, knows nothing about privacy roles, which may only get stricter. A first
    # version is compared with None: it must keep the rules of a schema by itself.
    earlier: list[str | None] = [old for _, old in registry.versions(subject)]
    for old in earlier or [None]:
        for violation in evolution.violations(old, text):
            raise ContractError("CON-008", f"the schema may not be registered: {violation}", field=subject)
    # The rule before the schema: between the two nobody can register a version that breaks it.
    registry.require_rule(subject)
    return registry.add(subject, text)


class _Registry:
    """The few calls of the registry's interface that this project makes, with typed errors; a context manager.

    Args:
        url: address of the registry; one with a path of its own names the interface itself.
        wait_seconds: time in which a registry that is starting may come up, for all calls together.
    """

    def __init__(self, url: str, wait_seconds: float) -> None:
        base = interface_of(url)
        self._url = url
        self._deadline = time.monotonic() + wait_seconds
        self._client = httpx2.Client(base_url=base, timeout=_TIMEOUT_SECONDS, headers={"content-type": _TYPE})

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self._client.close()

    def look_up(self, subject: str, text: str) -> int | None:
        """Return the id under which `subject` holds this schema; None where it does not."""
        answer = self._call("POST", f"/subjects/{subject}", {"schema": _compact(text)}, subject)
        return None if answer is None else int(answer["id"])

    def versions(self, subject: str) -> list[tuple[int, str]]:
        """Return (id, text) of every version of `subject`, oldest first; none where there is no such subject."""
        numbers = self._call("GET", f"/subjects/{subject}/versions", None, subject) or []
        answers = [self._call("GET", f"/subjects/{subject}/versions/{number}", None, subject) for number in numbers]
        # A version that was deleted since the numbers were listed is answered by "not found".
        return [(int(answer["id"]), str(answer["schema"])) for answer in answers if answer is not None]

    def require_rule(self, subject: str) -> None:
        """Set the compatibility rule of `subject` to FULL_TRANSITIVE, which outranks the registry's global rule."""
        self._call("PUT", f"/config/{subject}", {"compatibility": RULE}, subject)

    def add(self, subject: str, text: str) -> int:
        """Add a version and return its id."""
        answer = self._call("POST", f"/subjects/{subject}/versions", {"schema": _compact(text)}, subject)
        if answer is None:
            raise ContractError("CON-008", "the registry does not take schemas under this subject", field=subject)
        return int(answer["id"])

    def _call(self, method: str, path: str, body: object, subject: str) -> Any:  # noqa: ANN401 - JSON
        response = self._patiently(method, path, body)
        if response.status_code == _NOT_FOUND:
            return None
        if response.is_client_error:
            # The registry's message tells kinds and places of differences between schemas; it never sees a record.
            try:
                reason = str(response.json()["message"])[:500]
            except (ValueError, KeyError, TypeError):
                reason = f"status {response.status_code}"
            raise ContractError("CON-008", f"the registry refuses the schema: {reason}", field=subject)
        try:
            return response.json()
        except ValueError as error:
            raise TransportError("TRA-010", f"what answers at {self._url} is no schema registry") from error

    def _patiently(self, method: str, path: str, body: object) -> httpx2.Response:
        """Repeat a request until the answer is no fault of the server, or until the deadline has passed."""
        # Every request may be repeated: each sets or looks up something that is the same the second time.
        while True:
            try:
                response = self._client.request(method, path, json=body)
                if response.status_code < _SERVER_FAULT:
                    return response
                cause: httpx2.HTTPError | None = None
            except httpx2.TransportError as error:
                cause = error
            if time.monotonic() > self._deadline:
                raise TransportError("TRA-010", f"the schema registry at {self._url} does not answer") from cause
            time.sleep(_PAUSE_SECONDS)


def _compact(text: str) -> str:
    """Return the same schema without spaces, so that its layout is no part of it; roles and code lists stay."""
    return json.dumps(json.loads(text), separators=(",", ":"), ensure_ascii=False)
