"""The progress bar of the demonstration, drawn on a terminal alone: in a file it would be noise.

Purpose: show a person how far a run is.
Called by: `amana.demo.run`.

Invariants:
- Nothing is drawn where standard error is no terminal.
"""

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn

from connectors.adapters.cluster import Cluster
from connectors.operations import pipeline_status

__all__ = ["over", "until_idle"]

Item = TypeVar("Item")


def over(items: Iterable[Item], total: int) -> Iterator[Item]:
    """Yield the items, and show a bar of their number."""
    with _bar() as bar:
        yield from bar.track(items, total=total)


def until_idle(cluster: Cluster, seconds: float) -> pipeline_status.Tally:
    """Return the progress once the pipeline is idle, or when `seconds` have passed; show a bar of decided records."""
    deadline = time.monotonic() + seconds
    with pipeline_status.PipelineStatus(cluster) as status, _bar() as bar:
        task = bar.add_task("", total=None)
        while True:
            begun = time.monotonic()
            tally = status.look()
            decided = sum(sum(outcomes.values()) for outcomes in tally.outcomes.values())
            bar.update(task, completed=decided, total=sum(tally.published.values()))
            if tally.is_idle or time.monotonic() > deadline:
                return tally
            pipeline_status.pause(time.monotonic() - begun)


def _bar() -> Progress:
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True)
