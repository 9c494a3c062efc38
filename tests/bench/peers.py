"""One peer of the benchmark as one process: `python -m tests.bench.peers PEER NUMBER RUN`; prints its seconds."""

import io
import json
import os
import secrets
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import aiokafka
import fastavro
import faust
import mode.loop
import uvloop
from kafka import KafkaAdminClient

from amana.site import Site
from connectors.adapters import schema_ids
from streams.runtime import app as apps
from streams.runtime import outbox, stage, state
from streams.stages import aggregate, dedupe
from tests.bench import jvm

HEADER = 5
PRINCIPAL = "admin"
PLAIN = "bench-deltas"
"""The deltas in clear, one a record, which the peers read; ours are sealed, many to a record, as dedupe sends them."""


class Clock:
    """Measures from the first event to the last of `number`; then says so and ends the process."""

    def __init__(self, number: int) -> None:
        self._number, self._seen, self._begun = number, 0, 0.0

    def begin(self) -> None:
        if not self._begun:
            self._begun = time.perf_counter()

    def handled(self, events: int) -> None:
        self._seen += events
        if self._seen >= self._number:
            print(json.dumps({"seconds": time.perf_counter() - self._begun}), flush=True)
            os._exit(0)


class Timed:
    """A handler under the clock."""

    def __init__(self, handler: stage.Handler, clock: Clock) -> None:
        self._handler, self._clock = handler, clock

    async def __call__(
        self, batch: Sequence[stage.Record], value_of: Callable[[str], bytes | None]
    ) -> stage.BatchResult:
        self._clock.begin()
        self.batch = len(batch)
        return await self._handler(batch, value_of)


class TimedTable(state.StateTable):
    """A state under the clock: a batch is handled when its writes are acknowledged and kept."""

    timed: Timed
    clock: Clock

    async def write(self, partition: int, writes: Mapping[str, bytes | None]) -> None:
        await super().write(partition, writes)
        self.clock.handled(self.timed.batch)


def ours(site: Site, name: str, clock: Clock, run: int) -> None:
    """Run the stage as `amana worker` does, but for the clock and the group's name."""
    settings, seal = site.cluster(PRINCIPAL).kafka_settings(), site.cluster(f"worker.{name}").seal
    allowed = schema_ids.allow_list(site.schema_ids)
    app = apps.build(f"bench-{name}-{run}", settings, site.path("state"), fetch=apps.FETCH_BYTES[name])
    deps = apps.Deps(outbox.Outbox(settings, name), secrets.token_hex(8), allowed.current, allowed.readable, seal)
    if name == "aggregate":
        kept = TimedTable(app, "cells", deps.box, deps.epoch, partitions=4)
        timed, sources = Timed(aggregate.Aggregate(deps), clock), ["deltas"]
    else:
        kept = TimedTable(app, "state.dedupe", deps.box, deps.epoch, partitions=4)
        timed, sources = Timed(dedupe.Dedupe(site.policies(), deps), clock), ["deidentified.case"]
    kept.timed, kept.clock = timed, clock
    apps.consume(app, sources, timed, kept)
    _work(app)


def stock(site: Site, clock: Clock, run: int) -> None:
    """One table update per event, with the driver's own transport."""
    settings = site.cluster(PRINCIPAL).kafka_settings()
    name = f"bench-faust-{run}"
    create(site, f"{name}-cells-changelog", "compact")
    app = faust.App(
        name,
        broker="kafka://" + settings["bootstrap_servers"][0],
        broker_credentials=faust.SASLCredentials(
            username=settings["sasl_plain_username"],
            password=settings["sasl_plain_password"],
            mechanism=settings["sasl_mechanism"],
        ),
        datadir=tempfile.mkdtemp(),
        store="memory://",
        topic_partitions=4,
        topic_disable_leader=True,
        topic_allow_declare=False,
        web_enabled=False,
        cython_optimizations=True,
        consumer_auto_offset_reset="earliest",
    )
    cells = app.Table("cells", default=int, partitions=4)
    decode = _decoder()

    async def count(values: faust.StreamT[bytes]) -> None:
        async for value in values:
            clock.begin()
            delta = decode(value)
            cells[delta["cell"]] += delta["amount"]
            clock.handled(1)

    app.agent(app.topic(PLAIN, value_serializer="raw", key_serializer="raw"))(count)
    _work(app)


