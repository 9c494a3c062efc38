"""The stage deidentify: raw events in, de-identified ones out, and nobody's identity in any byte of it."""

import asyncio
import hashlib
import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import kafka
import pytest

from amana.site import Site
from anonymizer.governance.policy_timeline import PolicyTimeline
from anonymizer.sandbox import detector_pool
from connectors.adapters import schema_ids
from schemas import catalogue, codec, limits
from schemas.record_seal import REFUSED
from streams.broker import topics
from streams.core.counting import state_value
from streams.core.counting.outcomes import key_of
from streams.runtime.stage import BatchResult, Record
from streams.stages import deidentify, deidentify_outputs
from tests.support import counted, raw_events, runtime

AGENCY = "police-jor"
DEPS = raw_events.deps()


@pytest.fixture(scope="module")
def detector() -> Iterator[detector_pool.DetectorPool]:
    with detector_pool.DetectorPool(raw_events.shipped(max_characters=8192).text, 1) as made:
        yield made


def _stage(detector: detector_pool.DetectorPool, rule: str = "mask") -> deidentify.Deidentify:
    return deidentify.Deidentify(PolicyTimeline.always(raw_events.shipped(rule)), DEPS, counted.private(detector))


def _run(stage: deidentify.Deidentify, batch: list[Record], kept: dict[str, bytes] | None = None) -> BatchResult:
    result = asyncio.run(stage(batch, (kept or {}).get))
    if kept is not None:
        kept.update({key: value for key, value in result.writes.items() if value is not None})
    return result


def _read(result: BatchResult, topic: str, stem: str) -> list[dict[str, Any]]:
    found = [o for o in result.outputs if o.topic == topic]
    if stem == "audit":
        return [codec.decode(o.value or b"", DEPS.readable[stem], limits.INTERNAL) for o in found]
    return [raw_events.opened(stem, o) for o in found]


@pytest.mark.parametrize("kind", catalogue.KINDS)
@pytest.mark.parametrize("rule", ["mask", "withhold"])
def test_no_planted_identity_is_in_any_output_byte(detector: detector_pool.DetectorPool, kind: str, rule: str) -> None:
    planted = [raw_events.planted(kind, number) for number in range(40)]
    result = _run(_stage(detector, rule), [raw_events.record(kind, p.event, n) for n, p in enumerate(planted)])
    sent = Counter(o.topic for o in result.outputs)
    assert sent.pop(topics.notices("police-jor")) >= 1
    assert sent == {topics.deidentified(kind): 40, "audit": 1}
    said = b"".join(o.key + (o.value or b"") for o in result.outputs) + b"".join(
        value or b"" for value in result.writes.values()
    )
    assert not [i for p in planted for i in p.identities if i.encode() in said]


def test_a_replay_for_an_agency_that_left_the_site_is_passed_over(detector: detector_pool.DetectorPool) -> None:
    """It must not end the process, which would read the same record again at each start."""
    good = raw_events.record("case", raw_events.planted("case", 1).event, 0)
    key = key_of(("left-the-site", "case", 0, 0))
    sealed = raw_events.SEAL.seal(REFUSED, good.value or b"", topics.REPLAY, key.decode())
    result = _run(_stage(detector), [Record(topics.REPLAY, 0, 0, key, sealed)])
    assert (list(result.outputs), dict(result.writes)) == ([], {})


def test_a_record_that_fails_keeps_its_sealed_bytes_in_quarantine(detector: detector_pool.DetectorPool) -> None:
    good = raw_events.record("case", raw_events.planted("case", 1).event, 0)
    value = good.value or b""
    moved = raw_events.record("case", raw_events.event(agency="shelter-lbn"), 3)
    another = _claimed("shelter-lbn", good.topic)
    batch = [
        Record(good.topic, 0, 0, good.key, value[:40]),
        Record(good.topic, 0, 1, good.key, None),
        Record(good.topic, 0, 2, good.key, value[:1] + b"\xff\xff\xff\xff" + value[5:]),
        Record(good.topic, 0, 3, good.key, moved.value),
        raw_events.record("case", raw_events.event(con_Consent=False), 4),
        raw_events.record("case", raw_events.event(hte_Description="x" * 9000), 5),
        Record(good.topic, 0, 6, good.key, another),
    ]
    result = _run(_stage(detector), batch)
    held = _read(result, topics.quarantine(AGENCY), "quarantine")
    assert [h["code"] for h in held] == [
        "CON-003", "CON-001", "CON-004", "CON-031", "CON-023", "CON-040", "CON-024",
    ]  # fmt: skip
    assert [_opened(h) for h in held] == [r.value or b"" for r in batch]
    again = _run(_stage(detector), batch).outputs
    assert [(o.topic, o.key) for o in again] == [(o.topic, o.key) for o in result.outputs], "the same keys: compacted"
    assert [o["outcome"] for o in _read(result, "outcomes", "outcome")] == ["quarantined"] * 7
    assert not result.writes


def _opened(held: dict[str, Any]) -> bytes:
    place = (held["agency"], held["kind"], held["partition"], held["offset"])
    key = key_of(place).decode()
    return raw_events.SEAL.open(held["payload"], topics.REPLAY, key) if held["payload"] else b""


def _claimed(agency: str, topic: str) -> bytes:
    """Sign, for the topic, an event that names another agency: an agency's own publisher can do that."""
    return raw_events.record("case", raw_events.event(agency=agency), topic=topic).value or b""


