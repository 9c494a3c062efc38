"""The record of processes that ended and were started again, and which of them do so again and again.

Purpose: a stage that crashes in a loop has no lag of its own making and a live process most of the time; without this
record it looks idle.
Called by: `amana.local.supervisor` writes it; `amana status` and `amana.provisioning.inspection` read it.

Invariants:
- A process ends in a loop if it ended three times within five minutes, and last less than a minute ago.
- The file holds the names of processes, times and exit statuses, and is written whole or not at all.
"""

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

__all__ = ["Loop", "loops", "note"]

_FILE: Final = "restarts.json"
_SPAN_SECONDS: Final = 300.0
_RECENT_SECONDS: Final = 60.0
_FEWEST: Final = 3


@dataclass(frozen=True, slots=True)
class Loop:
    """A process that ends again and again: how often within five minutes, and its last exit status."""

    name: str
    times: int
    status: int

    def __str__(self) -> str:
        """Return a sentence without the name of the folder."""
        return (
            f"{self.name} ended {self.times} times within five minutes, last with status {self.status}:"
            f" see logs/{self.name}.log"
        )


def note(folder: Path, name: str, status: int, now: float) -> None:
    """Add the end of a process to the record in `folder`; a disk that refuses it is no fault of the process.

    Args:
        folder: the site's folder `run`.
        name: name of the process, such as `worker-release-0`.
        status: its exit status, negative for a signal.
        now: the time, in seconds of the clock that `loops` is asked by.
    """
    record = dict(_read(folder))
    times = [when for when in record.get(name, {}).get("times", ()) if 0 <= now - when < _SPAN_SECONDS]
    record[name] = {"times": [*times, now], "status": status}
    temporary = folder / f"{_FILE}.tmp"
    with contextlib.suppress(OSError):
        temporary.write_text(json.dumps(record), encoding="ascii")
        temporary.replace(folder / _FILE)


def loops(folder: Path, now: float) -> tuple[Loop, ...]:
    """Return the processes that end again and again, sorted by name; none where nothing was recorded."""
    found = []
    for name, entry in sorted(_read(folder).items()):
        times = [when for when in entry["times"] if 0 <= now - when < _SPAN_SECONDS]
        if len(times) >= _FEWEST and now - times[-1] < _RECENT_SECONDS:
            found.append(Loop(name, len(times), entry["status"]))
    return tuple(found)


def _read(folder: Path) -> Mapping[str, Any]:
    try:
        record: Mapping[str, Any] = json.loads((folder / _FILE).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return {}
    return record
