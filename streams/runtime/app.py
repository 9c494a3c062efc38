"""Faust applications of the stages: settings, and the loop that takes batches through the order of effects.

Purpose: the settings under which the order of effects of `streams.runtime.stage` holds: at least once, offsets in
order, no topic created, nothing served.

Called by: `amana.composition.stages` (`build`, once for each process), then by the stages `streams.stages.aggregate`,
`streams.stages.dedupe` and `streams.stages.deidentify` (`consume`):

    app = build("dedupe", settings, folder, instance="dedupe-0", fetch=FETCH_BYTES["dedupe"])
        transport.install(app)                      batches instead of records
    dedupe.attach(app, policies, deps=deps)
        kept = state.StateTable(app, "state.dedupe", ...)
        consume(app, topics, handler, kept)
            watchdog.guard(app, ...)                a thread of its own
            for each fetched batch:
                stage.run(handler, batch, kept, send)     steps 1 to 3
                transport: _new_offset                    step 4, within `broker_commit_interval`

Invariants:
- Of each partition number, one batch is in work at a time, whatever its topic: all share one partition of the state.
- Two lanes therefore behave exactly like two processes, each owning one partition number.
- No record is passed over: a batch that does not begin where the one before it ended ends the process (INT-022). On a
  compacted topic it begins where its fetch did, as the records between may have been removed.
"""

import asyncio
import gc
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import faust
from faust.types import TP

from schemas.errors import IntegrityError
from schemas.parsing import Parsed
from schemas.record_seal import RecordSeal
from streams.broker import topics
from streams.runtime import outbox, stage, state, transport, watchdog
from streams.runtime.client_credentials import faust_credentials
from streams.runtime.columnar_fetches import Fetch

__all__ = ["Deps", "build", "consume"]

FETCH_BYTES: Mapping[str, int] = {"deidentify": 262_144, "dedupe": 1_048_576, "aggregate": 12_582_912}
"""Largest fetch of one partition by stage, in bytes: about a second of work. Batches of deltas are large, since a
cell is written once for each batch, however many deltas the batch has for it."""

BUFFERED = 65_536
"""Messages that may wait in a stream: more than there can be, since the fetch scheduler bounds the fetches."""

SESSION_SECONDS = 10.0
"""Seconds of silence after which the broker gives the partitions of a worker away."""


@dataclass(frozen=True, slots=True)
class Deps:
    """The dependencies that the process gives to its stage.

    Args:
        box: The outbox.
        epoch: Random name of this process, never used before or after.
        ids: Schema id to write with, by stem (`audit`), as the registry answered at start.
        readable: The schemas that may be read, by stem and id.
        seal: Seals and opens the hub's own records.
    """

    box: outbox.Outbox
    epoch: str
    ids: Mapping[str, int]
    readable: Mapping[str, Mapping[int, Parsed]]
    seal: RecordSeal


def build(
    name: str, settings: Mapping[str, Any], folder: Path, *, instance: str | None = None, fetch: int
) -> faust.App:
    """Return the application of a stage whose consumer group is `name`.

    Args:
        name: Stage and consumer group.
        settings: Kafka settings as `Cluster.kafka_settings` gives them.
        folder: Folder for Faust's own files.
        instance: Static member id in the group: a restarted process takes its partitions back without a timeout.
        fetch: Largest fetch of one partition, in bytes; one batch is one fetch.
    """
    (folder / name).mkdir(parents=True, exist_ok=True)
    servers = settings["bootstrap_servers"]
    app = faust.App(
        name,
        broker=";".join(
            f"kafka://{server}" for server in (servers.split(",") if isinstance(servers, str) else servers)
        ),
        broker_credentials=faust_credentials(settings),
        broker_commit_interval=1.0,  # seconds: so much is handled again after a crash
        broker_session_timeout=SESSION_SECONDS,
        broker_heartbeat_interval=SESSION_SECONDS / 4,
        consumer_auto_offset_reset="earliest",
        consumer_group_instance_id=instance,
        consumer_max_fetch_size=fetch,
        cython_optimizations=True,
        datadir=str(folder / name),
        processing_guarantee="at_least_once",
        store="memory://",
        stream_buffer_maxsize=BUFFERED,
        table_standby_replicas=0,
        topic_allow_declare=False,  # topics are made by provisioning alone
        topic_disable_leader=True,  # or Faust would make a topic for its leader
        web_enabled=False,  # a worker listens on no port
    )
    transport.install(app)
    return app


