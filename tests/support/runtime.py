"""Reading and writing the real broker as a principal, for integration tests."""

from collections.abc import Iterable

import kafka
from kafka.consumer.fetcher import ConsumerRecord

from amana.site import Site

__all__ = ["ConsumerRecord", "consume_all", "produce_all"]


def consume_all(site: Site, principal: str, topic: str, **more: str) -> list[ConsumerRecord]:
    """Read a topic from its beginning to its end as it is now, partition by partition, without a consumer group.

    Records of aborted transactions are among them, unless `isolation_level` says otherwise.
    """
    consumer = kafka.KafkaConsumer(**site.cluster(principal).kafka_settings(), enable_auto_commit=False, **more)
    try:
        partitions = [
            kafka.TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or ())
        ]
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        ends = consumer.end_offsets(partitions)
        records: list[ConsumerRecord] = []
        while any(consumer.position(partition) < ends[partition] for partition in partitions):
            for batch in consumer.poll(timeout_ms=500).values():
                records.extend(batch)
        return sorted(
            (record for record in records if record.offset < ends[kafka.TopicPartition(topic, record.partition)]),
            key=lambda record: (record.partition, record.offset),
        )
    finally:
        consumer.close()


def produce_all(site: Site, principal: str, topic: str, records: Iterable[tuple[bytes, bytes | None]]) -> None:
    """Write (key, value) pairs to a topic and wait until all are acknowledged."""
    producer = kafka.KafkaProducer(**site.cluster(principal).kafka_settings(), acks="all")
    try:
        for sent in [producer.send(topic, key=key, value=value) for key, value in records]:
            sent.get(timeout=30)
    finally:
        producer.close()
