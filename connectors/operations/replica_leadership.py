"""The replica of each partition that leads it, given to one after the other.

Purpose: brokers compact their replicas by themselves, each in its own time, and a client reads from the leader. To know
that a record is on no broker any more, every replica has to lead once.
Called by: `connectors.operations.removal`.

Invariants:
- The order of the replicas is set back, whatever happens; if this process is killed, another replica is the preferred
  leader, which changes nothing else.
- Partitions with one replica are left alone.

Source: KIP-455 (order of replicas), KIP-460 (election of the preferred leader).
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from kafka import TopicPartition
from kafka.admin import KafkaAdminClient

__all__ = ["ReplicaLeadership"]

_PREFERRED: Final = 0


class ReplicaLeadership:
    """The leaders of some partitions.

    Args:
        admin: connection of the admin.
        partitions: the partitions.
    """

    def __init__(self, admin: KafkaAdminClient, partitions: Iterable[TopicPartition]) -> None:
        self._admin = admin
        self._wanted = set(partitions)
        self._replicas = {tp: list(one["replica_nodes"]) for tp, one in self._described().items()}
        self._leaders = {tp: replicas[0] for tp, replicas in self._replicas.items()}

    @contextmanager
    def in_turn(self) -> Iterator[Iterator[int]]:
        """Yield the numbers of the replicas, the first of each partition, then the second; each is told to lead."""
        most = max(map(len, self._replicas.values()), default=1)
        try:
            yield (self._given(number) for number in range(most))
        finally:
            if most > 1:
                self._given(0)

    def epochs(self) -> Mapping[TopicPartition, int]:
        """Return the epoch of each leader that was told to lead; of no partition that another replica leads still."""
        return {
            tp: one["leader_epoch"] for tp, one in self._described().items() if one["leader_id"] == self._leaders[tp]
        }

    def elect(self) -> None:
        """Let the replicas lead that were told to: a broker that came back a moment ago is not elected by itself."""
        if several := [tp for tp, replicas in self._replicas.items() if len(replicas) > 1]:
            self._admin.elect_leaders(_PREFERRED, _by_topic(several), raise_errors=False)

    def _given(self, number: int) -> int:
        orders = {}
        for tp, replicas in self._replicas.items():
            first = number % len(replicas)
            orders[tp] = replicas[first:] + replicas[:first]
        self._leaders = {tp: order[0] for tp, order in orders.items()}
        if several := {tp: order for tp, order in orders.items() if len(order) > 1}:
            self._admin.alter_partition_reassignments(several)
            self.elect()
        return number

    def _described(self) -> dict[TopicPartition, Mapping[str, Any]]:
        found = {
            TopicPartition(topic["name"], one["partition_index"]): one
            for topic in self._admin.describe_topics(sorted({tp.topic for tp in self._wanted}))
            for one in topic["partitions"]
        }
        return {tp: one for tp, one in found.items() if tp in self._wanted}


def _by_topic(partitions: Iterable[TopicPartition]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for tp in partitions:
        found.setdefault(tp.topic, []).append(tp.partition)
    return found
