"""Ten sequences of valid events, each at an agency's full quota: the others wait no longer than beside a calm one.

The time of an event is that from its arrival on the raw topic to its outcome, both as the broker stamps them. The
attacker's events are sealed before the clock starts, since sealing costs the attacker's machine and not the site's.
"""

import datetime as dt
import itertools
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import kafka
import pytest

from amana.local import runtime as local
from amana.site import Site
from connectors.adapters import schema_ids
from connectors.ingest.event.envelope import Envelope
from connectors.ingest.event.event_builder import AgencyKeys, EventBuilder
from connectors.operations import pipeline_status
from schemas import catalogue
from schemas.sealing import Sealer
from schemas.signing import Signer
from streams.broker import topics
from tests.support import runtime
from tests.support.valid_attacks import SEQUENCES, Row, honest

SECONDS = float(os.environ.get("AMANA_ATTACK_SECONDS", "600"))
ATTACKER = "hotline-egy"
CALM = ("shelter-lbn", "police-jor", "un-mission-irq", "interior-ministry-lbn", "labour-inspectorate-tur")
RATE = 4.0
"""Events a second of each calm agency."""

SUPPLY = 20_000
"""Distinct events of an attack; when they are used up they are sent again."""

MOST_MEMORY = 2_000_000_000
"""Bytes of resident memory that no worker reaches."""

pytestmark = [pytest.mark.broker, pytest.mark.long, pytest.mark.timeout(3 * int(SECONDS) + 1_200)]

Message = tuple[bytes, bytes]


@dataclass(frozen=True, slots=True)
class Sender:
    """An agency with its own keys, as its publisher has them."""

    site: Site
    agency: str

    def seal(self, rows: Sequence[Row]) -> list[Message]:
        """Return the messages of rows of cases."""
        profile, topic = self.site.agency_profile(self.agency), topics.raw(self.agency, "case")
        keys = AgencyKeys(profile.person_key, profile.event_key)
        builder = EventBuilder(self.agency, "case", keys=keys, today=dt.datetime.now(dt.UTC).date())
        number = schema_ids.allow_list(self.site.schema_ids, ("envelope",)).id_of("envelope")
        held = profile.envelope_keys()
        sealer, signer = Sealer(held.sealing, os.urandom), Signer(held.signing)
        schema = catalogue.load("raw.case")
        envelope = Envelope(schema, number, sealer, signer, topic=topic, partitions=topics.RAW_PARTITIONS)
        made = []
        for ref, row in enumerate(rows):
            given = {name: value for name, value in row.items() if name != "record_id"}
            sent = envelope.wrap(builder.build(given, row["record_id"]), ref)
            made.append((sent.key, sent.value))
        return made

    def send(self, messages: Iterator[Message], rate: float | None, stop: threading.Event) -> int:
        """Send until told to stop, at a rate or as fast as the broker takes it; return the number of messages."""
        settings = self.site.agency_profile(self.agency).cluster.kafka_settings()
        producer = kafka.KafkaProducer(**settings, acks="all", linger_ms=5)
        begun, count = time.monotonic(), 0
        try:
            for count, (key, value) in enumerate(messages, 1):
                if stop.is_set():
                    break
                if rate is not None:
                    time.sleep(max(0.0, begun + count / rate - time.monotonic()))
                producer.send(topics.raw(self.agency, "case"), key=key, value=value)
        finally:
            producer.close(timeout=10)
        return count


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    workers = {"deidentify": 1, "dedupe": 1, "aggregate": 1, "release": 0}
    with local.running(tmp_path_factory.mktemp("quota"), workers=workers) as site:
        yield site


def _p99(site: Site, since: float) -> float:
    """Return the 99th percentile, in seconds, over the calm agencies' events that arrived after an instant."""
    decided = {record.key: record.timestamp for record in runtime.consume_all(site, "admin", "outcomes")}
    took: list[float] = []
    for agency in CALM:
        for record in runtime.consume_all(site, "admin", topics.raw(agency, "case")):
            if record.timestamp >= since * 1000:
                place = f"{agency}/case/{record.partition}/{record.offset}".encode()
                took.append((decided.get(place, time.time() * 1000) - record.timestamp) / 1_000)
    return sorted(took)[int(0.99 * len(took))]


def _measured(site: Site, calm: Callable[[str], Iterator[Message]], attack: Iterator[Message] | None) -> float:
    """Send for `SECONDS`, wait for what the calm agencies sent, and return their 99th percentile."""
    stop, since = threading.Event(), time.time()
    with ThreadPoolExecutor(1 + len(CALM)) as threads:
        sending = [threads.submit(Sender(site, agency).send, calm(agency), RATE, stop) for agency in CALM]
        rate = RATE if attack is None else None
        sending.append(threads.submit(Sender(site, ATTACKER).send, attack or calm(ATTACKER), rate, stop))
        stop.wait(SECONDS)
        stop.set()
        sent = [future.result() for future in sending]
    pipeline_status.wait_idle(site.cluster("operator"), 2 * SECONDS + 300)
    print(f"\n{sent[-1]} of {ATTACKER} in {SECONDS:g} s", end="")
    return _p99(site, since)


def _memory(site: Site) -> dict[str, int]:
    """Return the resident bytes of every worker, by its name and process id."""
    found = {}
    for path in site.path("run").glob("worker-*.pid"):
        number = path.read_text(encoding="ascii").strip()
        pages = int(Path(f"/proc/{number}/statm").read_text(encoding="ascii").split()[1])
        found[f"{path.stem} {number}"] = pages * os.sysconf("SC_PAGE_SIZE")
    return found


@pytest.mark.parametrize("name", SEQUENCES)
def test_the_others_wait_no_longer_beside_an_attack(running: Site, name: str) -> None:
    """No process ends, memory stays below its bound, and the p99 of five calm agencies is at most 1.5 times as long."""
    before = _memory(running)
    rows = honest(int(SECONDS * RATE * 3) + 100)
    stock = {agency: Sender(running, agency).seal(rows) for agency in (*CALM, ATTACKER)}
    attack = Sender(running, ATTACKER).seal(list(SEQUENCES[name](SUPPLY)))
    supply = {agency: iter(messages) for agency, messages in stock.items()}
    alone = _measured(running, supply.__getitem__, None)
    beside = _measured(running, supply.__getitem__, itertools.cycle(attack))
    after = _memory(running)
    print(f"\n{name}: p99 {alone:.2f} s beside a calm agency, {beside:.2f} s beside the attack; {after}")
    assert before.keys() == after.keys(), "a worker was started again"
    assert max(after.values()) < MOST_MEMORY
    assert beside <= 1.5 * alone
