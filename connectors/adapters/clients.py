"""Opening of kafka-python clients, for processes that outlive an outage of the brokers.

Purpose: leave nothing behind where a broker is away.
Called by: the adapters that open a connection again and again: `progress`, `partition_reader` and `release_bus`.

Invariants:
- A constructor that fails leaves no thread and no socket behind. kafka-python starts the thread of a client before it
  looks for the brokers, and does not end it where it finds none.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from kafka.errors import KafkaError
from kafka.net.compat import KafkaNetClient

__all__ = ["open_client"]

Client = TypeVar("Client")


def open_client(make: Callable[..., Client], settings: Mapping[str, Any], **more: object) -> Client:
    """Construct a consumer, producer or admin client with these settings.

    Raises:
        KafkaError: no broker answered; nothing is left open.
    """
    networks: list[KafkaNetClient] = []

    def network(**config: object) -> KafkaNetClient:
        networks.append(KafkaNetClient(**config))
        return networks[-1]

    try:
        return make(**settings, **more, kafka_client=network)
    except KafkaError:
        for one in networks:
            one.close()
        raise
