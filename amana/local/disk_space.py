"""Free-disk-space checks before a process starts.

Purpose: refuse to start where the disk is about to be full, since a broker that runs out of space loses its log.
Called by: `amana.local.supervisor`, at the start of the system and at each restart of a process.

Invariants:
- A folder that does not exist yet counts as its nearest parent that does, and the broker's folder is looked at by
  itself.
- Nothing is written or raised: the answer is a fault, or None.
"""

import shutil
from pathlib import Path
from typing import Final

from schemas.errors import ConfigurationError

__all__ = ["TO_BEGIN", "TO_GO_ON", "lacking"]

TO_BEGIN: Final = 512
"""Mebibytes that must be free for the system to start."""

TO_GO_ON: Final = 32
"""Mebibytes that must be free for a process to be restarted; with less the disk would be full again at once."""


def lacking(home: Path, mebibytes: int) -> ConfigurationError | None:
    """Return CFG-073 if less than `mebibytes` are free for the data directory or for its broker's folder, else None."""
    # An operator may put the broker's folder on a disk of its own.
    for folder in (home, home / "kafka"):
        existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
        if shutil.disk_usage(existing).free < mebibytes << 20:
            return ConfigurationError("CFG-073", f"less than {mebibytes} MiB are free in {folder}")
    return None
