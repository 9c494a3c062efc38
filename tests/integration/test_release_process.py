"""The release process on a real broker: killed at any moment, it publishes nothing unrecorded and nothing twice."""

import datetime as dt
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from amana.local import runtime
from amana.site import Site
from connectors.adapters import schema_ids
from connectors.feed.trend_reader import TrendReader
from connectors.operations.calendar_tick import TickAnswer, request
from schemas import catalogue, codec, limits
from schemas.trend import rows_digest
from streams.transparency import log_verification
from streams.transparency.decision import Decision
from tests.support.release_worker import RELEASES, planned

pytestmark = pytest.mark.broker


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Run a broker of their own: the stages, which no worker serves here, must have nothing to catch up with."""
    with runtime.running(tmp_path_factory.mktemp("release"), workers=False) as running:
        yield running


@contextmanager
def worker(site: Site) -> Iterator[subprocess.Popen[bytes]]:
    with (site.path("logs", "release-test.log")).open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.release_worker", str(site.dir)],
            stderr=log,
            cwd=Path(__file__).parents[2],
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _send_decisions(site: Site, count: int) -> None:
    number = schema_ids.allow_list(site.schema_ids, ["audit"]).id_of("audit")
    record: dict[str, object] = {
        "action": "batch",
        "actor": "deidentify",
        "policy": "p",
        "code": "c",
        "details": {"rules": "≤10"},
    }
    record |= {"topic": "raw.police-jor.case", "partition": 0, "first_offset": 0, "last_offset": 9}
    producer = KafkaProducer(**site.cluster("worker.deidentify").kafka_settings(), acks="all")
    for _ in range(count):
        producer.send("audit", key=b"k", value=codec.encode(number, catalogue.load("audit").parsed, record))
    producer.flush()
    producer.close()


def _announced(site: Site) -> list[str]:
    """Return the release ids of the topic `ledger`, as the officer reads them."""
    allowed = schema_ids.allow_list(site.schema_ids, ["ledger"]).allowed("ledger")
    partition = TopicPartition("ledger", 0)
    consumer = KafkaConsumer(**site.cluster("officer").kafka_settings(), enable_auto_commit=False)
    consumer.assign([partition])
    consumer.seek_to_beginning(partition)
    end, found = consumer.end_offsets([partition])[partition], []
    while consumer.position(partition) < end:
        for records in consumer.poll(timeout_ms=500).values():
            found += [codec.decode(one.value, allowed, limits.INTERNAL)["release"] for one in records]
    consumer.close()
    return found


def _asked(site: Site, day: dt.date) -> list[TickAnswer]:
    """Ask for a release in the background; the list holds the answer once it is there."""
    answers: list[TickAnswer] = []
    threading.Thread(
        target=lambda: answers.append(request(site.cluster("operator"), day, patience=200)), daemon=True
    ).start()
    return answers


def _wait(process: subprocess.Popen[bytes], answers: list[TickAnswer], seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until and not answers and process.poll() is None:
        time.sleep(0.01)


def _life(kills: int, chosen: random.Random) -> float:
    """Return how long the process may live, in seconds: at first too short for the whole release on any machine."""
    if kills < 3:
        return 1.2 + 0.8 * chosen.random()
    return 2.5 + chosen.random() * 3 if kills < 6 else 120


@pytest.mark.timeout(240)
def test_killed_at_random_moments_it_records_before_it_publishes_and_publishes_once(site: Site) -> None:
    chosen, kills = random.Random(7), 0
    day = dt.date(2024, 4, 20)
    _send_decisions(site, 1_000)
    answers = _asked(site, day)
    while not answers:
        with worker(site) as process:
            _wait(process, answers, _life(kills, chosen))
            killed = process.poll() is None and not answers
            process.send_signal(signal.SIGKILL if killed else signal.SIGTERM)
            process.wait(timeout=20)
        kills += killed
        _check(site)
    found = answers[0]
    assert kills >= 2
    assert [(line.population, line.year) for line in found.lines] == [("cases", 1980 + n) for n in range(RELEASES)] + [
        ("cases", 2024)
    ]
    assert len(found.withheld) == 1
    assert set(_announced(site)) == {f"{day}-{n}" for n in range(RELEASES)}
    entries = [one for _, one in log_verification.entries(site.path("audit"))]
    assert Counter(one.source for one in entries if one.source).most_common(1)[0][1] == 1
    assert len([one for one in entries if one.action == "batch"]) == 1_000
    expected = sorted(rows_digest(one.feeds) for one in planned(str(day)))
    assert sorted(one.details["rows"] for one in entries if "rows" in one.details) == expected


def _check(site: Site) -> None:
    """Whatever the feeds hold stands in a log that verifies, and a reader sees each row once."""
    with TrendReader(
        site.cluster("analysts").kafka_settings(), schema_ids.allow_list(site.schema_ids, ["trend"]).allowed("trend")
    ) as feed:
        rows = list(feed.rows())
    seen = Counter((row.release, row.cell) for row in rows)
    assert not seen or max(seen.values()) == 1
    if rows:
        recorded = {one.details.get("release") for _, one in _covered(site)}
        assert {row.release for row in rows} <= recorded


def _covered(site: Site) -> Iterator[tuple[int, Decision]]:
    from streams.transparency.log_storage import AuditStorage  # noqa: PLC0415 - opened as the process would on restart

    AuditStorage.open(site.path("audit"), site.party("release").key("audit-signing")).close()
    log_verification.verify(site.path("audit"), site.public("audit"))
    yield from log_verification.entries(site.path("audit"))
