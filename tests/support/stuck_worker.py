"""A stage that does not come back, under a short patience: `python -m … DATA HOW`.

HOW is where: `await`, in its second batch, which leaves the event loop free, `spin`, which takes it, or `restore`.
"""

import asyncio
import secrets
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import faust
import mode.loop

from amana.site import Site
from connectors.adapters import schema_ids
from streams.runtime import app as apps
from streams.runtime import columnar_fetches, outbox, stage, state
from streams.stages import aggregate

PATIENCE_SECONDS = 3.0


class Stuck:
    """The stage's own handler for one batch."""

    def __init__(self, handler: stage.Handler, how: str) -> None:
        self._handler, self._how, self._batches = handler, how, 0

    async def __call__(
        self, batch: Sequence[stage.Record], value_of: Callable[[str], bytes | None]
    ) -> stage.BatchResult:
        self._batches += 1
        while self._batches > 1:
            if self._how == "await":
                await asyncio.sleep(0.1)
            else:
                time.sleep(0.1)  # noqa: ASYNC251 - the loop is to be taken
        return await self._handler(batch, value_of)


class StuckStore(state.Store):
    """The stage's own state, which is never restored."""

    def restore(self, _fetch: columnar_fetches.Fetch) -> None:
        while True:
            time.sleep(0.1)


def main() -> None:
    """Run the stage."""
    site, how = Site.open(Path(sys.argv[1])), sys.argv[2]
    if how == "restore":
        state.Store = StuckStore  # type: ignore[misc] # the flaw
    mode.loop.use("uvloop")
    cluster, allowed = site.cluster("worker.aggregate"), schema_ids.allow_list(site.schema_ids)
    settings = cluster.kafka_settings()
    app = apps.build("aggregate", settings, site.path("state", "stuck"), fetch=20_000)
    box = outbox.Outbox(settings, "stuck")
    deps = apps.Deps(box, secrets.token_hex(8), allowed.current, allowed.readable, cluster.seal)
    kept = state.StateTable(app, "cells", box, deps.epoch, partitions=4)
    apps.consume(app, ["deltas"], Stuck(aggregate.Aggregate(deps), how), kept, patience=PATIENCE_SECONDS)
    faust.Worker(app, loglevel="ERROR", quiet=True, redirect_stdouts=False).execute_from_commandline()


if __name__ == "__main__":
    main()
