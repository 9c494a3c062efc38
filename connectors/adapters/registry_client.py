"""HTTP client of the schema registry: bounded, authenticated requests with typed errors.

Purpose: make the few calls of the registry's interface that this project needs. What the answers mean is decided by
the callers; nothing that a registry answers decides how a record is read.
Called by: `connectors.adapters.schema_registry`, `connectors.adapters.registry_rule`,
`connectors.adapters.registry_comparison`.

Invariants:
- An answer is read up to a size and within a time, whatever the server sends and however slowly.
- A registry that is still starting is asked again until a deadline.
- User and password are sent as a header, with TLS or to a loopback address, and stand in no message.
"""

import json
import time
from typing import Any, Final, Self

import httpx2

from connectors.adapters.registry_access import RegistryAccess
from connectors.adapters.transport_security import certificate_fault, http_client
from schemas import parsing
from schemas.errors import ConfigurationError, ContractError, TransportError

__all__ = ["RegistryClient"]

_TYPE: Final = "application/vnd.schemaregistry.v1+json"
_TIMEOUT_SECONDS: Final = 10.0
_PAUSE_SECONDS: Final = 0.25
_NOT_FOUND: Final = 404
_UNAUTHORISED: Final = (401, 403)
_SERVER_FAULT: Final = 500
_LONGEST_ANSWER: Final = 1 << 20  # bytes; the longest shipped schema has a few thousand
_MOST_VERSIONS: Final = 64  # of one subject
_LIFE: Final = 4
"""Longest life of a client, as a multiple of its patience: all calls of a provisioning take a few seconds."""

_LARGEST_ID: Final = (1 << 32) - 1
_Answer = tuple[int, bytes]
"""Status and body."""


class RegistryClient:
    """Calls of the registry's interface; a context manager.

    Args:
        access: the registry, with user and password where it asks for them.
        wait_seconds: time in which a registry that is starting may come up; all calls together may take four times as
            long.

    Raises:
        TransportError: TRA-010, no answer in time, or an answer that is none of a schema registry.
        ConfigurationError: CFG-253, the registry refuses the user; CFG-211 to CFG-217, its address or its TLS is
            refused.
        ContractError: CON-008, it refuses what it was sent.
    """

    def __init__(self, access: RegistryAccess, wait_seconds: float) -> None:
        self._access = access
        now = time.monotonic()
        self._first_answer_by, self._end = now + wait_seconds, now + _LIFE * wait_seconds
        credential = (access.username, access.password) if access.username else None
        # Unpacked answers alone: a small packed one may unpack to any size.
        headers = {"content-type": _TYPE, "accept-encoding": "identity"}
        self._client = http_client(
            access.interface, access.trust, timeout=_TIMEOUT_SECONDS, headers=headers, auth=credential
        )

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self._client.close()

    def look_up(self, subject: str, text: str) -> int | None:
        """Return the id under which `subject` holds this schema; None where it does not."""
        answer = self._call("POST", f"/subjects/{subject}", {"schema": parsing.compact(text)}, subject)
        return None if answer is None else self._id(answer)

    def versions(self, subject: str, most: int = _MOST_VERSIONS) -> list[tuple[int, str]]:
        """Return (id, text) of the first `most` versions of `subject`, oldest first; none where there is none."""
        numbers = self._call("GET", f"/subjects/{subject}/versions", None, subject)
        if numbers is None:
            return []
        if not isinstance(numbers, list) or not all(type(number) is int for number in numbers):
            raise self._no_registry()
        answers = [
            self._call("GET", f"/subjects/{subject}/versions/{number}", None, subject) for number in numbers[:most]
        ]
        # A version that was deleted since the numbers were listed is answered by "not found".
        return [(self._id(answer), self._text(answer, "schema")) for answer in answers if answer is not None]

    def add(self, subject: str, text: str) -> int:
        """Add a version and return its id."""
        path = f"/subjects/{subject}/versions"
        answer = self._call("POST", path, {"schema": parsing.compact(text)}, subject)
        if answer is None:
            raise ContractError("CON-008", "the registry does not take schemas under this subject", field=subject)
        return self._id(answer)

    def rule(self, subject: str = "") -> str:
        """Return the compatibility level of a subject, without one the global level; `NONE` where none is set."""
        answer = self._call("GET", f"/config/{subject}".rstrip("/"), None, subject)
        return "NONE" if answer is None else self._text(answer, "compatibilityLevel")

    def set_rule(self, rule: str, subject: str = "") -> None:
        """Set the compatibility level of a subject, without one the global level."""
        self._call("PUT", f"/config/{subject}".rstrip("/"), {"compatibility": rule}, subject)

    def _id(self, answer: object) -> int:
        number = answer.get("id") if isinstance(answer, dict) else None
        # The wire format has four bytes for it.
        if type(number) is not int or not 0 <= number <= _LARGEST_ID:
            raise self._no_registry()
        return number

    def _text(self, answer: object, name: str) -> str:
        text = answer.get(name) if isinstance(answer, dict) else None
        if not isinstance(text, str):
            raise self._no_registry()
        return text

    def _call(self, method: str, path: str, body: object, subject: str) -> Any:  # noqa: ANN401 - JSON
        status, content = self._patiently(method, path, body)
        if status == _NOT_FOUND:
            return None
        if status in _UNAUTHORISED:
            message = f"the registry at {self._access.url} refuses this user: set AMANA_REGISTRY_USER and _PASSWORD"
            raise ConfigurationError("CFG-253", message)
        try:
            answer = json.loads(content)
        except (ValueError, RecursionError):
            answer = None
        if httpx2.codes.is_client_error(status):
            # The registry's message tells kinds and places of differences between schemas; it never sees a record.
            reason = answer.get("message") if isinstance(answer, dict) else None
            shown = "".join(letter for letter in str(reason or f"status {status}")[:500] if letter.isprintable())
            raise ContractError("CON-008", f"the registry refuses the schema: {shown}", field=subject or None)
        if answer is None or not httpx2.codes.is_success(status):
            raise self._no_registry()
        return answer

    def _no_registry(self) -> TransportError:
        return TransportError("TRA-010", f"what answers at {self._access.url} is no schema registry")

    def _slow(self) -> TransportError:
        return TransportError("TRA-010", f"the schema registry at {self._access.url} answers too slowly")

    def _patiently(self, method: str, path: str, body: object) -> _Answer:
        """Repeat a request until the answer is no fault of the server, or until the deadline has passed."""
        if time.monotonic() > self._end:
            raise self._slow()
        # Every request may be repeated: each sets or looks up something that is the same the second time.
        while True:
            try:
                status, content = self._once(method, path, body)
                if status < _SERVER_FAULT:
                    return status, content
                cause: httpx2.HTTPError | None = None
            except httpx2.TransportError as error:
                if refusal := certificate_fault(error):
                    raise refusal from error
                cause = error
            if time.monotonic() > self._first_answer_by:
                message = f"the schema registry at {self._access.url} does not answer"
                raise TransportError("TRA-010", message) from cause
            time.sleep(_PAUSE_SECONDS)

    def _once(self, method: str, path: str, body: object) -> _Answer:
        """Send a request and read its answer, up to the limits of size and time."""
        begun, content = time.monotonic(), b""
        with self._client.stream(method, path, json=body) as response:
            for part in response.iter_raw():
                content += part
                if len(content) > _LONGEST_ANSWER:
                    raise self._no_registry()
                # The client's own limit is for one read: a server may send a byte at a time for ever.
                if time.monotonic() > min(begun + _TIMEOUT_SECONDS, self._end):
                    raise self._slow()
            return response.status_code, content