def quix(site: Site, clock: Clock, number: int, run: int) -> None:
    """A count per cell in state, at least once."""
    from quixstreams import Application  # noqa: PLC0415 - its own process alone loads it
    from quixstreams.kafka.configuration import ConnectionConfig  # noqa: PLC0415 - as above

    settings = site.cluster(PRINCIPAL).kafka_settings()
    application = Application(
        broker_address=ConnectionConfig(
            bootstrap_servers=",".join(settings["bootstrap_servers"]),
            security_protocol="sasl_plaintext",
            sasl_mechanism=settings["sasl_mechanism"],
            sasl_username=settings["sasl_plain_username"],
            sasl_password=settings["sasl_plain_password"],
        ),
        consumer_group=f"bench-quix-{run}",
        auto_offset_reset="earliest",
        processing_guarantee="at-least-once",
        state_dir=tempfile.mkdtemp(),
        loglevel="WARNING",
    )
    topic = application.topic(PLAIN, value_deserializer="bytes", key_deserializer="bytes")
    decode = _decoder()

    def count(value: bytes, kept: Any) -> None:  # noqa: ANN401 - quixstreams' state has no public type
        clock.begin()
        delta = decode(value)
        kept.set("count", kept.get("count", 0) + delta["amount"])
        clock.handled(1)

    application.dataframe(topic).update(count, stateful=True)
    application.run(count=number)


def wax(site: Site, clock: Clock, run: int) -> None:
    """A count per cell in state, in memory, without snapshots."""
    from bytewax import operators as op  # noqa: PLC0415 - its own process alone loads it
    from bytewax.connectors import kafka  # noqa: PLC0415 - as above
    from bytewax.dataflow import Dataflow  # noqa: PLC0415 - as above
    from bytewax.testing import run_main  # noqa: PLC0415 - as above

    settings = site.cluster(PRINCIPAL).kafka_settings()
    login = {
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": settings["sasl_mechanism"],
        "sasl.username": settings["sasl_plain_username"],
        "sasl.password": settings["sasl_plain_password"],
        "group.id": f"bench-wax-{run}",
    }
    flow, decode = Dataflow("count"), _decoder()
    source = kafka.KafkaSource(list(settings["bootstrap_servers"]), [PLAIN], add_config=login)

    def keyed(message: Any) -> tuple[str, int]:  # noqa: ANN401 - bytewax' messages have no public type
        clock.begin()
        delta = decode(message.value)
        return delta["cell"], delta["amount"]

    def count(kept: int | None, amount: int) -> tuple[int, int]:
        total = (kept or 0) + amount
        clock.handled(1)
        return total, total

    counted = op.stateful_map("count", op.map("decode", op.input("deltas", flow, source), keyed), count)
    op.inspect("none", op.filter("nothing", counted, lambda _: False))
    run_main(flow)  # type: ignore[no-untyped-call] # bytewax leaves it so


async def raw(site: Site, clock: Clock) -> None:
    """Take the records from the driver and do nothing with them: the limit."""
    consumer = aiokafka.AIOKafkaConsumer(
        PLAIN,
        **site.cluster(PRINCIPAL).kafka_settings(),
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=apps.FETCH_BYTES["aggregate"],
    )
    await consumer.start()
    clock.begin()
    while True:
        for records in (await consumer.getmany(timeout_ms=1000)).values():
            clock.handled(len(records))


def _decoder() -> Callable[[bytes], Any]:
    writer = fastavro.parse_schema(json.loads(jvm.SCHEMA.read_text(encoding="utf-8")))

    def decode(value: bytes) -> Any:  # noqa: ANN401 - a record
        return fastavro.schemaless_reader(io.BytesIO(value[HEADER:]), writer, None)

    return decode


def create(site: Site, topic: str, cleanup: str) -> None:
    """Make a topic of four partitions that provisioning does not know."""
    admin = KafkaAdminClient(**site.cluster(PRINCIPAL).kafka_settings())
    admin.create_topics(
        {topic: {"num_partitions": 4, "replication_factor": 1, "configs": {"cleanup.policy": cleanup}}},
        wait_for_metadata=True,
    )
    admin.close()


def _work(app: faust.App) -> None:
    faust.Worker(app, loglevel="ERROR", quiet=True, redirect_stdouts=False).execute_from_commandline()


def main() -> None:
    """Run the peer that the command line names."""
    peer, number, run = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    site, clock = Site.open(), Clock(number)
    if peer == "quixstreams":
        quix(site, clock, number, run)
    elif peer == "bytewax":
        wax(site, clock, run)
    elif peer == "raw-consume":
        uvloop.run(raw(site, clock))
    elif peer == "faust":
        mode.loop.use("uvloop")
        stock(site, clock, run)
    else:
        mode.loop.use("uvloop")
        ours(site, peer, clock, run)


if __name__ == "__main__":
    main()