def consume(  # noqa: PLR0913 - a stage's shape
    app: faust.App,
    topics: Sequence[str],
    handler: stage.Handler,
    kept: state.StateTable,
    *,
    lanes: int = 1,
    rebuilds: bool = False,
    patience: float = watchdog.PATIENCE_SECONDS,
    heartbeats: Callable[[], int] = int,
) -> None:
    """Run `handler` over every batch of `topics`, in the order of effects of `streams.runtime.stage`.

    Args:
        app: The stage's application.
        topics: The topics that it reads.
        handler: Its rule.
        kept: Its state; the outputs go through the state's outbox too.
        lanes: Batches of different partition numbers in work at once: while one waits for the broker, another works.
        rebuilds: Whether a partition's lost state is rebuilt from the beginning of the source: every batch leaves state
            behind, and the topics hold all records that there ever were.
        patience: Seconds that a partition with something to read may stand still before the process ends.
        heartbeats: Returns a counter that grows while `handler` works within a batch.
    """
    source = app.topic(*topics, key_serializer="raw", value_serializer=transport.AS_FETCHED, allow_empty=True)

    if rebuilds:
        cast("transport.BatchTransport", app.transport).is_lost = kept.is_empty
    progress = _Progress(app)
    watchdog.guard(app, progress.positions, patience, heartbeats)
    # The loaded modules never become garbage, and one walk of the collector over them took longer than a batch.
    gc.freeze()

    # One lock for each partition number, not for each topic and partition: it guards a partition of the state. A lock
    # serves in order of arrival, so that batches of one source partition stay in order.
    turn = defaultdict[int, asyncio.Lock](asyncio.Lock)

    async def handle(batches: faust.StreamT[Any]) -> None:
        """Take the batches of one lane, one after the other."""
        async for fetched in batches:
            batch = transport.records_of(fetched)
            async with turn[batch.partition]:
                progress.check(batch)
                await stage.run(handler, batch, kept, kept.box.send)
                progress.handled(batch)

    app.agent(source, name=f"{app.conf.id}.batches", concurrency=lanes)(handle)


def _first_of(batch: Sequence[stage.Record]) -> int:
    """Return the offset at which a batch begins; that of its first record, where no compaction removes earlier ones."""
    if isinstance(batch, Fetch) and batch.since is not None and topics.is_compacted(batch.topic):
        return min(batch.since, batch[0].offset)
    return batch[0].offset


class _Progress:
    """The next offset of every source partition; ends the process if a batch does not begin there."""

    # Faust commits the highest acknowledged offset: a batch that was mislaid would be committed over by the next one.
    # After the end, the next process begins at the committed offset and reads it again.

    def __init__(self, app: faust.App) -> None:
        self._app = app
        self._next: dict[TP, int] = {}
        app.on_partitions_revoked.connect(self._forget)

    def check(self, batch: Sequence[stage.Record]) -> None:
        """End the process (INT-022) unless `batch` begins at or before the offset that is due."""
        tp = TP(batch[0].topic, batch[0].partition)
        due = self._next.setdefault(tp, self._consumer.begun.get(tp, 0))
        if _first_of(batch) > due:
            stage.halt_on(IntegrityError("INT-022", f"offset {due} was passed over"), batch)

    def handled(self, batch: Sequence[stage.Record]) -> None:
        """Expect the offset behind the batch, and let more be fetched."""
        tp, last = TP(batch[0].topic, batch[0].partition), batch[-1].offset
        self._next[tp] = last + 1
        self._consumer.handled(tp, last)

    def positions(self) -> Mapping[TP, int]:
        """Return the next offset to handle of every source partition that this process has."""
        return {**self._consumer.begun, **self._next}

    async def _forget(self, *_: object, **__: object) -> None:
        self._next.clear()

    @property
    def _consumer(self) -> transport.BatchConsumer:
        return cast("transport.BatchConsumer", self._app.consumer)
