"""The counting path against its peers: deltas to acknowledged cells, same topic, same machine, same run.

Ours is the stage as it is deployed. Stock Faust updates one plain table per event; Quix Streams and Bytewax keep a
count per cell in their state; all three decode the same records with fastavro. Each runs in its own process
(`tests.bench.peers`). For the peers the clock stops when the last event was handled, for ours when its cells were
acknowledged and kept.
"""

import asyncio
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from amana.local import runtime
from amana.site import Site
from connectors.adapters import schema_ids
from schemas import catalogue, codec
from streams.broker import topics
from streams.broker.partitions import partition_of
from streams.runtime import outbox
from streams.runtime.stage import Output
from tests.bench import jvm
from tests.bench.peers import PRINCIPAL
from tests.support import flow

DELTAS = int(os.environ.get("AMANA_BENCH_DELTAS", "1000000"))
STOCK = min(DELTAS, 40_000)
"""Events of the stock Faust run: its rate is constant, and the whole topic would take minutes."""

EVENTS = 40_000
"""De-identified events of the dedupe run, which is reported and not compared."""

PEERS = {
    "aggregate": DELTAS,
    "quixstreams": DELTAS,
    "bytewax": DELTAS,
    "faust": STOCK,
    "raw-consume": DELTAS,
    **(dict.fromkeys(jvm.GUARANTEES, DELTAS) if jvm.is_here() else {}),
}
"""How many deltas each is given; `raw-consume` takes the records from the driver and does nothing with them."""

CELLS = 3_000
RUNS = int(os.environ.get("AMANA_BENCH_RUNS", "2"))


def measure() -> dict[str, float]:
    """Run everything and return the ratios of the medians."""
    folder = tempfile.TemporaryDirectory(prefix="amana-bench-")
    with folder as home, runtime.running(Path(home), workers=False) as site:
        return _measure(site)


def _measure(site: Site) -> dict[str, float]:
    current = schema_ids.allow_list(site.schema_ids).current
    asyncio.run(_fill(site, current["delta"]))
    asyncio.run(
        flow.publish(
            site.cluster("worker.deidentify").kafka_settings(), flow.events(EVENTS, 1), current["deidentified.case"]
        )
    )
    rates: dict[str, list[float]] = {}
    for run in range(RUNS):
        for peer, number in PEERS.items():
            rates.setdefault(peer, []).append(_rate(site, peer, number, run))
    rates["dedupe"] = [_rate(site, "dedupe", EVENTS, 0)]
    if not jvm.is_here():
        print("counting/kafka-streams, counting/kafka-streams-eos: not run, there is no JDK", flush=True)
    medians = {peer: statistics.median(found) for peer, found in rates.items()}
    for peer, median in medians.items():
        each = ", ".join(f"{rate:,.0f}" for rate in rates[peer])
        print(f"{peer:12} {median:>10,.0f} events/s   ({each})", flush=True)
    return {f"counting/{peer}": medians["aggregate"] / medians[peer] for peer in PEERS if peer != "aggregate"}


def _rate(site: Site, peer: str, number: int, run: int) -> float:
    """Run one peer in a process of its own; it prints the seconds it took, among what its terminal says."""
    command = [sys.executable, "-m", "tests.bench.peers", peer, str(number), str(run)]
    if peer in jvm.GUARANTEES:
        command = jvm.command(site, PRINCIPAL, peer, number, run)
    done = subprocess.run(
        command, env={**os.environ, "AMANA_DATA": str(site.dir)}, stdout=subprocess.PIPE, check=False, timeout=600
    )
    found = re.search(rb'"seconds": ([0-9.e+-]+)', done.stdout)
    if found is None:
        msg = f"{peer} ended without a time"
        raise RuntimeError(msg)
    return number / float(found[1])


async def _fill(site: Site, schema: int) -> None:
    box = await outbox.Outbox(site.cluster("worker.dedupe").kafka_settings(), "bench").start()
    try:
        outputs = list(_deltas(schema))
        for start in range(0, len(outputs), 20_000):
            await box.send(outputs[start : start + 20_000])
    finally:
        await box.stop()


def _deltas(schema: int) -> Iterator[Output]:
    """Make deltas as dedupe does: ascending marks per source, a few thousand cells, four to an event."""
    draw, parsed = random.Random(7), catalogue.load("delta").parsed
    months = [f"2024-{month:02}" for month in range(1, 13)]
    cells = [f"cases|profile|TIP|possible|LBN|{months[n % 12]}|F|18--20|forced-labour-{n // 12}" for n in range(CELLS)]
    for n in range(DELTAS):
        cell = draw.choice(cells)
        delta = {
            "cell": cell,
            "agency": draw.choice(flow.AGENCIES),
            "amount": 1,
            "source": f"case/{(n // 4) % topics.PARTITIONS}",
            "offset": n // 16,
            "ordinal": n % 4,
        }
        key = cell.encode()
        yield Output("deltas", partition_of(key, topics.PARTITIONS), key, codec.encode(schema, parsed, delta))
