"""The books of an agency beside a real broker: what was not read yet, and what was passed over, ends with status 1."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import kafka
import pytest

from amana.site import Site
from streams.broker import access, topics
from streams.core.counting.agency_notices import Notice
from streams.stages.record_encoder import RecordEncoder
from tests.support import demo

AGENCY, KIND = "labour-inspectorate-tur", "activity"
PARTITION = 1


def _send(site: Site, principal: str, topic: str, partition: int, values: Sequence[bytes]) -> int:
    """Send values to a partition, and return the offset of the last one."""
    producer = kafka.KafkaProducer(**site.cluster(principal).kafka_settings(), acks="all")
    try:
        sent = [producer.send(topic, value, b"", partition=partition) for value in values]
        return int(sent[-1].get(timeout=30).offset)
    finally:
        producer.close()


def _line(site: Site) -> dict[str, Any]:
    """Run `amana notices reconcile`; return what it says of the kind, and the number of missing records."""
    environment = {**os.environ, "AMANA_DATA": str(site.dir)}
    done = demo.amana("notices", "reconcile", "--agency", AGENCY, "--json", environment=environment)
    books = json.loads(done.stdout)
    # Other tests of the session may have published for other kinds.
    assert done.returncode == bool(books["unread"] or books["missing"]), done.stdout + done.stderr
    (line,) = (line for line in books["lines"] if line["kind"] == KIND)
    return {**line, "places": books["missing"]}


def test_a_record_without_a_notice_is_not_read_yet_and_then_missing(site: Site) -> None:
    """Three records; the de-identifier gives notice of the second one alone, and then of all."""
    last = _send(site, access.agency_principal(AGENCY), topics.raw(AGENCY, KIND), PARTITION, [b"x"] * 3)
    before = _line(site)
    assert (before["unread"], before["missing"]) == (before["published"], 0)
    worker = site.cluster("worker.deidentify")
    encoder = RecordEncoder({}, worker.seal)

    def notice(*offsets: int) -> None:
        told = [Notice(KIND, PARTITION, offset, "refused", "CON-001") for offset in offsets]
        values = [output.value or b"" for output in encoder.notices(AGENCY, told)]
        _send(site, "worker.deidentify", topics.notices(AGENCY), 0, values)

    notice(*range(last - 2), last - 1)
    passed = _line(site)
    assert passed["places"] == [f"{topics.raw(AGENCY, KIND)}/{PARTITION}/{last - 2}"]
    assert (passed["missing"], passed["unread"], passed["refused"]) == (1, 1, {"CON-001": last - 1})
    notice(last - 2, last)
    after = _line(site)
    assert (after["missing"], after["unread"], after["in_quarantine"]) == (0, 0, 0)


def test_an_unknown_agency_and_a_missing_folder_are_refused_by_name(site: Site, tmp_path: Path) -> None:
    """Another agency's folder is not on this machine."""
    environment = {**os.environ, "AMANA_DATA": str(site.dir)}
    done = demo.amana("notices", "list", "--agency", "nobody", environment=environment)
    assert (done.returncode, "CFG-102" in done.stderr) == (2, True), done.stderr
    (tmp_path / "site.json").write_bytes(site.path("site.json").read_bytes())
    done = demo.amana("notices", "list", "--agency", AGENCY, environment=environment | {"AMANA_DATA": str(tmp_path)})
    assert (done.returncode, "CFG-005" in done.stderr) == (2, True), done.stderr


@pytest.mark.parametrize("principal", ["worker.dedupe", "officer", "operator", "agency.police-jor"])
def test_nobody_else_reads_an_agencys_notices(site: Site, principal: str) -> None:
    """Not even who may open them."""
    consumer = kafka.KafkaConsumer(**site.cluster(principal).kafka_settings())
    try:
        assert topics.notices(AGENCY) not in consumer.topics()
    finally:
        consumer.close()
