"""The table of topics keeps its promises about retention, keys and privacy."""

import re

import pytest

from amana.site_file import DEFAULT_AGENCIES
from schemas import catalogue
from streams.broker import topics

TABLE = topics.all_topics(DEFAULT_AGENCIES, ["levant", "iom-ro-cairo"])


def test_names_are_unique_and_legal() -> None:
    names = [topic.name for topic in TABLE]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z0-9.-]{1,120}", name) for name in names)


@pytest.mark.parametrize("topic", TABLE, ids=lambda topic: topic.name)
def test_nothing_about_retention_is_left_to_the_broker(topic: topics.Topic) -> None:
    settings = topic.settings()
    assert {"retention.ms", "retention.bytes", "cleanup.policy", "message.timestamp.type"} <= set(settings)
    assert settings["message.timestamp.type"] == "LogAppendTime", "events are years old"


def test_only_sealed_records_about_persons_are_deleted_by_age() -> None:
    aging = {topic.name for topic in TABLE if topic.retention_ms != topics.FOR_EVER}
    raws = {topics.raw(agency, kind) for agency in DEFAULT_AGENCIES for kind in catalogue.KINDS}
    assert aging == raws | {topics.REPLAY}


def test_only_what_has_a_key_for_each_record_or_value_is_compacted() -> None:
    compacted = {topic.name for topic in TABLE if topic.cleanup == "compact"}
    held = {topics.quarantine(agency) for agency in DEFAULT_AGENCIES}
    records = {topics.deidentified(kind) for kind in catalogue.KINDS}
    assert compacted == {"cells", "state.deidentify", "state.dedupe", topics.ERASURES, topics.REFUSALS} | held | records


def test_every_topic_says_why() -> None:
    assert all(topic.why and topic.key for topic in TABLE)
