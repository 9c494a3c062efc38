"""A broker in memory: logs that keep what arrived, and can be compacted; and the commits of stages."""

import dataclasses
import itertools
from collections import Counter

from streams.runtime.columnar_fetches import Fetch
from streams.runtime.stage import Output

__all__ = ["Broker", "Log", "Place"]

Place = tuple[str, int]
"""A topic or a stage, and a partition."""


@dataclasses.dataclass(slots=True)
class Log:
    """One partition: what is still there of it, by offset, and its end."""

    records: dict[int, tuple[bytes, bytes | None]] = dataclasses.field(default_factory=dict)
    end: int = 0

    def append(self, key: bytes, value: bytes | None) -> None:
        """Take one record."""
        self.records[self.end] = key, value
        self.end += 1

    def fetch(self, place: Place, start: int, most: int) -> Fetch:
        """Return at most `most` records from `start` on."""
        offsets = list(itertools.islice((at for at in self.records if at >= start), most))
        keys, values = zip(*(self.records[at] for at in offsets), strict=True) if offsets else ((), ())
        return Fetch(*place, offsets, keys, values)

    def compact(self, end: int, *, tombstones: bool) -> None:
        """Keep, below `end`, the last record of each key; its tombstone too only with `tombstones`."""
        last = {key: at for at, (key, _) in self.records.items() if at < end}
        for at in [at for at in self.records if at < end]:
            key, value = self.records[at]
            if last[key] != at or (value is None and not tombstones):
                del self.records[at]


class Broker:
    """Logs by topic and partition, and commits and generations by stage and partition."""

    def __init__(self) -> None:
        self.logs: dict[Place, Log] = {}
        self.committed: dict[Place, int] = {}
        self.generations: Counter[Place] = Counter()

    def log(self, place: Place) -> Log:
        """Return a partition's log, empty where nothing was written yet."""
        return self.logs.setdefault(place, Log())

    def take(self, output: Output) -> None:
        """Append what arrived."""
        self.log((output.topic, output.partition)).append(output.key, output.value)
