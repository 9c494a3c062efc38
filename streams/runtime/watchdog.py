"""The watchdog: a worker that does not get on with what it has to read is ended, and begins anew.

Decides what is looked at, and how often; `streams.runtime.stall_detection` decides when it is too long. It looks from
a thread of its own, so that a stage whose event loop is stuck is seen too.
"""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import faust
from faust.types import TP

from streams.runtime import stage, stall_detection

__all__ = ["PATIENCE_SECONDS", "guard"]

PATIENCE_SECONDS: Final = 60.0
"""How long a partition with something to read may stand still (bar of the reliability reference)."""

_LOOKS: Final = 12
"""Looks within the patience."""


def guard(
    app: faust.App,
    handled: Callable[[], Mapping[TP, int]],
    patience: float = PATIENCE_SECONDS,
    heartbeats: Callable[[], int] = int,
) -> None:
    """Watch `app` from now on.

    Args:
        app: A stage's application; while it restores its state, what it reads is the changelog. While partitions are
            given out time counts as well, for a stuck stage holds that up for ever.
        handled: Returns the next offset to handle of every partition that was read from.
        patience: Seconds that a partition may stand still.
        heartbeats: Returns a counter that grows while the stage works within a batch: meanwhile nothing stands still. A
            batch that takes longer than the patience would else be begun again for ever.
    """
    threading.Thread(target=_watch, args=(app, handled, patience, heartbeats), name="watchdog", daemon=True).start()


def _watch(
    app: faust.App, handled: Callable[[], Mapping[TP, int]], patience: float, heartbeats: Callable[[], int]
) -> None:
    standing: stall_detection.StallState[TP] = stall_detection.StallState({})
    seen = heartbeats()
    ends: dict[TP, int] = {}
    while True:
        time.sleep(patience / _LOOKS)
        instant = time.monotonic()
        before, seen = seen, heartbeats()
        if seen != before or app.consumer is None:
            standing = stall_detection.StallState({})
            continue
        if app.in_recovery:
            positions, last = _restored(app.tables)
        else:
            positions = handled()
            ends |= _ends(app.consumer, positions)
            last = ends
        standing = stall_detection.look(standing, positions, last, instant=instant)
        found = stall_detection.stalled(standing, instant=instant, patience=patience)
        if found:
            stage.halt("INT-023", f"{found[0].topic}[{found[0].partition}]@{standing.since[found[0]][0]}")


def _restored(tables: Any) -> tuple[Mapping[TP, int], Mapping[TP, int]]:  # noqa: ANN401 - their type does not tell of it
    """Return the last offset restored of each changelog, and the last there was at the start, as far as it is known."""
    recovery = tables.recovery
    done, last = dict(recovery.active_offsets), dict(recovery.active_highwaters)  # copies: the loop goes on meanwhile
    known = {one for one, at in done.items() if at is not None and last.get(one) is not None}
    return {one: done[one] for one in known}, {one: last[one] for one in known}


def _ends(consumer: Any, positions: Mapping[TP, int]) -> dict[TP, int]:  # noqa: ANN401 - Faust's consumers have no common type
    """Return what the last fetch of each partition said of its end; nothing while the driver gives partitions up."""
    ends = {}
    for one in positions:
        try:
            end = consumer.highwater(one)
        except Exception:  # noqa: BLE001, S112 - what was known of it before still holds
            continue
        if end is not None:
            ends[one] = end
    return ends
