"""The turn of one publisher on a raw topic: the lock, and what earlier publishers left open.

Purpose: the journals of files tell by end offsets alone what is on a topic, so one publisher at a time may write to it,
and it settles open plans before its first message moves the ends.
Called by: `connectors.ingest.file_publisher` and `connectors.ingest.erasure_request`.

Invariants:
- The operating system frees the lock when its process dies.
"""

from contextlib import closing
from pathlib import Path

import filelock

from connectors.adapters import local_files
from connectors.ingest.files.journal import Journal
from connectors.ingest.sinks.sink import Sink
from schemas.errors import ConfigurationError

__all__ = ["lock", "settle"]


def lock(folder: Path, agency: str, kind: str) -> filelock.FileLock:
    """Take the lock of agency and kind; it is given up by its context.

    Raises:
        ConfigurationError: CFG-111, another publisher holds it.
    """
    held = filelock.FileLock(folder / f".{agency}.{kind}.lock", timeout=0, mode=local_files.PRIVATE)
    try:
        held.acquire()
    except filelock.Timeout:
        raise ConfigurationError("CFG-111", "another publisher is at work for this agency and kind") from None
    return held


def settle(folder: Path, agency: str, kind: str, sink: Sink, *, without: Path | None = None) -> None:
    """Settle the open plans of all files of a topic; `without` names the journal that its own publisher settles.

    Raises:
        IntegrityError: INT-116 to INT-118, a journal and the topic contradict each other.
    """
    for path in sorted(folder.glob(f"{agency}.{kind}.*.journal")):
        if path != without and Journal.ends_open(path):
            with closing(Journal.open(path)) as other:
                other.settle(sink.quiet_ends())
