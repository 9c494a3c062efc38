"""Resident memory and open files of the processes of a running system, children included, sampled over time."""

import contextlib
import statistics
import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import psutil

from amana.site import Site

__all__ = ["Gauge", "Sample", "slope"]


@dataclass(frozen=True, slots=True)
class Sample:
    """One moment of one process and its children: seconds, MiB, open files."""

    at: float
    mebibytes: float
    files: int


def slope(samples: Sequence[Sample]) -> float:
    """Return the growth of memory in MiB an hour: the slope of a straight line through the samples."""
    times, sizes = [one.at for one in samples], [one.mebibytes for one in samples]
    return statistics.linear_regression(times, sizes).slope * 3600


class Gauge:
    """Samples every child of the supervisor each `seconds`; a context manager."""

    def __init__(self, site: Site, seconds: float) -> None:
        self._site, self._seconds = site, seconds
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._samples: defaultdict[str, list[Sample]] = defaultdict(list)

    def __enter__(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop sampling."""
        self._ended.set()
        self._thread.join()

    def since(self, share: float) -> Mapping[str, Sequence[Sample]]:
        """Return the samples by process, without the first `share` of them: the time of warming up."""
        return {name: found[int(len(found) * share) :] for name, found in self._samples.items()}

    def _run(self) -> None:
        while not self._ended.wait(self._seconds):
            for file in self._site.path("run").glob("*.pid"):
                with contextlib.suppress(OSError, ValueError, psutil.Error):
                    process = psutil.Process(int(file.read_text(encoding="ascii")))
                    every = [process, *process.children(recursive=True)]
                    size = sum(one.memory_info().rss for one in every) / 2**20
                    self._samples[file.stem].append(Sample(time.time(), size, sum(one.num_fds() for one in every)))
