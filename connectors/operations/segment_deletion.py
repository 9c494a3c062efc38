"""Deletion of the segments of topics that were cut off, as the sizes of their replicas tell it.

Purpose: the brokers delete a segment some time after the cut has passed it, and report no offset of what is still on
the disk. They report how many bytes there are: what a replica has lost since the cut tells how far the deletion is.
Called by: `connectors.operations.removal`.

Invariants:
- Nothing is concluded from a time: a broker that stands still has deleted nothing, however long it was.
- A replica loses its oldest bytes first. Bytes that are appended hide a loss and never add one: the answer may come
  later than the deletion, and never before it.
- A replica whose broker does not answer, or that was moved to another broker meanwhile, has deleted nothing.

>>> replica = (1, "deltas", 0)
>>> deletions = Deletions({replica: 100})
>>> [deletions.are_done({replica: size}) for size in (140, 60, 90, 60)]
[False, False, False, True]
"""

from collections.abc import Iterable, Mapping

from kafka.admin import KafkaAdminClient

__all__ = ["Deletions", "Replica", "ReplicaSizes"]

Replica = tuple[int, str, int]
"""The id of a broker, a topic, and the number of a partition of it that the broker has."""


class Deletions:
    """The deletion of all that some replicas held at one moment.

    Args:
        held: their bytes at that moment.
    """

    def __init__(self, held: Mapping[Replica, int]) -> None:
        self._left, self._last = dict(held), dict(held)

    def are_done(self, sizes: Mapping[Replica, int] | None) -> bool:
        """Return whether everything was deleted, by the bytes that the replicas have now; None if these are unknown."""
        if sizes is None:
            return False
        for replica, left in self._left.items():
            size = sizes.get(replica, self._last[replica])
            # A replica without any bytes has none of the old ones, whatever its losses were hidden by.
            self._left[replica] = left - max(0, self._last[replica] - size) if size else 0
            self._last[replica] = size
        return all(left <= 0 for left in self._left.values())


class ReplicaSizes:
    """The sizes of the replicas of some topics.

    Args:
        admin: connection of the admin.
        names: the topics.
    """

    def __init__(self, admin: KafkaAdminClient, names: Iterable[str]) -> None:
        self._admin, self._names = admin, sorted(set(names))

    def read(self) -> Mapping[Replica, int] | None:
        """Return the bytes of each replica; None if a broker that has one does not answer."""
        found: dict[Replica, int] = {}
        for broker in self._admin.describe_log_dirs(self._names):
            for place in broker["log_dirs"]:
                for topic in place["topics"]:
                    for one in topic["partitions"]:
                        replica = broker["broker"], topic["name"], one["partition_index"]
                        found[replica] = found.get(replica, 0) + one["partition_size"]
        return found if found.keys() >= self._replicas() else None

    def _replicas(self) -> set[Replica]:
        """Return all replicas, also those whose brokers are away."""
        return {
            (broker, topic["name"], one["partition_index"])
            for topic in self._admin.describe_topics(self._names)
            for one in topic["partitions"]
            for broker in one["replica_nodes"]
        }
