"""The watchdog: a thread that ends a worker which makes no progress although it has something to read.

Purpose: reads progress, ends of partitions and heartbeats every few seconds, and ends the process (INT-023) if a
partition stands still for the patience. The supervisor starts it anew. `streams.runtime.stall_detection` decides when a
partition stands still.

Called by: `streams.runtime.app.consume`, once for each process.

Invariants:
- It looks from a thread of its own, so that a stage whose event loop hangs is seen too.
- A heartbeat clears everything that was noted: a batch that takes longer than the patience is left alone as long as
  its stage works, or it would be begun again for ever.
- During a restore the changelogs are watched in place of the sources.
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
"""Seconds that a partition with something to read may stand still (bar of the reliability reference)."""

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
        app: The application of a stage.
        handled: Returns the next offset to handle of every partition that was read from.
        patience: Seconds that a partition may stand still; the time of a rebalance counts, since a hanging stage holds
            it up for ever.
        heartbeats: Returns a counter that grows while the stage works within a batch.
    """
    threading.Thread(target=_watch, args=(app, handled, patience, heartbeats), name="watchdog", daemon=True).start()


def _watch(
    app: faust.App, handled: Callable[[], Mapping[TP, int]], patience: float, heartbeats: Callable[[], int]
) -> None:
    state: stall_detection.StallState[TP] = stall_detection.StallState({})
    beats = heartbeats()
    source_ends: dict[TP, int] = {}
    while True:
        time.sleep(patience / _LOOKS)
        instant = time.monotonic()
        beats_before, beats = beats, heartbeats()
        if beats != beats_before or app.consumer is None:
            state = stall_detection.StallState({})
            continue
        if app.in_recovery:
            positions, ends = _restored(app.tables)
        else:
            positions = handled()
            source_ends |= _ends(app.consumer, positions)
            ends = source_ends
        state = stall_detection.look(state, positions, ends, instant=instant)
        if stalled := stall_detection.stalled(state, instant=instant, patience=patience):
            first = stalled[0]
            stage.halt("INT-023", first.topic, first.partition, state.since[first][0])


def _restored(tables: Any) -> tuple[Mapping[TP, int], Mapping[TP, int]]:  # noqa: ANN401 - Faust's type lacks `recovery`
    """Return the last restored offset and the last offset at the start, of each changelog of which both are known."""
    recovery = tables.recovery
    # Copies: the event loop changes both while this thread reads them.
    offsets, ends = dict(recovery.active_offsets), dict(recovery.active_highwaters)
    both = {tp for tp, offset in offsets.items() if offset is not None and ends.get(tp) is not None}
    return {tp: offsets[tp] for tp in both}, {tp: ends[tp] for tp in both}


def _ends(consumer: Any, positions: Mapping[TP, int]) -> dict[TP, int]:  # noqa: ANN401 - Faust's consumers have no common type
    """Return the end of each partition as the last fetch reported it."""
    ends = {}
    for tp in positions:
        try:
            end = consumer.highwater(tp)
        except Exception:  # noqa: BLE001, S112 - while partitions are given up the driver raises; the last end still holds
            continue
        if end is not None:
            ends[tp] = end
    return ends
