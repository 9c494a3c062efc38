"""Records and workers for tests of the counting path: generated de-identified events, real processes, an own recount.

The recount knows nothing of the code under test: it folds the events by the words of the design, in one pass.
"""

import asyncio
import hashlib
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from amana.site import Site
from schemas.record_seal import EVIDENCE, RecordSeal
from streams.broker import topics
from streams.broker.partitions import partition_of
from streams.runtime import outbox
from streams.runtime.stage import Output

TOPIC = "deidentified.case"
AGENCIES = ("police-jor", "shelter-lbn", "hotline-egy", "un-mission-irq")
COUNTRIES = ("JOR", "LBN", "EGY", "IRQ", "TUR", "unknown")
EXPLOITATION: tuple[list[str], ...] = (
    [],
    ["forced-labour"],
    ["sexual-exploitation"],
    ["domestic-servitude", "forced-labour"],
)


def events(number: int, seed: int, persons: int | None = None) -> list[dict[str, Any]]:
    """Make `number` de-identified case events: several agencies a person, corrections, withdrawals, repetitions."""
    draw = random.Random(seed)
    made: list[dict[str, Any]] = []
    latest: dict[str, dict[str, Any]] = {}
    known: list[str] = []
    for n in range(number):
        roll = draw.random()
        if known and roll < 0.25:
            event = _again(draw, latest[draw.choice(known[-500:])], roll)
        else:
            known.append(f"{n:032x}")
            event = _first(draw, n, draw.randrange(persons or max(1, number // 2)))
        event = {**event, "source_partition": n % 2, "source_offset": n}
        latest[event["event_id"]] = event
        made.append(event)
    return made


def _first(draw: random.Random, n: int, person: int) -> dict[str, Any]:
    agency = draw.choice(AGENCIES)
    return {
        "event_id": f"{n:032x}",
        "agency": agency,
        "revision": 1,
        "state": "reported",
        "token": f"{person:032x}",
        "policy": "0" * 16,
        "digest": f"{n}.1",
        "decided_by": "police",
        "citizenship": draw.choice(("SYR", "ETH", "unknown")),
        "industry": "unknown",
        "sexual": [],
        "recruiter": [],
        "datasource": "case-management",
        "narrative": None,
        **_content(draw),
    }


def _content(draw: random.Random) -> dict[str, Any]:
    return {
        "period": f"2024-{draw.randrange(1, 13):02}",
        "country": draw.choice(COUNTRIES),
        "phenomenon": draw.choice(("TIP", "TIP", "SOM")),
        "status": draw.choice(("confirmed", "possible", "possible", "not-a-victim")),
        "gender": draw.choice(("F", "M")),
        "age": draw.choice(("18--20", "21--23")),
        "exploitation": draw.choice(EXPLOITATION),
        "means": draw.choice(([], ["debt-bondage"])),
    }


def _again(draw: random.Random, known: Mapping[str, Any], roll: float) -> dict[str, Any]:
    """Repeat an event as it is, correct it, or withdraw it."""
    if roll < 0.08:
        return dict(known)
    revision = known["revision"] + 1
    state = "withdrawn" if roll < 0.13 else "reported"
    return {**known, **_content(draw), "revision": revision, "state": state, "digest": f"{known['digest']}.{revision}"}


def recount(sent: Iterable[Mapping[str, Any]]) -> Counter[str]:
    """Count the cube `profile` of the shipped policy: persons by leaf, in one pass over the latest revisions."""
    latest: dict[str, Mapping[str, Any]] = {}
    for event in sent:
        known = latest.get(event["event_id"])
        if known is None or event["revision"] > known["revision"]:
            latest[event["event_id"]] = event
    by_person = defaultdict(list)
    for event in latest.values():
        if event["state"] == "reported" and event["status"] != "not-a-victim":
            by_person[event["token"]].append(event)
    return Counter(_counted(group) for group in by_person.values())


def _counted(group: Iterable[Mapping[str, Any]]) -> str:
    """Return the profile that is counted of one person: an agency has one voice, and two that agree outvote one."""
    voices: dict[str, Mapping[str, Any]] = {}
    for event in sorted(group, key=lambda e: (len(e["period"]) == len("2024"), e["period"], e["event_id"])):
        voices.setdefault(event["agency"], event)
    reports = [{name: _joined(voice[name]) for name in _ATTRIBUTES} for voice in voices.values()]
    agreed = {name: _majority([report[name] for report in reports]) for name in _ATTRIBUTES}

    def merit(report: Mapping[str, str], agency: str) -> tuple[int, int, bytes]:
        fits = sum(report[name] == value for name, value in agreed.items())
        strength = ("unknown", "possible", "confirmed").index(report["status"])
        return fits, strength, hashlib.sha256(f"{report['period'][:4]}|{agency}".encode()).digest()

    _, leader = max(zip(voices, reports, strict=True), key=lambda pair: merit(pair[1], pair[0]))
    values = [agreed[name] or leader[name] for name in _PROFILE]
    return "|".join(["cases", "profile", *values])


_PROFILE = ("phenomenon", "status", "country", "period", "gender", "age", "exploitation")
_ATTRIBUTES = (*_PROFILE, "citizenship", "means", "decided_by")


def _joined(value: str | list[str]) -> str:
    return value if isinstance(value, str) else "+".join(sorted(value)) or "unknown"


def _majority(values: list[str]) -> str | None:
    """Return the value that more than one reports, and more than any other; None if there is none."""
    counts = Counter(values)
    most = [value for value, count in counts.items() if count == max(counts.values())]
    return most[0] if len(most) == 1 and counts[most[0]] > 1 else None


async def publish(site: Site, sent: Sequence[Mapping[str, Any]]) -> None:
    """Put case events on `deidentified.case`, as the de-identifier does."""
    cluster = site.cluster("worker.deidentify")
    box = await outbox.Outbox(cluster.kafka_settings(), "test").start()
    try:
        for start in range(0, len(sent), 20_000):
            await box.send(outputs(sent[start : start + 20_000], cluster.seal))
            await asyncio.sleep(0)
    finally:
        await box.stop()


def outputs(sent: Iterable[Mapping[str, Any]], seal: RecordSeal) -> list[Output]:
    """Encode and seal case events, each for its person's partition."""
    return [_output(event, seal) for event in sent]


def _output(event: Mapping[str, Any], seal: RecordSeal) -> Output:
    year = event["period"][:4]
    person = seal.index(year, event["token"])
    key = seal.index(EVIDENCE, f"{event['agency']}/case/{event['event_id']}/{event['revision']}")
    value = seal.write(TOPIC, year, event, TOPIC, key)
    return Output(TOPIC, partition_of(person.encode(), topics.PARTITIONS), key.encode(), value)
