"""Which partitions may be read from next, so that none waits for ever behind the others.

Decides by what was fetched and is not handled yet. Faust's own way lets a partition go on only when its queue is almost
empty, one partition at a time: with seven and more of them, some were read again only when all others had ended.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Generic, TypeVar

__all__ = ["AT_ONCE", "EACH", "FetchScheduler"]

AT_ONCE = 8
"""Fetches that may wait or be in work when more are asked for: each is held in memory."""

EACH = 2
"""Fetches of one partition: one in work, and the next."""

P = TypeVar("P")


class FetchScheduler(Generic[P]):
    """What was fetched of each partition and is not handled yet, by its last offset, ascending."""

    def __init__(self) -> None:
        self._waiting: defaultdict[P, list[int]] = defaultdict(list)

    def fetched(self, partition: P, last: int) -> None:
        """Note a fetch that ends with the offset `last`."""
        self._waiting[partition].append(last)

    def handled(self, partition: P, last: int) -> None:
        """Note that all up to the offset `last` is handled: what is fetched of a partition is handled in order."""
        left = [offset for offset in self._waiting.get(partition, ()) if offset > last]
        if left:
            self._waiting[partition] = left
        else:
            self._waiting.pop(partition, None)

    def clear(self) -> None:
        """Forget everything: what was fetched is given back."""
        self._waiting.clear()

    def of(self, partitions: Iterable[P]) -> set[P]:
        """Return those of `partitions` that may be read from; none while enough waits for all of them."""
        if sum(map(len, self._waiting.values())) >= AT_ONCE:
            return set()
        return {one for one in partitions if len(self._waiting.get(one, ())) < EACH}
