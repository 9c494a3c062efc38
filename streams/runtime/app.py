"""Faust applications as the stages need them: at least once, in order, nothing created, nothing served.

Decides the settings under which a stage's order of effects holds. Does not decide what a stage reads or computes.
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
from streams.runtime import outbox, stage, state, transport, watchdog

__all__ = ["Deps", "build", "consume"]

FETCH_BYTES: Mapping[str, int] = {"deidentify": 262_144, "dedupe": 1_048_576, "aggregate": 12_582_912}
"""Largest fetch of one partition by stage: about a second of work. A cell is written once a batch, however many deltas
it has there, so that batches of those are large."""

BUFFERED = 65_536
"""Messages that may wait in a stream: beyond what there can be, since the transport decides whose turn it is."""

SESSION_SECONDS = 10.0
"""How long the broker waits for a worker that fell silent before it gives its partitions away."""


@dataclass(frozen=True, slots=True)
class Deps:
    """What every stage is given by the process that runs it.

    Args:
        box: Its outbox.
        epoch: Names this incarnation of the process, and no other before or after.
        ids: Schema id to write with, by stem (`delta`): the registry's answer at start.
        readable: Schemas that may be read, by stem and id.
    """

    box: outbox.Outbox
    epoch: str
    ids: Mapping[str, int]
    readable: Mapping[str, Mapping[int, Parsed]]


def build(
    name: str, settings: Mapping[str, Any], folder: Path, *, instance: str | None = None, fetch: int
) -> faust.App:
    """Return the application of a stage whose consumer group is `name`.

    Args:
        name: Stage and consumer group.
        settings: As `Site.kafka_settings` gives them.
        folder: Where Faust keeps its own files.
        instance: Static member of the group: a restart takes its partitions back without waiting for the timeout.
        fetch: Largest fetch of one partition, in bytes; it is what one batch comes from.
    """
    (folder / name).mkdir(parents=True, exist_ok=True)
    app = faust.App(
        name,
        broker=";".join(f"kafka://{server}" for server in _servers(settings)),
        broker_credentials=_credentials(settings),
        broker_commit_interval=1.0,
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
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
    )
    transport.install(app)
    return app


def _servers(settings: Mapping[str, Any]) -> list[str]:
    servers = settings["bootstrap_servers"]
    return servers.split(",") if isinstance(servers, str) else list(servers)


def _credentials(settings: Mapping[str, Any]) -> faust.SASLCredentials | None:
    if settings.get("security_protocol", "PLAINTEXT") == "PLAINTEXT":
        return None
    return faust.SASLCredentials(
        username=settings["sasl_plain_username"],
        password=settings["sasl_plain_password"],
        mechanism=settings["sasl_mechanism"],
    )


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

    Of each partition number one batch is in work at a time, whatever its topic: they share a partition of the state.
    So two lanes of one process are to each other as two processes are that have a partition number each.

    Args:
        app: The stage's application.
        topics: What it reads.
        handler: Its rule.
        kept: Its state, with the outbox that the outputs go through too.
        lanes: Batches of different partition numbers in work at once: one waits for the broker beside another's work.
        rebuilds: Every batch leaves state behind, and its topics hold all there ever was: where a partition's state is
            gone, it is made again from the beginning.
        patience: How long (seconds) a partition with something to read may stand still before the process ends.
        heartbeats: Returns a counter that grows while `handler` works within a batch.
    """
    source = app.topic(*topics, key_serializer="raw", value_serializer=transport.AS_FETCHED, allow_empty=True)

    if rebuilds:
        cast("transport.BatchTransport", app.transport).is_lost = kept.is_empty
    progress = _Progress(app)
    watchdog.guard(app, progress.positions, patience, heartbeats)
    gc.freeze()  # what is loaded by now stays, and a walk over all of it took longer than a batch

    turn = defaultdict[int, asyncio.Lock](asyncio.Lock)  # first come, first served

    async def handle(batches: faust.StreamT[Any]) -> None:
        async for fetched in batches:
            batch = transport.records_of(fetched)
            async with turn[batch.partition]:
                progress.check(batch)
                await stage.run(handler, batch, kept, kept.box.send)
                progress.handled(batch)

    app.agent(source, name=f"{app.conf.id}.batches", concurrency=lanes)(handle)


class _Progress:
    """Watches that no record is passed over: whatever a consumer mislays, nothing behind it may be committed.

    Where a batch does not follow the one before it, the process ends; the next one begins at what is committed.
    """

    def __init__(self, app: faust.App) -> None:
        self._app = app
        self._next: dict[TP, int] = {}
        app.on_partitions_revoked.connect(self._forget)

    def check(self, batch: Sequence[stage.Record]) -> None:
        """End the process unless `batch` begins at or before the offset that is due."""
        tp = TP(batch[0].topic, batch[0].partition)
        due = self._next.setdefault(tp, self._consumer.begun.get(tp, 0))
        if batch[0].offset > due:
            stage.end(IntegrityError("INT-022", f"offset {due} was passed over"), batch)

    def handled(self, batch: Sequence[stage.Record]) -> None:
        """Expect what follows the batch, and let more be fetched."""
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
