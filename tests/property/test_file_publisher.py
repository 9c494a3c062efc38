"""Laws of the publication of a file, on a topic in memory: each good row once, wherever a publisher died."""

import json
import os
from contextlib import suppress
from datetime import date
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.ingest.event.envelope import Envelope
from connectors.ingest.event.event_builder import AgencyKeys
from connectors.ingest.file_publisher import PublishJob, publish
from connectors.ingest.files.publish_report import PublishSummary
from schemas import catalogue
from schemas.sealing import Sealer
from schemas.sealing import public_key_of as sealing_public
from schemas.signing import Signer
from tests.support.memory_sink import MemorySink, PublisherKilled, RawTopic

AGENCY, KIND, TOPIC = "shelter-lbn", "case", "raw.shelter-lbn.case"
KEY = bytes(range(32))


def a_file(path: Path, rows: int, *, refused: frozenset[int] = frozenset()) -> Path:
    """Write a file of invented cases; those in `refused` have no consent."""
    lines = [
        {"record_id": f"{path.stem}-{row}", "event_date": "2024-03-05", "con_Consent": row not in refused}
        for row in range(rows)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def run(topic: RawTopic, file: Path, folder: Path, deaths: Random | None = None) -> PublishSummary:
    """Publish a file once; raises `PublisherKilled` where the publisher died."""
    envelope = Envelope(
        catalogue.load(f"raw.{KIND}"),
        1,
        Sealer(sealing_public(bytes(96)), os.urandom),
        Signer(KEY),
        topic=TOPIC,
        partitions=2,
    )
    job = PublishJob(
        agency=AGENCY,
        kind=KIND,
        file=file,
        folder=folder,
        keys=AgencyKeys(KEY, KEY),
        today=date(2026, 1, 1),
        sink=lambda: MemorySink(topic, deaths),
        envelope=lambda: envelope,
    )
    return publish(job)


@given(st.integers(0, 2**32), st.integers(1, 25))
@settings(max_examples=20, deadline=None)
def test_every_row_of_two_files_is_there_once_wherever_a_publisher_died(
    tmp_path_factory: pytest.TempPathFactory, seed: int, rows: int
) -> None:
    """Two files of one topic take turns, so that each one's open plans are settled by the other as well."""
    folder, topic, random = tmp_path_factory.mktemp("publish"), RawTopic(), Random(seed)
    files = [a_file(folder / f"{name}.jsonl", rows, refused=frozenset({2})) for name in ("march", "april")]
    for _ in range(6):
        for file in files:
            with suppress(PublisherKilled):
                run(topic, file, folder, random)
    summaries = [run(topic, file, folder) for file in files]
    good = rows - (rows > 2)
    assert [summary.accepted + summary.already for summary in summaries] == [good, good]
    keys = [key for partition in topic.partitions for key in partition]
    assert len(keys) == len(set(keys)) == 2 * good


def test_the_report_places_each_row_where_it_is_on_the_topic(tmp_path: Path) -> None:
    topic = RawTopic()
    summary = run(topic, a_file(tmp_path / "rows.jsonl", 10, refused=frozenset({4})), tmp_path)
    entries = [json.loads(line) for line in summary.report.read_text(encoding="utf-8").splitlines()]
    assert [entry["line"] for entry in entries] == list(range(1, 11))
    assert [entry["line"] for entry in entries if entry["status"] == "refused"] == [5]
    places = {(entry["partition"], entry["offset"]) for entry in entries if entry["status"] == "accepted"}
    assert places == {(number, at) for number, keys in enumerate(topic.partitions) for at in range(len(keys))}


def test_a_journal_keeps_its_form(tmp_path: Path) -> None:
    """Agencies have journals of earlier versions: the bytes of a line are a contract."""
    run(RawTopic(), a_file(tmp_path / "rows.jsonl", 5), tmp_path)
    (path,) = tmp_path.glob("*.journal")
    assert path.read_bytes().splitlines() == [
        (
            b'{"head":{"agency":"shelter-lbn","kind":"case",'
            b'"file":"c8a2d0a9f056673904848dfd02b0bda4f7818b5714bec9bff73dea7fbdeeb69e","mapping":"htcds/1"}}'
        ),
        b'{"plan":{"1":[0,[1,3]],"0":[0,[2]]}}',
        b'{"done":{"0":[0],"1":[0,1]}}',
        b'{"plan":{"0":[1,[4]],"1":[2,[5]]}}',
        b'{"done":{"0":[1],"1":[2]}}',
    ]