def test_a_record_too_large_for_quarantine_is_held_cut(detector: detector_pool.DetectorPool) -> None:
    """Else a single megabyte from one agency would end the stage for all, again and again."""
    large = Record(f"raw.{AGENCY}.case", 0, 0, b"k", bytes(1_000_000))
    (held,) = _read(_run(_stage(detector), [large]), topics.quarantine(AGENCY), "quarantine")
    # The digest of the rest tells later that this is the record which was cut.
    rest = hashlib.sha256(bytes(1_000_000 - deidentify_outputs.LONGEST_HELD)).digest()
    assert _opened(held) == bytes(deidentify_outputs.LONGEST_HELD) + rest
    assert held["code"] == "CON-001"


def test_revisions_of_one_batch_and_of_the_next_are_told_apart(detector: detector_pool.DetectorPool) -> None:
    first, second = raw_events.event(), raw_events.event(revision=2, prs_Gender="Masculine")
    other = raw_events.event(prs_Gender="Masculine")
    kept: dict[str, bytes] = {}
    stage = _stage(detector)
    events = [first, first, second, first, other]
    result = _run(stage, [raw_events.record("case", e, n) for n, e in enumerate(events)], kept)
    assert [r["revision"] for r in _read(result, "deidentified.case", "deidentified.case")] == [1, 2]
    outcomes = {o["offset"]: o["outcome"] for o in _read(result, "outcomes", "outcome")}
    assert outcomes == {1: "duplicate", 3: "superseded", 4: "superseded"}
    replay = _run(stage, [raw_events.record("case", e, n) for n, e in enumerate(events)], kept)
    assert {o.topic for o in replay.outputs} == {"audit"}
    conflict = _run(stage, [raw_events.record("case", {**second, "vic_AgeWhenTrafficked": 40}, 5)], kept)
    assert [h["code"] for h in _read(conflict, topics.quarantine(AGENCY), "quarantine")] == ["CON-020"]
    # 5 is the refused event's; 2 is the last accepted one's, in the count of the person's year.
    assert {state_value.through_of(value) for value in kept.values()} == {2, 5}


def test_the_audit_record_tells_offsets_hashes_and_decades_alone(detector: detector_pool.DetectorPool) -> None:
    batch = [raw_events.record("case", raw_events.event(number=n), 7 + n) for n in range(12)]
    (said,) = _read(_run(_stage(detector), batch), "audit", "audit")
    assert (said["topic"], said["first_offset"], said["last_offset"]) == ("raw.police-jor.case", 7, 18)
    assert said["policy"] == raw_events.shipped().digest
    assert said["details"]["outcome.deidentified"] == "11-100"
    assert said["details"]["rule.drop.direct_identifier"] == "101-1000"
    hashes = {name: value for name, value in said["details"].items() if name.startswith(("schema.", "model."))}
    assert {"schema.raw.case", "schema.deidentified.case"} <= hashes.keys()
    assert all(re.fullmatch("[0-9a-f]{64}", value) for value in hashes.values())
    counts = [value for name, value in said["details"].items() if name not in hashes]
    assert all(value[0].isdigit() and ("-" in value or value == "0") for value in counts)


@pytest.mark.broker
def test_a_worker_de_identifies_what_an_agency_published(site: Site) -> None:
    """Through the real broker: as many records as were sent, and no planted identity in what came out."""
    kind, number = "referral", 60
    ids = schema_ids.allow_list(site.schema_ids).current
    planted = [raw_events.planted(kind, 5000 + n) for n in range(number)]
    keys = raw_events.keys_of(site, AGENCY)
    sent = [raw_events.record(kind, p.event, 0, ids, *keys) for p in planted]
    runtime.produce_all(site, f"agency.{AGENCY}", sent[0].topic, [(r.key or b"", r.value) for r in sent])
    with subprocess.Popen(
        [sys.executable, "-m", "amana", "worker", "deidentify"], env={**os.environ, "AMANA_DATA": str(site.dir)}
    ) as worker:
        try:
            came = _until(site, topics.deidentified(kind), {r.key for r in sent})
        finally:
            worker.terminate()
            worker.wait(30)
    assert len(came) == number
    said = b"".join(
        (r.key or b"") + (r.value or b"") for t in _topics(kind) for r in runtime.consume_all(site, "admin", t)
    )
    assert not [i for p in planted for i in p.identities if i.encode() in said]


def _topics(kind: str) -> tuple[str, ...]:
    raw = topics.raw(AGENCY, kind)
    return (raw, topics.deidentified(kind), "outcomes", "audit", topics.quarantine(AGENCY), "late", "state.deidentify")


def _until(site: Site, topic: str, keys: set[bytes | None], seconds: float = 120) -> set[str]:
    """Read a topic until every event of `keys` came, or time is up."""
    seal = site.cluster("worker.dedupe").seal
    end = time.monotonic() + seconds
    came: set[str] = set()
    while time.monotonic() < end and len(came) < len(keys):
        records: list[kafka.consumer.fetcher.ConsumerRecord] = runtime.consume_all(site, "admin", topic)
        read = (seal.read(topic, r.value, topic, r.key.decode())["event_id"] for r in records)
        came = {event for event in read if event.encode() in keys}
        time.sleep(1)
    return came
