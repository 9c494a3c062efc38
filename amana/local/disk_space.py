"""Room on the disks of a site: how much a start asks for, and what is said where it lacks.

Decides the two amounts: what a system asks for that begins, and a process that begins again. Does not make room.
"""

import shutil
from pathlib import Path
from typing import Final

from schemas.errors import ConfigurationError

__all__ = ["TO_BEGIN", "TO_GO_ON", "lacking"]

TO_BEGIN: Final = 512
"""Mebibytes that must be free for a system to start."""

TO_GO_ON: Final = 32
"""Mebibytes that must be free for a process that ended to be started again: less is full again at once."""


def lacking(home: Path, mebibytes: int) -> ConfigurationError | None:
    """Return CFG-073 where less than `mebibytes` are free for the data directory, or for its broker's folder."""
    for folder in (home, home / "kafka"):
        there = next(place for place in (folder, *folder.parents) if place.exists())
        if shutil.disk_usage(there).free < mebibytes << 20:
            return ConfigurationError("CFG-073", f"less than {mebibytes} MiB are free in {folder}")
    return None
