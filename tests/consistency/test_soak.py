"""An hour at half load: nothing that a worker holds grows with time, and every record has its outcome.

The same cases are corrected over and over, so that the states are of one size: what grows then is a leak. Events are
sealed, signed, have narratives, and take the whole way from the raw topics to the cells.
"""

import itertools
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import kafka
import pytest

from amana.local import runtime
from amana.site import Site
from connectors.adapters import schema_ids
from connectors.operations import pipeline_status
from streams.runtime.stage import Record
from tests.support import flow, gauge, narratives, policies, raw_events

MINUTES = float(os.environ.get("AMANA_SOAK_MINUTES", "60"))
PER_SECOND = int(os.environ.get("AMANA_SOAK_EVENTS", "400"))
CASES = 4_000
TEXTS = 1_000
WARMING = 0.25
"""Share of the time before growth is measured: caches fill, the interpreter's heap finds its size."""

GROWTH_MEBIBYTES = 24.0
"""An hour, for each process with its children."""

FILES = 8

pytestmark = [
    pytest.mark.broker,
    pytest.mark.long,
    pytest.mark.timeout(int(MINUTES * 60 + 900)),
    pytest.mark.skipif(os.geteuid() != 0, reason="processes that hold texts show their open files to root alone"),
]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    policies.masking(tmp_path)
    with runtime.running(tmp_path, agencies=flow.AGENCIES) as site:
        yield site


def _corrections(site: Site) -> Iterator[Record]:
    """Publish the same cases again and again, each time with the next revision and another age."""
    ids = schema_ids.allow_list(site.schema_ids, ["envelope"]).current
    keys = {agency: raw_events.keys_of(site, agency) for agency in flow.AGENCIES}
    texts = list(narratives.narratives(TEXTS, 5))
    for revision in itertools.count(1):
        for n in range(CASES):
            agency, told = flow.AGENCIES[n % len(flow.AGENCIES)], texts[(n + revision) % TEXTS]
            text = {"language": told.language, "hte_Description": told.text}
            event = raw_events.event(number=n + 1, agency=agency, revision=revision) | text
            event["vic_AgeWhenTrafficked"] = 18 + revision % 50
            yield raw_events.record("case", event, n, ids, *keys[agency])


def _feed(site: Site, ended: threading.Event) -> None:
    producer = kafka.KafkaProducer(**site.cluster("admin").kafka_settings(), acks="all", linger_ms=20)
    begun = time.monotonic()
    for n, record in enumerate(_corrections(site)):
        if ended.wait(max(0.0, begun + n / PER_SECOND - time.monotonic())):
            break
        producer.send(record.topic, key=record.key, value=record.value, partition=record.partition)
    producer.flush(60)
    producer.close()


def test_nothing_grows_with_time(site: Site) -> None:
    """Memory of every worker is level, open files too, and published = the sum of outcomes."""
    ended = threading.Event()
    feed = threading.Thread(target=_feed, args=(site, ended), daemon=True)
    with gauge.Gauge(site, MINUTES * 60 / 240) as levels:
        feed.start()
        time.sleep(MINUTES * 60)
        measured = levels.since(WARMING)
    ended.set()
    feed.join(120)
    found = pipeline_status.wait_idle(site.cluster("operator"), 600)
    assert found.is_idle, found.lags
    published = sum(found.published.values())
    assert published >= PER_SECOND * MINUTES * 60 * 0.8
    assert published == sum(sum(outcomes.values()) for outcomes in found.outcomes.values())
    print(f"\n{published} events in {MINUTES:.0f} minutes")
    for name, samples in sorted(measured.items()):
        files = [one.files for one in samples]
        growth, size = gauge.slope(samples), samples[-1].mebibytes
        print(f"{name}: {growth:+.1f} MiB an hour at {size:.0f} MiB, files {min(files)} to {max(files)}")
    workers = {name: samples for name, samples in measured.items() if name.startswith("worker-")}
    assert len(workers) == 4
    assert all(gauge.slope(samples) < GROWTH_MEBIBYTES for samples in workers.values())
    assert all(max(s.files for s in one) - min(s.files for s in one) <= FILES for one in workers.values())
