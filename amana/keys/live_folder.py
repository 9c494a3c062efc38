"""Folders whose files are read again when they have changed: how a running process learns of a key that was replaced.

Purpose: tell cheaply whether any file of some folders was added, replaced or removed since the last look, so that a
worker may ask before every batch.
Called by: `amana.keys.party_folder` and `amana.composition.stages`.

Invariants:
- A change is missed at no look but the one that it overtakes: the folders are looked at before their files are read.
- Files that cannot be read change nothing: what was read last stays, and the next look tries again.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from schemas.errors import ConfigurationError

__all__ = ["LiveFolder"]

Content = TypeVar("Content")


class LiveFolder(Generic[Content]):
    """What `read` makes of the files of some folders; call it for the content if it has changed, else None.

    Args:
        folders: the folders; one that does not exist counts as empty. What lies in folders below them is not seen.
        read: reads their files.
    """

    def __init__(self, folders: tuple[Path, ...], read: Callable[[], Content]) -> None:
        """Look at the folders; what was read before this counts as their content."""
        self._folders, self._read = folders, read
        self._seen = self._look()

    def __call__(self) -> Content | None:
        """Return the content if a file was added, replaced or removed since the last call, else None."""
        found = self._look()
        if found == self._seen:
            return None
        try:
            content = self._read()
        except ConfigurationError:  # a file that is just being destroyed
            return None
        self._seen = found
        return content

    def _look(self) -> object:
        """Return what changes with every file that is added, replaced by renaming, or removed."""
        found = []
        for folder in self._folders:
            try:
                with os.scandir(folder) as entries:
                    names = frozenset((entry.name, entry.inode()) for entry in entries)
                found.append((folder.stat().st_mtime_ns, names))
            except OSError:
                found.append((0, frozenset()))
        return found
