"""Sealed raw events of invented persons, and the identities planted in every naming field of theirs."""

import datetime as dt
import functools
import os
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from amana import site as sites
from amana import site_file
from anonymizer import policy
from anonymizer.names import spans
from connectors.ingest.event.envelope import Envelope
from schemas import catalogue, signing
from schemas.catalogue import Schema
from schemas.parsing import Parsed
from schemas.record_seal import AGENCY, EVIDENCE, REFUSED, RecordSeal, ScopeKeys
from schemas.roles import SEALED_ROLES
from schemas.sealing import Sealer, public_key_of
from streams.broker import topics
from streams.runtime import app, outbox
from streams.runtime.stage import Output, Record
from tests.support import flow, narratives

__all__ = [
    "DEDUPE",
    "SEAL",
    "SEALING",
    "VERIFYING",
    "deps",
    "erasure",
    "event",
    "keys_of",
    "opened",
    "patterns",
    "planted",
    "readable",
    "record",
    "shipped",
    "today",
]

SEALING = bytes(range(1, 97))
_AGENCIES = {*flow.AGENCIES, *site_file.DEFAULT_AGENCIES}
DEDUPE = bytes(range(2, 34))
SIGNING = bytes(range(3, 35))
"""The signing key of every agency."""

VERIFYING = dict.fromkeys(_AGENCIES, signing.public_key_of(SIGNING))
_IDS = {stem: number for number, stem in enumerate(catalogue.STEMS, 1)}
SEAL = RecordSeal(
    {
        scope: ScopeKeys(scope.encode().ljust(32), (scope.encode().rjust(32),))
        for scope in (*map(str, range(1990, 2031)), EVIDENCE, REFUSED, *(AGENCY + agency for agency in _AGENCIES))
    },
    os.urandom,
)
"""The seal of all scopes, under keys that are no secret."""

_POLICY = Path(policy.__file__).with_name("policies") / "default.toml"


def today() -> dt.date:
    """Return a day after every event of these tests, as the clock of a stage."""
    return dt.date(2026, 6, 1)


def shipped(narrative_rule: str = "withhold", **text: object) -> policy.Policy:
    """Return the shipped policy with another rule for narratives, or other text bounds."""
    loaded = policy.load(_POLICY.read_text(encoding="utf-8"))
    return loaded.model_copy(update={"text": loaded.text.model_copy(update={"narratives": narrative_rule, **text})})


def patterns(**text: object) -> policy.TextRules:
    """Return the shipped text rules for all that patterns find: the trained models aside."""
    return shipped("withhold", **text).text.without(spans.ENTITIES)


def deps() -> app.Deps:
    """Return what a stage is given, with schema ids of our own; the outbox is never started."""
    readable = {stem: {number: catalogue.load(stem).parsed} for stem, number in _IDS.items()}
    return app.Deps(outbox.Outbox({}, "test"), "epoch", _IDS, readable, SEAL)


def opened(stem: str, output: Output | Record) -> dict[str, Any]:
    """Return the record in what a stage sent under the test's own keys."""
    return SEAL.read(stem, output.value or b"", output.topic, (output.key or b"").decode())


def readable(stem: str) -> Mapping[int, Parsed]:
    """Return what may be read on a topic whose schema is `stem`."""
    return {_IDS[stem]: catalogue.load(stem).parsed}


@dataclass(frozen=True, slots=True)
class Planted:
    """A raw event in clear and the identities in it."""

    event: Mapping[str, Any]
    identities: tuple[str, ...] = field(default=())


