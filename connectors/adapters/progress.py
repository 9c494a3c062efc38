"""Progress of the stages: committed offsets of consumer groups against the ends of what the groups read.

Purpose: tell how far each stage is, even while brokers come and go.
Called by: `release_bus`, `partition_reader`, `topic_reading`, `connectors.console.reconciliation`,
`connectors.operations`, `connectors.feed.trend_reader` and the tests; there is no second implementation.

Invariants:
- Committed offsets are read before ends. A committed offset never passes an end, so that a lag of zero everywhere held
  everywhere at one moment, the one between the two.
- No memory of a connection outlives a fault. kafka-python's admin client keeps for good which broker coordinates a
  group (3.0.12: `_find_coordinator_ids` asks for unknown groups only), so after any fault the next try opens a new one.
- Ends are asked for by the admin client, which looks up the leaders each time. The consumer's `end_offsets` repeats a
  question to a broker that no longer leads, without new metadata, until its timeout (3.0.12, `fetcher.py`).
- Each answer or typed fault comes within the deadline and the time of one request.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import OffsetSpec
from kafka.errors import AuthorizationError, KafkaError, SaslAuthenticationFailedError

from connectors.adapters.clients import open_client
from schemas.errors import TransportError

__all__ = ["PATIENCE_SECONDS", "Lag", "Offsets", "lag"]

PATIENCE_SECONDS: Final = 30.0
"""How long the brokers may elect leaders and coordinators before a question fails: thrice a broker's session."""

_REQUEST_MS: Final = 10_000
_LEAST_MS: Final = 1_000
_PAUSE_SECONDS: Final = 0.2
_FINAL: Final = (AuthorizationError, SaslAuthenticationFailedError)
"""Faults that another try does not mend."""

Answer = TypeVar("Answer")
At = dict[TopicPartition, int]


@dataclass(frozen=True, slots=True)
class Lag:
    """Progress at one moment: the next offset to read, and the end, by stage and partition."""

    committed: Mapping[str, Mapping[TopicPartition, int]]
    ends: Mapping[str, Mapping[TopicPartition, int]]

    def records(self, stage: str, topic: str | None = None) -> int:
        """Count the records that a stage has left to read, of one of its topics or of all."""
        done = self.committed[stage]
        read = self.ends[stage].items()
        return sum(max(0, end - done[one]) for one, end in read if topic in (None, one.topic))

    def by_stage(self) -> dict[str, int]:
        """Return the records left to read, by stage."""
        return {stage: self.records(stage) for stage in self.ends}


class Offsets:
    """Offsets as the brokers tell them now; a context manager. It connects with the first question."""

    def __init__(self, settings: Mapping[str, Any], *, seconds: float = PATIENCE_SECONDS) -> None:
        """Take client settings, and how long a question may take while brokers come and go, in seconds."""
        self._settings, self._seconds = settings, seconds
        self._client: KafkaAdminClient | None = None

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Disconnect."""
        self.close()

    def committed(self, groups: Iterable[str]) -> dict[str, At]:
        """Return the next offset that each group will read, by partition; none for where it never committed.

        Raises:
            TransportError: TRA-031, no answer in time.
        """
        asked = list(groups)
        found = self._ask(lambda client: client.list_group_offsets(asked))
        return {group: {one: max(0, at.offset) for one, at in found.get(group, {}).items()} for group in asked}

    def ends(self, partitions: Iterable[TopicPartition]) -> At:
        """Return the end offset of each partition; raises as `committed`."""
        asked = dict.fromkeys(partitions, OffsetSpec.LATEST)
        found = self._ask(lambda client: client.list_partition_offsets(asked, timeout_ms=_REQUEST_MS))
        return {one: int(found[one].offset) for one in asked}

    def close(self) -> None:
        """Disconnect; the next question connects again."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _ask(self, question: Callable[[KafkaAdminClient], Answer]) -> Answer:
        """Ask until there is an answer, after each fault over a new connection, to the deadline."""
        deadline = time.monotonic() + self._seconds
        while True:
            try:
                return question(self._connected(deadline - time.monotonic()))
            except KafkaError as error:
                self.close()
                if isinstance(error, _FINAL) or time.monotonic() > deadline:
                    raise TransportError("TRA-031", f"the brokers tell no offsets: {type(error).__name__}") from error
                time.sleep(_PAUSE_SECONDS)

    def _connected(self, seconds: float) -> KafkaAdminClient:
        if self._client is None:
            bootstrap = min(_REQUEST_MS, max(_LEAST_MS, int(seconds * 1000)))
            self._client = open_client(
                KafkaAdminClient, self._settings, bootstrap_timeout_ms=bootstrap, request_timeout_ms=_REQUEST_MS
            )
        return self._client


def lag(offsets: Offsets, reads: Mapping[str, Sequence[TopicPartition]]) -> Lag:
    """Return the progress of stages; `reads` holds what each of them, by its consumer group, reads.

    Raises:
        TransportError: TRA-031, no answer in time.
    """
    committed = offsets.committed(reads)
    ends = offsets.ends(one for read in reads.values() for one in read)
    return Lag(
        {stage: {one: committed[stage].get(one, 0) for one in read} for stage, read in reads.items()},
        {stage: {one: ends[one] for one in read} for stage, read in reads.items()},
    )
