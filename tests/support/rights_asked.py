"""What a broker lets a client do, asked by requests of its protocol; the client library hides some refusals."""

from kafka.admin import KafkaAdminClient
from kafka.protocol.consumer import FetchRequest

__all__ = ["TOPIC_REFUSED", "ask", "readable"]

TOPIC_REFUSED = 29

_FETCH_VERSION = 12
"""The highest version that names topics instead of numbering them."""


def ask(client: KafkaAdminClient, request: object) -> object:
    """Return the broker's answer to a request of the protocol."""
    return client._manager.run(client._manager.send, request)


def readable(client: KafkaAdminClient, names: list[str]) -> set[str]:
    """Return those of the topics that the broker lets the client fetch."""
    partition = FetchRequest.FetchTopic.FetchPartition(
        partition=0, current_leader_epoch=-1, fetch_offset=0, log_start_offset=-1, partition_max_bytes=1
    )
    topics = [FetchRequest.FetchTopic(topic=name, partitions=[partition]) for name in names]
    request = FetchRequest(
        max_wait_ms=0, min_bytes=0, max_bytes=1, session_epoch=-1, topics=topics, max_version=_FETCH_VERSION
    )
    answer = ask(client, request)
    refused = {t.topic for t in answer.responses if any(p.error_code == TOPIC_REFUSED for p in t.partitions)}  # type: ignore[attr-defined] # untyped protocol
    return set(names) - refused
