"""Sealed raw events of invented persons, and the identities planted in every sealed field of theirs."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from amana import site as sites
from anonymizer import policy
from anonymizer.names import spans
from schemas import catalogue, codec, signing
from schemas.parsing import Parsed
from schemas.sealing import Sealer, public_key_of
from streams.broker import topics
from streams.broker.partitions import partition_of
from streams.runtime import app, outbox
from streams.runtime.stage import Record
from tests.support import flow, narratives

__all__ = [
    "DEDUPE",
    "SEALING",
    "VERIFYING",
    "deps",
    "event",
    "keys_of",
    "patterns",
    "planted",
    "readable",
    "record",
    "shipped",
]

SEALING = bytes(range(1, 33))
DEDUPE = bytes(range(2, 34))
SIGNING = bytes(range(3, 35))
"""The signing key of every agency."""

VERIFYING = dict.fromkeys((*flow.AGENCIES, *sites.DEFAULT_AGENCIES), signing.public_key_of(SIGNING))
_IDS = {stem: number for number, stem in enumerate(catalogue.STEMS, 1)}
_POLICY = Path(policy.__file__).with_name("policies") / "default.toml"


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
    return app.Deps(outbox.Outbox({}, "test"), "epoch", _IDS, readable)


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
    }.get(kind, {})
    return base | changes


def planted(kind: str, number: int, seed: int = 0) -> Planted:
    """Return an event whose every sealed field and narrative carries invented identities, which are listed."""
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
    filled = {f.name: values.get(f.name, f"{f.name} of Zeynabelle") for f in schema.fields if f.sealed}
    for text in (f.name for f in schema.fields if f.role == "free_text"):
        known = " ".join(value for name, value in filled.items() if name in values)
        filled[text] = f"{told.text} {known}"
    found = (*(told.text[a:b] for a, b, _ in told.planted), *(v for k, v in values.items() if k in filled))
    return Planted(event(kind, number, language=told.language, **filled), found)


def keys_of(site: sites.Site, agency: str) -> tuple[bytes, bytes]:
    """Return what an agency of a running site seals to and signs with, as `record` takes them."""
    return site.public("sealing"), site.secret(f"signing/{agency}")


def record(
    kind: str,
    clear: Mapping[str, Any],
    offset: int = 0,
    ids: Mapping[str, int] = _IDS,
    public: bytes = public_key_of(SEALING),
    private: bytes = SIGNING,
) -> Record:
    """Seal, encode and sign an event as its agency's publisher does."""
    schema = catalogue.load(f"raw.{kind}")
    topic = topics.raw(str(clear["agency"]), kind)
    fresh = random.Random(f"{clear}{offset}").randbytes(32)
    sealed = Sealer(public).seal(clear, schema, topic=topic, ephemeral=fresh)
    key = str(clear["event_id"]).encode()
    value = codec.encode(ids[schema.stem], schema.parsed, sealed | {"signature": signing.UNSIGNED})
    signed = signing.Signer(private).sign(value, topic=topic)
    return Record(topic, partition_of(key, 2), offset, key, signed)
