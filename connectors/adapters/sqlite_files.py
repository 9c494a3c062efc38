"""SQLite files that belong to another process: reading one without writing anything, and copying one whole.

Purpose: read a ledger or a budget in place, in a backup or on a medium that cannot be written; copy one while its owner
writes it.
Called by: `connectors.adapters.release_ledger`, `budget_store`, and the backup in `connectors.operations`.

Invariants:
- A file that is read is opened read-only; beside one at rest, nothing is made.
- A copy is one snapshot of a database in one file, readable by its owner alone.

Source: SQLite, "Uniform Resource Identifiers" (mode, immutable) and "Online Backup API".
"""

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final
from urllib.parse import quote

__all__ = ["copy", "read_only"]

_PATIENCE_SECONDS: Final = 30


def read_only(path: Path, *, at_rest: bool = False) -> sqlite3.Connection:
    """Open a database for reading.

    Args:
        path: the file.
        at_rest: whether it belongs to no process: it is read as it is, and nothing is made beside it.

    Raises:
        sqlite3.Error: there is no such file, or it is no database.
    """
    # A database in WAL mode is read together with its log, for which SQLite makes an index beside it. `immutable` reads
    # the file alone, which is right only while nobody writes it.
    is_alone = at_rest and not path.with_name(path.name + "-wal").exists()
    uri = f"file:{quote(str(path.absolute()))}?mode=ro{'&immutable=1' if is_alone else ''}"
    return sqlite3.connect(uri, uri=True, isolation_level=None, timeout=_PATIENCE_SECONDS)


def copy(source: Path, target: Path) -> None:
    """Copy a database that another process may be writing into one new file, and sync it.

    Raises:
        sqlite3.Error: the source is no database, or cannot be read.
        OSError: the target exists, or the disk refuses.
    """
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    with closing(read_only(source)) as live, closing(sqlite3.connect(target, isolation_level=None)) as copied:
        live.backup(copied)
        # The copy of a database in WAL mode is one too: as a file of its own it needs no log beside it.
        copied.execute("PRAGMA journal_mode=DELETE")
    descriptor = os.open(target, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
