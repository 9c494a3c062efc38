"""A raw topic in memory as a sink, whose publisher can be made to die at any call."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from types import TracebackType
from typing import Self

from connectors.ingest.event.envelope import Sendable
from connectors.ingest.sinks.sink import WindowLimit

__all__ = ["MemorySink", "PublisherKilled", "RawTopic"]


class PublisherKilled(BaseException):
    """The publisher ended here; no handler of errors may see it."""


@dataclass
class RawTopic:
    """The partitions of one topic: message keys in the order of their offsets."""

    partitions: list[list[bytes]] = field(default_factory=lambda: [[], []])


class MemorySink:
    """One publisher's connection to a topic; with `deaths` about one call in seven kills the publisher.

    One partition's part of a window is appended whole or not at all, as a Kafka broker does with a record batch.
    """

    def __init__(self, topic: RawTopic, deaths: Random | None = None) -> None:
        self.limit = WindowLimit(messages=3, size=1 << 20)
        self._topic, self._deaths = topic, deaths

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Do nothing: there is no connection."""

    def ends(self) -> Mapping[int, int]:
        self._may_die()
        return {number: len(keys) for number, keys in enumerate(self._topic.partitions)}

    def quiet_ends(self) -> Mapping[int, int]:
        return self.ends()

    def send(self, window: Sequence[Sendable]) -> Mapping[int, Sequence[int]]:
        offsets: dict[int, Sequence[int]] = {}
        for number, partition in enumerate(self._topic.partitions):
            self._may_die()
            if part := [message.key for message in window if message.partition == number]:
                offsets[number] = range(len(partition), len(partition) + len(part))
                partition.extend(part)
        self._may_die()
        return offsets

    def _may_die(self) -> None:
        if self._deaths is not None and self._deaths.random() < 1 / 7:
            raise PublisherKilled
