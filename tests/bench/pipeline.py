"""The way of an event: how long it takes at half of full load, and what a second de-identifier brings.

`python -m tests.bench.pipeline`. Every event has a narrative of 200 characters in one of three languages, scanned by
patterns and names models. Each de-identifier of the comparison is held to a core of its own with its detectors, so that
one does not use the other's; broker and registry are where the system puts them. Full load is what one process of each
stage takes from topics that are filled as fast as they go, with this publisher and reader on the same cores; half of
it is sent at an even pace.
"""

import concurrent.futures
import math
import os
import random
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from amana.local import runtime, server_process
from amana.site import Site
from connectors.adapters import schema_ids
from streams.runtime.stage import Record
from tests.bench import latency
from tests.support import faults, flow, narratives, policies, raw_events

EVENTS = int(os.environ.get("AMANA_BENCH_EVENTS", "12000"))
SECONDS = 30
CHARACTERS = 200
LONE = 8
WHOLE = (0.15, 0.85)
"""Between these shares of a run the rate is taken: neither start nor last batches are in it."""

LOOK_SECONDS = 0.25


def measure() -> dict[str, float]:
    """Print the latencies, and return the ratio of two workers to one."""
    folder = tempfile.TemporaryDirectory(prefix="amana-bench-")
    with folder as home:
        policies.masking(Path(home))
        every = {"deidentify": 1, "dedupe": 1, "aggregate": 1, "release": 0}
        with runtime.running(Path(home), workers=every, agencies=flow.AGENCIES) as site:
            _on_the_way(site)
        with runtime.running(Path(home), workers=False) as site:
            one, two = (_taken(site, cores, start) for cores, start in (([0], 10**6), ([0, 1], 2 * 10**6)))
    print(f"deidentify, one worker {one:,.0f} events/s, two {two:,.0f}", flush=True)
    return {"scale/deidentify-2-workers": two / one}


def _on_the_way(site: Site) -> None:
    """Measure full load, then the times at half of it."""
    with faults.Group(site, "deidentify") as group, concurrent.futures.ThreadPoolExecutor(1) as beside:
        before = sum(group.committed().values())
        read = beside.submit(latency.at, site, sealed(site, EVENTS, 0), [], math.inf)
        full = _rate(group, before, EVENTS)
        read.result()
        faults.settled(site, 600)
    half = full / 2
    print(f"full load {full:,.0f} events/s, one process of each stage", flush=True)
    events = sealed(site, math.ceil(half * SECONDS), EVENTS, alone=True)
    found = latency.at(site, events, events[::LONE], half)
    for way, times in found.items():
        print(f"publish to {way}, at {half:,.0f} events/s: {_told(times)}", flush=True)


def _told(times: Sequence[float]) -> str:
    ordered = sorted(times)
    median, late = (ordered[min(len(ordered) - 1, int(len(ordered) * share))] for share in (0.5, 0.99))
    return f"median {median:.2f} s, p99 {late:.2f} s, worst {ordered[-1]:.2f} s ({len(ordered)} events)"


def _taken(site: Site, cores: Sequence[int], start: int) -> float:
    """Return the rate of as many workers as there are cores, each held to its own."""
    with faults.Group(site, "deidentify") as group:
        before = sum(group.committed().values())
        latency.send(site, sealed(site, EVENTS, start))
        workers = [server_process.worker(site.dir, "deidentify", index) for index in range(len(cores))]
        try:
            for worker, core in zip(workers, cores, strict=True):
                worker.start()
                os.sched_setaffinity(worker.pid, {core})  # before it has started anything: its detectors inherit it
            return _rate(group, before, EVENTS)
        finally:
            server_process.stop_all(workers, seconds=10)


def _rate(group: faults.Group, before: int, number: int) -> float:
    """Return events/s: the slope of a line through what is committed between two shares of the run."""
    low, high = (before + int(number * share) for share in WHOLE)
    group.wait_for(low, 600)
    marks = [(time.perf_counter(), sum(group.committed().values()))]
    while marks[-1][1] < high:
        time.sleep(LOOK_SECONDS)
        marks.append((time.perf_counter(), sum(group.committed().values())))
    group.wait_for(before + number, 600)
    times, done = zip(*marks, strict=True)
    return statistics.linear_regression(times, done).slope


def sealed(site: Site, number: int, first: int, *, alone: bool = False) -> list[Record]:
    """Make events as their agencies publish them; where `alone`, every eighth has a cell of its own."""
    ids, draw = schema_ids.allow_list(site.schema_ids, ["envelope"]).current, random.Random(first)
    keys = {agency: raw_events.keys_of(site, agency) for agency in flow.AGENCIES}
    made, texts = list[Record](), _texts(number, first)
    for n in range(number):
        agency, (language, text) = draw.choice(flow.AGENCIES), next(texts)
        where = latency.place_of(n // LONE) if alone and n % LONE == 0 else {}
        event = raw_events.event(number=first + n + 1, agency=agency, language=language, hte_Description=text, **where)
        made.append(raw_events.record("case", event, first + n, ids, *keys[agency]))
    return made


def _texts(number: int, seed: int) -> Iterator[tuple[str, str]]:
    for told in narratives.narratives(number, seed):
        long = told.text * math.ceil(CHARACTERS / len(told.text))
        yield told.language, long[:CHARACTERS]


if __name__ == "__main__":
    for name, value in measure().items():
        print(f"ratio {name} {value:.2f}", flush=True)
