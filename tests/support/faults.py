"""Faults of processes, and the two measures of what they do: counts against the recount, and partitions at work.

A partition is back at work when something that was published after the fault, or lay there unread, is committed.
"""

import logging
import os
import signal
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from kafka import TopicPartition

from amana.site import Site
from connectors.adapters import schema_ids, topic_reading
from connectors.adapters.progress import Offsets, lag
from connectors.operations import exact_cells, pipeline_status
from streams.broker import access, topics
from tests.support import flow
from tests.support.runtime import consume_all

__all__ = ["IDLE_SECONDS", "Group", "TopicPartition", "differences", "freeze", "lost", "pid", "settled", "thaw"]

IDLE_SECONDS: Final = 60.0
"""No partition with something to read may stand still for longer."""

_POLL_SECONDS: Final = 0.1


def pid(site: Site, child: str) -> int:
    """Return the process id of a child of the supervisor, as `worker-dedupe-0` or `broker`."""
    return int(Path(site.path("run", f"{child}.pid")).read_text(encoding="ascii"))


def freeze(process: int) -> None:
    """Stop a process where it is, as a machine that swaps or a virtual machine that is moved does."""
    os.kill(process, signal.SIGSTOP)


def thaw(process: int) -> None:
    """Let a frozen process go on, unaware of the time that has passed."""
    os.kill(process, signal.SIGCONT)


def _cases(stage: str, agencies: Iterable[str]) -> Sequence[str]:
    """Name what a stage reads of cases: no other kind is fed."""
    raw = [topics.raw(agency, "case") for agency in agencies]
    return {"deidentify": raw, "dedupe": ["deidentified.case"], "aggregate": ["deltas"]}[stage]


class Group:
    """The committed offsets of a stage's partitions; a context manager."""

    def __init__(self, site: Site, stage: str) -> None:
        logging.getLogger("kafka").setLevel(logging.CRITICAL)
        self._site, self._stage = site, stage
        self._partitions = topic_reading.partitions(_cases(stage, site.agencies), site.agencies)

    def __enter__(self) -> Self:
        """Connect."""
        self._offsets = Offsets(self._site.cluster("operator").kafka_settings(), seconds=IDLE_SECONDS)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Disconnect."""
        self._offsets.close()

    def committed(self) -> dict[TopicPartition, int]:
        """Return the next offset to read by partition, as soon as the broker knows: no answer is no progress."""
        return dict(lag(self._offsets, {self._stage: self._partitions}).committed[self._stage])

    def ends(self) -> dict[TopicPartition, int]:
        """Return the end offsets."""
        return self._offsets.ends(self._partitions)

    def wait_past(self, before: Mapping[TopicPartition, int], seconds: float = IDLE_SECONDS) -> float:
        """Wait until every partition is committed beyond `before`; return the seconds it took."""
        begun = time.monotonic()
        while True:
            now = self.committed()
            behind = [one for one in before if now.get(one, -1) <= before[one]]
            taken = time.monotonic() - begun
            if not behind:
                return taken
            assert taken < seconds, f"{self._stage}: {behind} idle for {seconds} s, ends {self.ends()}, {now}"
            time.sleep(_POLL_SECONDS)

    def wait_for(self, least: int, seconds: float) -> None:
        """Wait until `least` records are committed in all."""
        deadline = time.monotonic() + seconds
        while sum(self.committed().values()) < least:
            assert time.monotonic() < deadline, f"{self._stage} did not get to {least} records"
            time.sleep(_POLL_SECONDS)


def settled(site: Site, seconds: float) -> None:
    """Wait until every stage has read everything."""
    deadline = time.monotonic() + seconds
    with pipeline_status.PipelineStatus(site.cluster("operator")) as place:
        while any((lags := place.look().lags).values()):
            assert time.monotonic() < deadline, f"the stages did not read everything: {lags}"
            time.sleep(0.5)


def differences(site: Site, sent: Iterable[Mapping[str, Any]]) -> tuple[Counter[str], Counter[str]]:
    """Return what was counted too much and what is missing, cell by cell, against the recount of the events."""
    counted = {
        cell: count
        for cell, count in exact_cells.read(site.cluster("operator")).items()
        if cell.startswith("cases|profile|")
    }
    truth = flow.recount(sent)
    assert truth
    return Counter(counted) - truth, truth - Counter(counted)


def lost(site: Site, acknowledged: Iterable[Mapping[str, Any]]) -> int:
    """Count the acknowledged events that are not on their topic."""
    schema = schema_ids.allow_list(site.schema_ids, ["deidentified.case"]).id_of("deidentified.case")
    there = {record.value for record in consume_all(site, access.ADMIN, "deidentified.case")}
    return sum(output.value not in there for output in flow.outputs(acknowledged, schema))
