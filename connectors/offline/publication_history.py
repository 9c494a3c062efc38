"""History of published tables: a directory in which the next table is protected beside all earlier ones.

Purpose: keep what was published and the exact counts behind it. Two tables that are safe alone may give a cell away
together.
Called by: `amana protect`.

Layout: `NNNN-name.csv` is what was published, and `levels/NNNN-name.csv` its groups of codes if it has any, for anyone.
`internal/NNNN-name.json` holds the exact counts and the rules, `internal/seed` the secret seed, for the operators
alone. With the seed the same cell is suppressed today and tomorrow; without it nobody can compute which of several
equal choices was made.

Invariants:
- Exact counts and published table are on disk before anything is handed out, the exact counts first.
- Files below `internal/` are readable by their owner alone.
- One process at a time has the history open.
"""

import csv
import io
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import filelock

from anonymizer.tabular.crosstab import Codes, CrossTable
from connectors.adapters import local_files
from connectors.offline import table_files
from schemas.errors import IntegrityError

__all__ = ["LEVELS", "PublicationHistory", "opened", "save"]

LEVELS: Final = "levels"
"""Folder of the groups of codes beside published tables, for anyone."""

_INTERNAL = "internal"
_PUBLISHED = "[0-9][0-9][0-9][0-9]-*.csv"
_PRIVATE = local_files.PRIVATE
_LOCK_SECONDS = 600


@dataclass(frozen=True, slots=True)
class PublicationHistory:
    """Earlier tables in the order of publication, the rules of each, and the secret seed."""

    folder: Path
    tables: tuple[CrossTable, ...]
    rules: tuple[Mapping[str, Any], ...]
    seed: bytes

    def earlier_text(self, table: CrossTable, rules: Mapping[str, Any]) -> str | None:
        """Return the text that was published of the same counts by the same rules; None for a table that is new.

        A noisy table that is asked for again gets the same text: a second draw of noise would tell more than the first.
        """
        for path in sorted(self.folder.glob(_PUBLISHED), reverse=True):
            exact = json.loads(local_files.read_text(self.folder / _INTERNAL / f"{path.stem}.json"))
            if exact == json.loads(_exact(table, rules)):
                return local_files.read_text(path)
        return None

    def add(self, name: str, published: str, table: CrossTable, rules: Mapping[str, Any]) -> None:
        """Keep a table, before it is published.

        Raises:
            IntegrityError: INT-162, the directory cannot be written.
        """
        number = f"{len(self.tables) + 1:04}-{name}"
        if table.groups:
            save(self.folder / LEVELS / f"{number}.csv", table_files.levels(table.groups))
        # The exact counts first: a published table without them could not be protected against later on.
        save(self.folder / _INTERNAL / f"{number}.json", _exact(table, rules), mode=_PRIVATE)
        save(self.folder / f"{number}.csv", published)


@contextmanager
def opened(folder: Path) -> Iterator[PublicationHistory]:
    """Open a history for one table; another process waits up to ten minutes.

    Raises:
        IntegrityError: INT-162, the directory cannot be read or written; INT-161, it does not hold together.
    """
    internal = folder / _INTERNAL
    try:
        internal.mkdir(mode=0o700, parents=True, exist_ok=True)
        with filelock.FileLock(internal / ".lock", timeout=_LOCK_SECONDS, mode=_PRIVATE):
            tables, rules = _earlier(folder)
            seed = internal / "seed"
            # One seed for all publications: with a new one, each of them could suppress other cells, and two that
            # differ tell more than either.
            if not seed.exists():
                save(seed, secrets.token_hex(32), mode=_PRIVATE)
            yield PublicationHistory(folder, tables, rules, bytes.fromhex(local_files.read_text(seed, "ascii")))
    except (OSError, filelock.Timeout) as error:
        raise IntegrityError("INT-162", "the history cannot be read or written; nothing is published") from error


def _earlier(folder: Path) -> tuple[tuple[CrossTable, ...], tuple[Mapping[str, Any], ...]]:
    published = sorted(folder.glob(_PUBLISHED))
    tables, rules = [], []
    for path in published:
        try:
            exact = json.loads(local_files.read_text(folder / _INTERNAL / f"{path.stem}.json"))
            table = _table(exact)
            noisy = exact["rules"]["mode"] == "dp"
            tables.append(replace(table, values={} if noisy else _values(path, table.dims)))
            rules.append(exact["rules"])
        except (FileNotFoundError, ValueError, KeyError, TypeError) as error:
            message = f"{path.name} does not agree with its exact counts; nothing is published"
            raise IntegrityError("INT-161", message) from error
    return tuple(tables), tuple(rules)


def _exact(table: CrossTable, rules: Mapping[str, Any]) -> str:
    exact = {
        "dims": table.dims,
        "margins": [sorted(margin) for margin in table.margins],
        "groups": {d: {g: sorted(c) for g, c in names.items()} for d, names in table.groups.items()},
        "counts": [[*key, count] for key, count in sorted(table.counts.items())],
        "rules": dict(rules),
    }
    return json.dumps(exact, ensure_ascii=False)


def _table(exact: Mapping[str, Any]) -> CrossTable:
    counts = {tuple(codes): int(count) for *codes, count in exact["counts"]}
    groups = {d: {g: frozenset(codes) for g, codes in names.items()} for d, names in exact["groups"].items()}
    return CrossTable(tuple(exact["dims"]), tuple(frozenset(m) for m in exact["margins"]), counts, groups)


def _values(path: Path, dims: Codes) -> dict[Codes, int | None]:
    text = io.StringIO(local_files.read_text(path), newline="")
    rows = map(table_files.unguarded, csv.DictReader(text, strict=True))
    values = {tuple(row[dim] for dim in dims): row["value"] for row in rows}
    return {key: int(value) if value else None for key, value in values.items()}


def save(path: Path, text: str, *, mode: int = 0o666) -> None:
    """Write a file whole or not at all.

    Args:
        path: its folder is made if there is none.
        text: written as UTF-8.
        mode: permissions of the file, less the mask of the process.

    Raises:
        IntegrityError: INT-162.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # What is left of a save that broke off, or was put there: a link would be followed, a named pipe waited for.
        part.unlink(missing_ok=True)
        # Permissions are given when the file is made: a file that is narrowed afterwards can be opened in between.
        with open(
            part, "x", encoding="utf-8", newline="", opener=lambda name, flags: os.open(name, flags, mode)
        ) as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)  # after the content is on disk, so that a power cut leaves the old file or the new one
    except OSError as error:
        raise IntegrityError("INT-162", "a file cannot be written; nothing is published") from error
