"""Events of an agency that means no good, or knows no better: a canary in every place that can carry one.

Decides what is planted where; each place has a name of its own, so that a find says where it came from.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from amana.site import Site
from connectors.adapters import schema_ids
from schemas import catalogue, codec, signing
from schemas.roles import SEALED_ROLES
from streams.broker import topics
from tests.support import raw_events
from tests.support.canaries import name_for, phone_for

__all__ = ["AGENCY", "NoText", "Planting", "Sent"]

AGENCY = "police-jor"
_TOO_LARGE = 900_000
_MOST = 64 * 1024


class NoText(str):
    """A header's name that is no text in UTF-8."""

    __slots__ = ()

    def encode(self, *_: str) -> bytes:
        """Return bytes that decode to nothing."""
        return b"\xff\xfe" + str.encode(self)


@dataclass(frozen=True, slots=True)
class Sent:
    """One record for a raw topic."""

    kind: str
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]] = field(default_factory=list)

    @property
    def topic(self) -> str:
        """Name the topic."""
        return topics.raw(AGENCY, self.kind)


class Planting:
    """Makes records for a site, and remembers what it planted: `planted` is place → text."""

    def __init__(self, site: Site) -> None:
        self._ids = schema_ids.allow_list(site.schema_ids).current
        self._keys = raw_events.keys_of(site, AGENCY)
        self.planted: dict[str, str] = {}

    def records(self, good: int, faults: Sequence[str]) -> list[Sent]:
        """Make `good` events of each kind, one of every wrong sort, and those that detectors fail on."""
        made = [self._sent(kind, self._event(kind, n)) for kind in catalogue.KINDS for n in range(good)]
        for kind in catalogue.KINDS:
            made += [*self._in_clear_fields(kind), *self._torn(kind)]
        return [*made, *self._around(), *self._faults_of_detectors(faults)]

    def _name(self, place: str) -> str:
        return self.planted.setdefault(place, name_for(place))

    def _phone(self, place: str) -> str:
        return self.planted.setdefault(f"{place}, phone", phone_for(place))

    def _event(self, kind: str, number: int, **changes: object) -> dict[str, Any]:
        """Make an event with a canary in every naming field; a birthdate must be a date."""
        schema = catalogue.load(f"raw.{kind}")
        filled = {f.name: self._text(kind, f.name) for f in schema.by_role(*SEALED_ROLES) if f.name != "prs_Birthdate"}
        return raw_events.event(kind, 100 + number, **filled, **changes)

    def _text(self, kind: str, place: str) -> str:
        name, phone = self._name(f"{kind}.{place}"), self._phone(f"{kind}.{place}")
        case = self.planted.setdefault(f"{kind}.{place}, case", f"JOR/{phone[-5:]}/{phone[-9:-4]}X")
        return f"{name} was seen; her phone is {phone}, her case {case}."

    def _sent(self, kind: str, event: Mapping[str, Any]) -> Sent:
        record = raw_events.record(kind, event, len(self.planted), self._ids, *self._keys)
        return Sent(kind, record.key, record.value)

    def _in_clear_fields(self, kind: str) -> Iterator[Sent]:
        """Put a name where a code, a key or a date belongs, in an event that is signed and otherwise right."""
        schema = catalogue.load(f"raw.{kind}")
        whole = raw_events.event(kind, 50)
        for number, spec in enumerate(f for f in schema.fields if f.role not in SEALED_ROLES):
            name = self._name(f"{kind}.{spec.name}")
            for value in (name, [name]):
                try:
                    yield self._sent(
                        kind,
                        {**whole, spec.name: value, "event_id": f"{number:032x}"}
                        | ({"event_id": name} if spec.name == "event_id" else {}),
                    )
                except Exception:  # noqa: BLE001, S112 - of a type that the schema does not take: it cannot be sent
                    continue

    def _torn(self, kind: str) -> Iterator[Sent]:
        """Make what is not of its schema, or of none: cut, spliced, altered, in clear, too large, in no encoding."""
        name = self._name(f"{kind}.torn").encode()
        value = self._sent(kind, self._event(kind, 60)).value or b""
        yield from (Sent(kind, b"torn", one) for one in (
            value[: len(value) // 2] + name,
            value + name,
            b"\0\xff\xff\xff\xff" + name,
            b"\0" + self._ids["late"].to_bytes(4, "big") + name,
            name,
            b"\xff\xfe" + name + b"\xc0\x80",
            json.dumps({"name": name.decode(), "told": name.decode() * 3}).encode(),
            name * (_MOST // len(name) + 1),
            name * (_TOO_LARGE // len(name)),
        ))  # fmt: skip
        yield self._sent(kind, {**raw_events.event(kind, 61), "language": "en", "agency": AGENCY, "revision": 0})
        yield Sent(kind, b"altered", value.replace(value[40:60], name[:20].ljust(20, b"!"), 1))
        yield from self._unsealed(kind)

    def _unsealed(self, kind: str) -> Iterator[Sent]:
        """Sign an envelope that holds a name in clear where sealed bytes belong, or bytes that are no text."""
        name, parsed = self._name(f"{kind}.unsealed").encode(), catalogue.load("envelope").parsed
        bare = {"event_id": "0" * 32, "revision": 1, "key_id": "0" * 16, "schema": bytes(32), "sealed": name * 9}
        value = codec.encode(self._ids["envelope"], parsed, bare | {"signature": signing.UNSIGNED})
        signer, topic = signing.Signer(self._keys[1]), topics.raw(AGENCY, kind)
        yield Sent(kind, b"unsealed", signer.sign(value, topic=topic))
        named = codec.encode(
            self._ids["envelope"], parsed, bare | {"event_id": name.decode(), "signature": signing.UNSIGNED}
        )
        yield Sent(kind, b"named", signer.sign(named, topic=topic))
        yield Sent(kind, b"no text", signer.sign(value.replace(b"0" * 16, b"\xff\xfe" + name[:14], 1), topic=topic))

    def _around(self) -> Iterator[Sent]:
        """Plant in keys and headers of good events; a header that is no text makes its batch unreadable."""
        name = self._name("key and headers")
        good = [self._sent("case", raw_events.event("case", 70 + n)) for n in range(3)]
        yield Sent("case", name.encode(), good[0].value)
        yield Sent("case", b"\xff" + name.encode(), good[1].value, [(name, name.encode())])
        yield Sent("case", b"header", good[2].value, [(NoText(name), name.encode("utf-16"))])

    def _faults_of_detectors(self, faults: Sequence[str]) -> Iterator[Sent]:
        for number, what in enumerate(faults):
            text = f"{self._name(what)} {what} {self._phone(what)}"
            yield self._sent("case", raw_events.event("case", 80 + number, hte_Description=text))
