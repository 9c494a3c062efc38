"""The books of a running site, read from the broker: ends of raw partitions, days of arrival, and every outcome.

Purpose: what is read, as whom and in which order. The rule for missing and double records is
`streams.core.counting.balance`'s.
Called by: `amana audit reconcile`.

Invariants:
- Raw records are counted and dated by the broker's index of time, never read.
- The progress of the stages is read before the outcomes: a stage commits after its outcomes are on the broker.
"""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from connectors.adapters import schema_registry, topic_reading
from connectors.adapters.cluster import Cluster
from connectors.adapters.progress import Offsets, lag
from schemas import catalogue, codec, limits
from schemas.errors import TransportError
from streams.broker import topics
from streams.core.counting import balance
from streams.core.counting.outcomes import Outcome

__all__ = ["books"]

_DAYS: Final = topics.RAW_RETENTION_MS // 86_400_000 + 2
"""Days of arrival that are told apart: as long as raw records are kept, and one more at either end."""


def books(cluster: Cluster, *, agency: str | None = None, today: dt.date) -> balance.RecordBalance:
    """Return the books of a site, or of one agency; days are UTC.

    Raises:
        ConfigurationError: CFG-102, no such agency.
        TransportError: TRA-030, the broker is out of reach; TRA-031, it does not tell how far the stages are.
    """
    agencies = cluster.chosen(agency)
    readable = schema_registry.ids(cluster.registry, ["outcome"]).allowed("outcome")
    settings = cluster.kafka_settings()
    try:
        # Progress comes first: a stage commits after its outcomes are on the broker.
        with Offsets(settings) as offsets:
            committed, behind = _progress(offsets, cluster)
            published = _published(cluster, offsets, agencies, committed, today)
        records = (codec.decode(r.value, readable, limits.INTERNAL) for r in topic_reading.whole(settings, "outcomes"))
        return balance.reconcile(published, map(Outcome.from_record, records), behind=behind)
    except KafkaError as error:
        raise TransportError("TRA-030", f"the broker is out of reach: {type(error).__name__}") from None


def _progress(offsets: Offsets, cluster: Cluster) -> tuple[Mapping[TopicPartition, int], bool]:
    """Return the de-identifier's offsets, and whether a stage behind it, or a replay, has anything left to read."""
    sources = topics.sources(cluster.agencies)
    found = lag(offsets, {group: topic_reading.partitions(names, cluster.agencies) for group, names in sources.items()})
    behind = {stage: left for stage, left in found.by_stage().items() if stage != "deidentify"}
    return found.committed["deidentify"], any(behind.values()) or found.records("deidentify", topics.REPLAY) > 0


def _published(
    cluster: Cluster,
    offsets: Offsets,
    agencies: Sequence[str],
    committed: Mapping[TopicPartition, int],
    today: dt.date,
) -> list[balance.PublishedPartition]:
    raw = {
        one: (agency, kind)
        for agency in agencies
        for kind in catalogue.KINDS
        for one in topic_reading.partitions([topics.raw(agency, kind)], cluster.agencies)
    }
    consumer = KafkaConsumer(**cluster.kafka_settings())
    try:
        ends = offsets.ends(raw)
        days = list(_days(consumer, list(raw), today))
    finally:
        consumer.close()
    return [
        balance.PublishedPartition(
            *named, one.partition, ends[one], committed.get(one, 0),
            tuple((first[one].offset, day) for day, first in days if first.get(one) is not None),
        )
        for one, named in raw.items()
    ]  # fmt: skip


def _days(consumer: KafkaConsumer, raw: Sequence[TopicPartition], today: dt.date) -> Iterator[tuple[str, Any]]:
    """Yield each day with the first offset that arrived on it or after, by partition."""
    for back in range(_DAYS, -2, -1):
        day = today - dt.timedelta(days=back)
        begin = dt.datetime.combine(day, dt.time(), dt.UTC)
        yield day.isoformat(), consumer.offsets_for_times(dict.fromkeys(raw, int(begin.timestamp() * 1000)))
