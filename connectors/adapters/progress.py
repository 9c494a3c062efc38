"""Progress of the stages: committed offsets of consumer groups beside the ends of the partitions that they read.

Purpose: the one implementation of lag.
Called by: the release process, `amana status`, `amana audit reconcile` and the tests; the readers of topics ask it for
ends.

    with Offsets(settings) as offsets:
        progress = lag(offsets, {"dedupe": [TopicPartition("deidentified.case", 0)]})
        progress.by_stage()                 {"dedupe": 12}

Invariants:
- Committed offsets are read before ends. A committed offset never passes an end, so that a lag of zero in every stage
  was true at one moment, the one between the two readings.
- No memory of a connection outlives a fault: after any fault the next try opens a new connection.
- An answer or a typed error comes within the deadline and the time of one request.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import OffsetSpec
from kafka.errors import AuthorizationError, KafkaError, SaslAuthenticationFailedError
from kafka.protocol.consumer import IsolationLevel

from connectors.adapters.clients import open_client
from schemas.errors import TransportError

__all__ = ["PATIENCE_SECONDS", "Lag", "Offsets", "lag"]

PATIENCE_SECONDS: Final = 30.0
"""Longest time that brokers may take to elect leaders and coordinators: three times the session of a broker."""

_REQUEST_MS: Final = 10_000
_LEAST_MS: Final = 1_000
_PAUSE_SECONDS: Final = 0.2
_FINAL: Final = (AuthorizationError, SaslAuthenticationFailedError)
"""Faults that another try does not end."""

Answer = TypeVar("Answer")
At = dict[TopicPartition, int]


@dataclass(frozen=True, slots=True)
class Lag:
    """Progress at one moment.

    Args:
        committed: stage -> partition -> next offset to read, 0 before the first commit.
        ends: stage -> partition -> end offset, for the same partitions.
    """

    committed: Mapping[str, Mapping[TopicPartition, int]]
    ends: Mapping[str, Mapping[TopicPartition, int]]

    def records(self, stage: str, topic: str | None = None) -> int:
        """Return the number of records that a stage has not read yet, of one of its topics or of all."""
        committed = self.committed[stage]
        # Not below 0: after the loss of a topic a committed offset may lie beyond its new end.
        return sum(
            max(0, end - committed[tp]) for tp, end in self.ends[stage].items() if topic is None or tp.topic == topic
        )

    def by_stage(self) -> dict[str, int]:
        """Return the number of records that each stage has not read yet."""
        return {stage: self.records(stage) for stage in self.ends}


class Offsets:
    """Offsets as the brokers report them now; a context manager that connects with the first question."""

    def __init__(self, settings: Mapping[str, Any], *, seconds: float = PATIENCE_SECONDS) -> None:
        """Take client settings, and the longest time in seconds of a question while brokers come and go."""
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
        """Return the committed offsets of each group by partition, without partitions where it never committed.

        Raises:
            TransportError: TRA-031, no answer in time.
        """
        asked = list(groups)
        answer = self._ask(lambda client: client.list_group_offsets(asked))
        # A broker may report -1 for a partition without a commit, which is the same as 0: nothing was read.
        return {group: {tp: max(0, entry.offset) for tp, entry in answer.get(group, {}).items()} for group in asked}

    def ends(self, partitions: Iterable[TopicPartition], *, stable: bool = False) -> At:
        """Return the end offset of each partition: the offset that its next record will get. Raises as `committed`.

        Args:
            partitions: The partitions.
            stable: Ask for the offset of the first transaction that is not ended yet, if there is one: whoever reads
                finished transactions alone gets no further.
        """
        asked = dict.fromkeys(partitions, OffsetSpec.LATEST)
        level = IsolationLevel.READ_COMMITTED if stable else IsolationLevel.READ_UNCOMMITTED
        # The admin client looks up the leaders each time. A consumer's `end_offsets` repeats its question to a broker
        # that no longer leads, without new metadata, until its timeout (kafka-python 3.0.12, `fetcher.py`).
        answer = self._ask(lambda client: client.list_partition_offsets(asked, level, timeout_ms=_REQUEST_MS))
        return {tp: int(answer[tp].offset) for tp in asked}

    def close(self) -> None:
        """Disconnect; the next question connects again."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _ask(self, question: Callable[[KafkaAdminClient], Answer]) -> Answer:
        """Ask until there is an answer or the deadline has passed; after each fault over a new connection."""
        deadline = time.monotonic() + self._seconds
        while True:
            try:
                return question(self._connected(deadline - time.monotonic()))
            except KafkaError as error:
                # kafka-python's admin client keeps for ever which broker coordinates a group (3.0.12:
                # `_find_coordinator_ids` asks for unknown groups only): after the coordinator has moved, the same
                # client would fail at every try.
                self.close()
                if isinstance(error, _FINAL) or time.monotonic() > deadline:
                    raise TransportError("TRA-031", f"the brokers tell no offsets: {type(error).__name__}") from error
                time.sleep(_PAUSE_SECONDS)

    def _connected(self, seconds: float) -> KafkaAdminClient:
        if self._client is None:
            # The constructor has a patience of its own, which is cut to the time that the question has left.
            bootstrap = min(_REQUEST_MS, max(_LEAST_MS, int(seconds * 1000)))
            self._client = open_client(
                KafkaAdminClient, self._settings, bootstrap_timeout_ms=bootstrap, request_timeout_ms=_REQUEST_MS
            )
        return self._client


def lag(offsets: Offsets, reads: Mapping[str, Sequence[TopicPartition]]) -> Lag:
    """Return the progress of stages.

    Args:
        offsets: the connection.
        reads: stage, which is its consumer group -> the partitions that it reads.

    Raises:
        TransportError: TRA-031, no answer in time.
    """
    # In this order: a record that arrives between the two readings shows as lag. In the other order it could be read,
    # and its outputs sent on, between two readings that both show none.
    committed = offsets.committed(reads)
    ends = offsets.ends(tp for partitions in reads.values() for tp in partitions)
    return Lag(
        {stage: {tp: committed[stage].get(tp, 0) for tp in partitions} for stage, partitions in reads.items()},
        {stage: {tp: ends[tp] for tp in partitions} for stage, partitions in reads.items()},
    )
