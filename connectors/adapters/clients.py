"""Construction of kafka-python clients, for processes that outlive an outage of the brokers.

Purpose: construct a consumer, producer or admin client so that nothing is left open if no broker answers.
Called by: the adapters that open connections again and again: `progress`, `partition_reader`, `release_bus`.

Invariants:
- A constructor that fails leaves no thread and no socket behind.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from kafka.errors import KafkaError
from kafka.net.compat import KafkaNetClient

__all__ = ["open_client"]

Client = TypeVar("Client")


def open_client(make: Callable[..., Client], settings: Mapping[str, Any], **more: object) -> Client:
    """Construct a consumer, producer or admin client.

    Args:
        make: class of the client.
        settings: client settings of a principal.
        more: further settings of the class.

    Raises:
        KafkaError: no broker answered; nothing is left open.
    """
    # kafka-python starts the network thread of a client before it looks for the brokers, and does not end it if it
    # finds none. The caller gets no client then that it could close, so the network client is remembered here.
    networks: list[KafkaNetClient] = []

    def _remembered(**config: object) -> KafkaNetClient:
        networks.append(KafkaNetClient(**config))
        return networks[-1]

    try:
        return make(**settings, **more, kafka_client=_remembered)
    except KafkaError:
        for network in networks:
            network.close()
        raise
