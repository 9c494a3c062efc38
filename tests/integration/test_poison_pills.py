"""Bad events beside good ones on a real system: each in quarantine exactly once, the good ones all counted.

How long the good ones take, with and without pills, is printed: on a shared machine it is no bound.
"""

import random
import time
from collections import Counter
from collections.abc import Iterator

import kafka
import pytest

from amana.local import runtime as local
from amana.site import Site
from connectors.adapters import schema_ids
from connectors.operations import pipeline_status, quarantine_entries
from streams.broker import topics
from tests.support import raw_events, runtime

pytestmark = [pytest.mark.broker, pytest.mark.long, pytest.mark.timeout(300)]

AGENCY, KIND = "police-jor", "case"
WORKERS = {"deidentify": 1, "dedupe": 1, "aggregate": 1, "release": 0}
GOOD, PILLS = 1_000, 500
SECONDS = 4.0
Message = tuple[bytes, bytes | None]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with local.running(tmp_path_factory.mktemp("pills"), workers=WORKERS) as site:
        yield site


def _good(site: Site, first: int) -> list[Message]:
    ids, keys = schema_ids.allow_list(site.schema_ids).current, raw_events.keys_of(site, AGENCY)
    made = (raw_events.record(KIND, raw_events.event(number=first + n), n, ids, *keys) for n in range(GOOD))
    return [(record.key or b"", record.value) for record in made]


def _pills(good: list[Message]) -> list[Message]:
    """Cut, altered, of no schema, empty, and no message at all."""
    draw = random.Random(17)
    made: list[Message] = []
    for n in range(PILLS):
        key, value = draw.choice(good)
        whole = value or b""
        torn = (whole[: draw.randrange(5, len(whole))], b"\0\xff\xff\xff\xff" + whole[5:], b"", None, whole + b"\0")
        made.append((key, torn[n % len(torn)]))
    return made


def _send(site: Site, messages: list[Message]) -> None:
    """Send at an even rate over `SECONDS`."""
    producer = kafka.KafkaProducer(**site.cluster(f"agency.{AGENCY}").kafka_settings(), acks="all", linger_ms=5)
    begun = time.monotonic()
    try:
        for n, (key, value) in enumerate(messages):
            time.sleep(max(0.0, begun + SECONDS * n / len(messages) - time.monotonic()))
            producer.send(topics.raw(AGENCY, KIND), key=key, value=value)
        producer.flush(timeout=60)
    finally:
        producer.close()


def _slowest(site: Site, keys: set[str]) -> float:
    """Return the 99th percentile, in ms, of the time from arrival on the raw topic to the de-identified record's."""
    stem = topics.deidentified(KIND)
    seal = site.cluster("worker.dedupe").seal
    came = {(r.partition, r.offset): r.timestamp for r in runtime.consume_all(site, "admin", topics.raw(AGENCY, KIND))}
    took = []
    for record in runtime.consume_all(site, "admin", stem):
        read = seal.read(stem, record.value, stem, record.key.decode())
        if read["event_id"] in keys:
            took.append(record.timestamp - came[read["source_partition"], read["source_offset"]])
    assert len(took) == len(keys), "a good event is missing, or came out twice"
    return float(sorted(took)[int(0.99 * len(took))])


def test_pills_end_in_quarantine_once_each_and_take_no_good_event_along(running: Site) -> None:
    _send(running, _good(running, 20_001)[:50])  # until the stages have started
    assert pipeline_status.wait_idle(running.cluster("operator"), 120).is_idle
    alone, beside = _good(running, 1), _good(running, 10_001)
    _send(running, alone)
    assert pipeline_status.wait_idle(running.cluster("operator"), 120).is_idle
    mixed = beside + _pills(beside)
    random.Random(18).shuffle(mixed)
    _send(running, mixed)
    found = pipeline_status.wait_idle(running.cluster("operator"), 120)
    assert found.is_idle
    assert Counter(found.outcomes[AGENCY, KIND]) == {"counted": 50 + 2 * GOOD, "quarantined": PILLS}
    written = runtime.consume_all(running, "admin", topics.quarantine(AGENCY))
    assert len(written) == len({record.key for record in written}) == PILLS
    assert len(quarantine_entries.entries(running.cluster("operator"))) == PILLS
    p99 = [_slowest(running, {key.decode() for key, _ in sent}) for sent in (alone, beside)]
    print(f"\np99 of good events: {p99[0]:.0f} ms alone, {p99[1]:.0f} ms beside {PILLS} pills in {SECONDS:.0f} s")
