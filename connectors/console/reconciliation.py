"""The record balance of a running site, read from the broker: published records by day, beside their outcomes.

Purpose: decide what is read, as which principal and in which order. Which records are missing or double is decided by
`streams.core.counting.balance`.
Called by: `amana audit reconcile`, tests.

1. Read the progress of the stages.
2. Read the ends of the raw partitions, and the first offset of each day.
3. Read the topic `outcomes`, and compare.

Invariants:
- Raw records are counted by offsets, and dated by the broker's index of time; none of them is read.
- Progress is read before outcomes: a record that was handled before the look has its outcome in it.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Final

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from connectors.adapters import schema_ids, topic_reading
from connectors.adapters.cluster import Cluster
from connectors.adapters.progress import Offsets, lag
from schemas import catalogue, codec, limits
from schemas.errors import TransportError
from streams.broker import topics
from streams.core.counting import balance
from streams.core.counting.outcomes import Outcome

__all__ = ["books"]

_DAYS: Final = topics.RAW_RETENTION_MS // 86_400_000 + 2
"""Days of arrival that are told apart: as many as raw records are kept, and one more at either end."""


def books(cluster: Cluster, *, agency: str | None = None, today: dt.date) -> balance.RecordBalance:
    """Return the record balance of a site, or of one agency.

    Args:
        cluster: access to the broker, as the officer.
        agency: id of the agency; None for all.
        today: the present day in UTC; so are all days of the balance.

    Raises:
        ConfigurationError: CFG-102, no such agency.
        TransportError: TRA-030, the broker is out of reach; TRA-031, it did not report the progress of the stages.
    """
    agencies = cluster.chosen(agency)
    readable = schema_ids.allow_list(cluster.schema_ids, ["outcome"]).allowed("outcome")
    settings = cluster.kafka_settings()
    try:
        with Offsets(settings) as offsets:
            # 1. First: a stage commits after its outcomes are on the broker.
            sources = topics.sources(cluster.agencies)
            reads = {stage: topic_reading.partitions(names, cluster.agencies) for stage, names in sources.items()}
            progress = lag(offsets, reads)
            # A record that the de-identifier has read may wait before a later stage. A replay is as good as a later
            # stage: the record's final outcome is still to come.
            later = [records for stage, records in progress.by_stage().items() if stage != "deidentify"]
            behind = any(later) or progress.records("deidentify", topics.REPLAY) > 0
            # 2.
            published = _published(cluster, offsets, agencies, progress.committed["deidentify"], today)
        # 3.
        records = (codec.decode(r.value, readable, limits.INTERNAL) for r in topic_reading.whole(settings, "outcomes"))
        return balance.reconcile(published, map(Outcome.from_record, records), behind=behind)
    except KafkaError as error:
        raise TransportError("TRA-030", f"the broker is out of reach: {type(error).__name__}") from None


def _published(
    cluster: Cluster,
    offsets: Offsets,
    agencies: Sequence[str],
    committed: Mapping[TopicPartition, int],
    today: dt.date,
) -> list[balance.PublishedPartition]:
    """Return the raw partitions of these agencies, each with its end, its committed offset and the days of arrival."""
    raw = {
        partition: (agency, kind)
        for agency in agencies
        for kind in catalogue.KINDS
        for partition in topic_reading.partitions([topics.raw(agency, kind)], cluster.agencies)
    }
    # Day -> partition -> the first record that arrived on that day or after, None if there is none.
    first_by_day: dict[str, Mapping[TopicPartition, Any]] = {}
    # The consumer reads nothing, which the officer may not do; it asks the broker's index of time.
    consumer = KafkaConsumer(**cluster.kafka_settings())
    try:
        ends = offsets.ends(raw)
        # To tomorrow: the broker's clock may be ahead.
        for days_ago in range(_DAYS, -2, -1):
            day = today - dt.timedelta(days=days_ago)
            midnight = int(dt.datetime.combine(day, dt.time(), dt.UTC).timestamp() * 1000)
            first_by_day[day.isoformat()] = consumer.offsets_for_times(dict.fromkeys(raw, midnight))
    finally:
        consumer.close()
    published = []
    for partition, (agency, kind) in raw.items():
        firsts = ((first.get(partition), day) for day, first in first_by_day.items())
        days = tuple((first.offset, day) for first, day in firsts if first is not None)
        read = committed.get(partition, 0)
        published.append(balance.PublishedPartition(agency, kind, partition.partition, ends[partition], read, days))
    return published
