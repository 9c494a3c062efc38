"""The fetch scheduler: the partitions that may be fetched from next, so that none waits for ever behind the others.

Purpose: decides by the fetches that are not handled yet. Faust's own rule lets a partition go on only when its queue is
almost empty, one partition at a time: with seven partitions or more, some were read again only when all others had
ended.

Called by: `streams.runtime.transport.BatchConsumer`.

Invariants:
- At most `AT_ONCE` fetches wait or are in work, at most `EACH` of one partition and `OF_OWNER` of one owner: an
  agency that fills all its topics at once has no more in front of the others than one that fills one of them.
- Fetches of one partition are handled in their order.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable
from typing import Generic, TypeVar

__all__ = ["AT_ONCE", "EACH", "OF_OWNER", "FetchScheduler"]

AT_ONCE = 8
"""Fetches that may wait or be in work when more are asked for: each is held in memory."""

EACH = 2
"""Fetches of one partition: one in work, and the next."""

OF_OWNER = 4
"""Fetches of one owner: as many as the two partitions of one topic may have."""

P = TypeVar("P")


class FetchScheduler(Generic[P]):
    """The last offsets of the fetches that are not handled yet, ascending, by partition.

    Args:
        owner: Returns the owner of a partition; each partition is its own if nothing else is said.
    """

    def __init__(self, owner: Callable[[P], Hashable] = lambda partition: partition) -> None:
        self._owner = owner
        self._waiting: defaultdict[P, list[int]] = defaultdict(list)

    def fetched(self, partition: P, last: int) -> None:
        """Note a fetch that ends with the offset `last`."""
        self._waiting[partition].append(last)

    def handled(self, partition: P, last: int) -> None:
        """Note that all records up to the offset `last` are handled."""
        rest = [offset for offset in self._waiting.get(partition, ()) if offset > last]
        if rest:
            self._waiting[partition] = rest
        else:
            self._waiting.pop(partition, None)

    def clear(self) -> None:
        """Forget all fetches: after a rebalance they are given back."""
        self._waiting.clear()

    def of(self, partitions: Iterable[P]) -> set[P]:
        """Return those of `partitions` that may be fetched from; none while `AT_ONCE` fetches wait."""
        if sum(map(len, self._waiting.values())) >= AT_ONCE:
            return set()
        of_owner: Counter[Hashable] = Counter()
        for partition, fetches in self._waiting.items():
            of_owner[self._owner(partition)] += len(fetches)
        return {
            partition
            for partition in partitions
            if len(self._waiting.get(partition, ())) < EACH and of_owner[self._owner(partition)] < OF_OWNER
        }