def event(kind: str = "case", number: int = 1, **changes: object) -> dict[str, Any]:
    """Return a valid event in clear with no identity in it but its keys."""
    base: dict[str, Any] = {
        "event_id": f"{number:032x}",
        "agency": "police-jor",
        "revision": 1,
        "withdrawn": False,
        "event_date": "2023-04-17",
        "CountryOfExploitation": "JOR",
        "language": "en",
    }
    if kind in {"case", "referral", "assistance"}:
        base |= {
            "person": f"{number + 7:032x}",
            "con_Consent": True,
            "consent_basis": "Person",
            "phenomenon": "TIP",
            "vic_TraffickingStatus": "ActualVictimOfTrafficking",
            "prs_Gender": "Feminine",
            "vic_AgeWhenTrafficked": 22,
            "prs_Citizenship": ["SYR"],
        }
    base |= {
        "indicator": {"indicator": "DocumentsWithheld", "phenomenon": "TIP", "value": 7},
        "activity": {
            "activity_type": "FrontlineTraining",
            "participants_female": 3,
            "participants_male": 2,
            "participants_unknown": 0,
        },
        "justice": {"stage": "Arrested", "phenomenon": "TIP", "value": 4},
    }.get(kind, {})
    return base | changes


def planted(kind: str, number: int, seed: int = 0) -> Planted:
    """Return an event whose every naming field and narrative carries invented identities, which are listed."""
    draw = random.Random(f"{kind}{number}{seed}")
    schema = catalogue.load(f"raw.{kind}")
    told = next(iter(narratives.narratives(1, draw.randrange(1 << 30))))
    values = {
        "prs_FirstName": "Zeynabelle",
        "prs_SecondName": f"Qadirov{number}x",
        "prs_Birthdate": f"19{draw.randint(70, 99)}-0{draw.randint(1, 9)}-1{draw.randint(0, 9)}",
        "prs_Email": f"zq{number}.{draw.randrange(10**6)}@example.org",
        "prs_MobilePhone": f"+9627{draw.randrange(10**7, 10**8)}",
        "prs_IdentityNumber": f"9{draw.randrange(10**8, 10**9)}",
    }
    filled = {f.name: values.get(f.name, f"{f.name} of Zeynabelle") for f in schema.by_role(*SEALED_ROLES)}
    for text in (f.name for f in schema.fields if f.role == "free_text"):
        known = " ".join(value for name, value in filled.items() if name in values)
        filled[text] = f"{told.text} {known}"
    found = (*(told.text[a:b] for a, b, _ in told.planted), *(v for k, v in values.items() if k in filled))
    return Planted(event(kind, number, language=told.language, **filled), found)


def keys_of(site: sites.Site, agency: str) -> tuple[bytes, bytes]:
    """Return what an agency of a running site seals to and signs with, as `record` takes them."""
    return site.public("sealing"), site.party("agency", agency).key("signing")


def record(  # noqa: PLR0913, PLR0917 - one event and everything that its publisher knows
    kind: str,
    clear: Mapping[str, Any],
    offset: int = 0,
    ids: Mapping[str, int] = _IDS,
    public: bytes = public_key_of(SEALING),
    private: bytes = SIGNING,
    topic: str | None = None,
    schema: Schema | None = None,
) -> Record:
    """Encode, seal and sign an event as its agency's publisher does, for its own topic unless another is named.

    Without a `schema` it is of the version that is shipped.
    """
    topic = topic or topics.raw(str(clear["agency"]), kind)
    envelope = Envelope(
        schema or catalogue.load(f"raw.{kind}"),
        ids["envelope"],
        _sealer(public),
        signing.Signer(private),
        topic=topic,
        partitions=2,
    )
    sent = envelope.wrap(clear, offset)
    return Record(topic, sent.partition, offset, sent.key, sent.value)


def erasure(kind: str, agency: str, event_id: str, offset: int = 0) -> Record:
    """Encode, seal and sign an agency's request to erase one of its events."""
    topic = topics.raw(agency, kind)
    schema = catalogue.load("erasure")
    envelope = Envelope(
        schema, _IDS["envelope"], _sealer(public_key_of(SEALING)), signing.Signer(SIGNING), topic=topic, partitions=2
    )
    sent = envelope.wrap({"event_id": event_id, "agency": agency, "revision": 0}, offset)
    return Record(topic, sent.partition, offset, sent.key, sent.value)


@functools.cache
def _sealer(public: bytes) -> Sealer:
    return Sealer(public, os.urandom)
