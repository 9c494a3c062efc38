"""The counting path against its peers: deltas to acknowledged cells, same deltas, same machine, same run.

Ours is the stage as it is deployed: it reads deltas that are sealed, `PACK` to a record, as dedupe sends them. The
peers read the same ones in clear, one a record, since they can open nothing. Stock Faust updates one plain table per
event; Quix Streams and Bytewax keep a count per cell in their state; all three decode the same records with fastavro.
Each runs in its own process (`tests.bench.peers`). For the peers the clock stops when the last event was handled, for
ours when its cells were acknowledged and kept.
"""

import asyncio
import io
import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import fastavro

from amana.local import runtime
from amana.site import Site
from schemas.identifiers import AgencyId, CubeKey
from schemas.record_seal import RecordSeal
from streams.broker import topics
from streams.broker.partitions import partition_of
from streams.core.counting import delta_packs
from streams.runtime import outbox
from streams.runtime.stage import Output
from tests.bench import jvm
from tests.bench.peers import HEADER, PLAIN, PRINCIPAL, create
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

CELLS, YEAR = 3_000, "2024"

PACK = 500
"""Deltas of one of our records: a batch of some hundred events, which is what dedupe has under a modest load."""

_SINGLE = fastavro.parse_schema(json.loads(jvm.SCHEMA.read_text(encoding="utf-8")))
RUNS = int(os.environ.get("AMANA_BENCH_RUNS", "2"))


def measure() -> dict[str, float]:
    """Run everything and return the ratios of the medians."""
    folder = tempfile.TemporaryDirectory(prefix="amana-bench-")
    with folder as home, runtime.running(Path(home), workers=False) as site:
        return _measure(site)


def _measure(site: Site) -> dict[str, float]:
    create(site, PLAIN, "delete")
    packs = asyncio.run(_fill(site))
    asyncio.run(flow.publish(site, flow.events(EVENTS, 1)))
    rates: dict[str, list[float]] = {}
    for run in range(RUNS):
        for peer, number in PEERS.items():
            counted = packs if peer == "aggregate" else number
            rates.setdefault(peer, []).append(number / _seconds(site, peer, counted, run))
    rates["dedupe"] = [EVENTS / _seconds(site, "dedupe", EVENTS, 0)]
    if not jvm.is_here():
        print("counting/kafka-streams, counting/kafka-streams-eos: not run, there is no JDK", flush=True)
    medians = {peer: statistics.median(found) for peer, found in rates.items()}
    for peer, median in medians.items():
        each = ", ".join(f"{rate:,.0f}" for rate in rates[peer])
        print(f"{peer:12} {median:>10,.0f} events/s   ({each})", flush=True)
    return {f"counting/{peer}": medians["aggregate"] / medians[peer] for peer in PEERS if peer != "aggregate"}


def _seconds(site: Site, peer: str, number: int, run: int) -> float:
    """Run one peer over `number` records in a process of its own, and find the seconds in what it prints."""
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
    return float(found[1])


async def _fill(site: Site) -> int:
    """Write the deltas in both forms; return the number of our records."""
    rows, seal = list(_rows()), site.cluster("worker.dedupe").seal
    ours = list(_sealed(rows, seal))
    box = await outbox.Outbox(site.cluster(PRINCIPAL).kafka_settings(), "bench").start()
    try:
        await box.send(ours)
        for start in range(0, len(rows), 20_000):
            await box.send([_plain(*row) for row in rows[start : start + 20_000]])
    finally:
        await box.stop()
    return len(ours)


def _rows() -> Iterator[tuple[str, delta_packs.Row]]:
    """Make deltas as dedupe does, each with its source: ascending marks, a few thousand cells, four to an event."""
    draw = random.Random(7)
    months = [f"{YEAR}-{month:02}" for month in range(1, 13)]
    cells = [f"cases|profile|TIP|possible|LBN|{months[n % 12]}|F|18--20|forced-labour-{n // 12}" for n in range(CELLS)]
    for n in range(DELTAS):
        cell, agency = draw.choice(cells), draw.choice(flow.AGENCIES)
        yield (
            f"case/{(n // 4) % topics.PARTITIONS}",
            delta_packs.Row(CubeKey(cell), AgencyId(agency), 1, n // 16, n % 4),
        )


def _plain(source: str, row: delta_packs.Row) -> Output:
    out = io.BytesIO(bytes(HEADER))
    out.seek(HEADER)
    fastavro.schemaless_writer(out, _SINGLE, {**row._asdict(), "source": source})
    key = row.cell.encode()
    return Output(PLAIN, partition_of(key, topics.PARTITIONS), key, out.getvalue())


def _sealed(rows: Sequence[tuple[str, delta_packs.Row]], seal: RecordSeal) -> Iterator[Output]:
    """Pack the deltas of each source and partition, in order."""
    lanes: dict[tuple[str, int], list[delta_packs.Row]] = defaultdict(list)
    for source, row in rows:
        lanes[source, partition_of(row.cell.encode(), topics.PARTITIONS)].append(row)
    for (source, partition), lane in lanes.items():
        for start in range(0, len(lane), PACK):
            record = delta_packs.pack(YEAR, source, lane[start : start + PACK])
            yield Output("deltas", partition, b"", seal.write("delta", YEAR, record, "deltas"))
