"""How long a stage takes from its start to its first commit, by the size of its state: `python -m … [CELLS …]`.

The changelog is written with the stage's own encoder, and a few records wait to be read; then the process is started
as an operator does. The clock stops when the broker has the commit of every partition, which a stage sends each second.
"""

import asyncio
import itertools
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from amana.local import runtime, server_process
from amana.site import Site
from schemas.identifiers import AgencyId, CubeKey, EventId
from schemas.record_seal import RecordSeal
from streams.broker import topics
from streams.broker.partitions import partition_of
from streams.core.counting import dedupe as persons
from streams.core.counting import delta_packs, state_value
from streams.runtime import outbox
from streams.runtime.stage import Output
from streams.stages import dedupe
from tests.support import ballast, faults, flow

CELLS = (125_000, 250_000, 500_000, 1_000_000)
WAITING = 200
"""Records that wait to be read, some for each partition."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What one start took."""

    stage: str
    size: int
    seconds: float
    processor: float
    mebibytes: float

    def __str__(self) -> str:
        """Write one line."""
        took = f"{self.seconds:6.1f} s, {self.processor:5.1f} s of them on the processor"
        return f"recovery {self.stage:9} {self.size:>9,} keys {took}, {self.mebibytes:6,.0f} MiB at most"


def measure(sizes: Iterable[int] = CELLS, stages: Iterable[str] = ("aggregate", "dedupe")) -> None:
    """Print a line for every start, an empty state first."""
    with tempfile.TemporaryDirectory(prefix="amana-bench-") as home, runtime.running(Path(home), workers=False) as site:
        for stage in stages:
            for before, size in itertools.pairwise((0, 0, *sorted(sizes))):
                asyncio.run(_fill(site, stage, before, size))
                print(_start(site, stage, size), flush=True)


def _start(site: Site, stage: str, size: int) -> Measured:
    """Start the stage, and end it when it has committed what waited."""
    worker = server_process.worker(site.dir, stage, 0)
    with faults.Group(site, stage) as group:
        before = group.committed()
        ends = group.ends()
        begun = time.monotonic()
        worker.start()
        try:
            group.wait_past({one: max(before[one], ends[one] - 1) for one in ends if ends[one]}, 600)
            taken = time.monotonic() - begun
            spent, peak = psutil.Process(worker.pid).cpu_times(), _peak(worker.pid)
        finally:
            server_process.stop_all([worker], seconds=30)
    return Measured(stage, size, taken, spent.user + spent.system, peak / 2**20)


def _peak(pid: int) -> int:
    """Return the most memory that the process has had."""
    status = Path(f"/proc/{pid}/status")
    if not status.exists():  # not Linux
        return int(psutil.Process(pid).memory_info().rss)
    return next(1024 * int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM"))


async def _fill(site: Site, stage: str, first: int, end: int) -> None:
    """Write the changelog's keys from `first` to `end`, and what waits."""
    seal = site.cluster("worker.dedupe").seal
    filled = ballast.cells(seal, first, end) if stage == "aggregate" else _persons(seal, first, end)
    await ballast.send(site, filled)
    box = await outbox.Outbox(site.cluster("admin").kafka_settings(), "bench").start()
    try:
        waiting = _deltas(seal, end) if stage == "aggregate" else flow.outputs(flow.events(WAITING, seed=end), seal)
        await box.send(list(waiting))
    finally:
        await box.stop()


def _deltas(seal: RecordSeal, size: int) -> Iterator[Output]:
    for n in range(WAITING):
        key = CubeKey(ballast.key(n))
        row = delta_packs.Row(key, AgencyId(flow.AGENCIES[0]), 1, 1_000 + size + n, 0)
        value = seal.write("delta", ballast.YEAR, delta_packs.pack(ballast.YEAR, "case/0", [row]), "deltas")
        yield Output("deltas", partition_of(key.encode(), topics.PARTITIONS), b"", value)


def _persons(seal: RecordSeal, first: int, end: int) -> Iterator[Output]:
    for n in range(first, end):
        token = f"{n:032x}"
        cells = ((CubeKey(ballast.key(n)), 1), (CubeKey(f"{ballast.key(n)}+"), 1))
        events = [
            persons.DeidentifiedEvent(
                EventId(f"{n:016x}{event:016x}"),
                AgencyId(flow.AGENCIES[event]),
                "case",
                1,
                "reported",
                f"{n:032x}",
                "2024-01",
                (0, n),
                cells,
            )
            for event in range(2)
        ]
        seen = {event.key: event for event in events}
        key = seal.index(ballast.YEAR, f"case|{token}")
        sealed = seal.seal(
            ballast.YEAR,
            persons.dump(persons.PersonYear(0, seen, persons.CountedRecord(events[0].agency, events[0].key, cells))),
            dedupe.STATE,
            key,
        )
        partition = partition_of(token.encode(), topics.PARTITIONS)
        yield Output(dedupe.STATE, partition, key.encode() + b"\x00" + b"0" * 16, state_value.prefixed(0, sealed))


if __name__ == "__main__":
    measure([int(one) for one in sys.argv[1:]] or CELLS)
