"""The disclosure ledger: one SQLite file that says what every release froze, before any of it is published.

Decides that an entry is durable when `commit` returns, that a release id is entered once, and what is still to be
published after a crash. Does not decide what is released (`streams.core.releasing.release_plan`) or send anything.

- An entry holds the rows themselves: a release that was interrupted is finished with the rows that were decided then,
  never with a second computation.
- All entries of one tick are committed together, since they were protected together.
- One owner: the file is locked for as long as the ledger is open.
"""

import datetime as dt
import json
import sqlite3
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from schemas.errors import IntegrityError
from schemas.trend import TrendRow
from streams.core.releasing.release_plan import Cells, EarlierRelease, Publish, Withhold

__all__ = ["ReleaseLedger"]

_TABLES = """
CREATE TABLE IF NOT EXISTS tick (
    id TEXT PRIMARY KEY, position INTEGER NOT NULL, as_of TEXT NOT NULL, summary TEXT, cells BLOB
) STRICT;
CREATE TABLE IF NOT EXISTS entry (
    number INTEGER PRIMARY KEY, release TEXT NOT NULL, withheld TEXT NOT NULL, tick TEXT NOT NULL REFERENCES tick,
    fields TEXT NOT NULL, feeds BLOB NOT NULL, published INTEGER NOT NULL DEFAULT 0, UNIQUE (release, withheld)
) STRICT;
"""

Outcome = Publish | Withhold


class ReleaseLedger:
    """The ledger of one site, open for its owner. Use `ReleaseLedger.open` and `close`."""

    def __init__(self, database: sqlite3.Connection) -> None:
        """Take a locked database with the ledger's tables."""
        self._database = database

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open or create the ledger.

        Raises:
            IntegrityError: INT-100 where the disk refuses, the file is no ledger, or another process owns it.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            database = sqlite3.connect(path, isolation_level=None, timeout=1)
            for setting in ("locking_mode=EXCLUSIVE", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
                database.execute(f"PRAGMA {setting}")
            database.executescript(_TABLES)
            database.execute("BEGIN IMMEDIATE")  # takes the exclusive lock now, not at the first release
            database.execute("COMMIT")
        except (OSError, sqlite3.Error) as error:
            raise _refused(error) from error
        return cls(database)

    def commit(self, tick: str, position: int, as_of: dt.date, entered: tuple[Sequence[Outcome], Cells]) -> None:
        """Enter a tick of the calendar with everything it releases or withholds; durable on return, entered once.

        The exact cells behind it are kept beside it, for as long as the ledger is: what is suppressed today must stay
        so beside every later print, and what changed between two prints is known from both.

        Raises:
            IntegrityError: INT-100; nothing may be released.
        """
        outcomes, cells = entered
        rows = [(found.release, _withheld(found), tick, _fields(found), _pack(found.feeds)) for found in outcomes]
        exact = zlib.compress(json.dumps(cells).encode()) if outcomes else None
        self._write(
            [
                (
                    "INSERT OR IGNORE INTO tick VALUES (?, ?, ?, NULL, ?)",
                    [(tick, position, as_of.isoformat(), exact)],
                ),
                ("INSERT OR IGNORE INTO entry (release, withheld, tick, fields, feeds) VALUES (?, ?, ?, ?, ?)", rows),
            ]
        )

    def unpublished(self) -> Iterator[tuple[int, str, Outcome]]:
        """Yield number, tick and content of every entry that is not yet marked as published, in order."""
        query = "SELECT number, tick, fields, feeds FROM entry WHERE NOT published ORDER BY number"
        for number, tick, fields, feeds in self._database.execute(query).fetchall():
            yield number, tick, _outcome(json.loads(fields), _unpack(feeds))

    def mark_published(self, number: int) -> None:
        """Note that every row of an entry was acknowledged by the broker.

        Raises:
            IntegrityError: INT-100.
        """
        self._write([("UPDATE entry SET published = 1 WHERE number = ?", [(number,)])])

    def entries_of(self, tick: str) -> tuple[Outcome, ...]:
        """Return everything a tick released or withheld, in order."""
        query = "SELECT fields, feeds FROM entry WHERE tick = ? ORDER BY number"
        found = self._database.execute(query, (tick,)).fetchall()
        return tuple(_outcome(json.loads(fields), _unpack(feeds)) for fields, feeds in found)

    def earlier(self) -> tuple[EarlierRelease, ...]:
        """Return what every tick entered, in order: what later releases are protected against."""
        rows: dict[str, list[TrendRow]] = {}
        for tick, packed in self._database.execute("SELECT tick, feeds FROM entry ORDER BY number").fetchall():
            rows.setdefault(tick, []).extend(row for some in _unpack(packed).values() for row in some)
        exact = dict(self._database.execute("SELECT id, cells FROM tick WHERE cells IS NOT NULL").fetchall())
        return tuple(
            EarlierRelease(tuple(some), json.loads(zlib.decompress(exact[tick]))) for tick, some in rows.items()
        )

    def releases(self) -> tuple[str, ...]:
        """Return `release|withheld table` of every published entry: each must stand in the audit log."""
        query = "SELECT release || '|' || withheld FROM entry WHERE published ORDER BY number"
        return tuple(identity for (identity,) in self._database.execute(query).fetchall())

    def is_planned(self, tick: str) -> bool:
        """Say whether a tick was entered, whatever became of its entries since."""
        return self._database.execute("SELECT 1 FROM tick WHERE id = ?", (tick,)).fetchone() is not None

    def finish(self, tick: str, position: int, as_of: dt.date, summary: Mapping[str, str]) -> None:
        """Close a tick with the summary that was announced for it; a refused tick is entered here only.

        Raises:
            IntegrityError: INT-100.
        """
        text = json.dumps(dict(summary), sort_keys=True)
        self._write(
            [
                ("INSERT OR IGNORE INTO tick VALUES (?, ?, ?, NULL, NULL)", [(tick, position, as_of.isoformat())]),
                ("UPDATE tick SET summary = ? WHERE id = ?", [(text, tick)]),
            ]
        )

    def position(self) -> int:
        """Return the calendar's offset of the last finished tick, -1 before the first."""
        query = "SELECT coalesce(max(position), -1) FROM tick WHERE summary IS NOT NULL"
        return int(self._database.execute(query).fetchone()[0])

    def close(self) -> None:
        """Give the ledger up."""
        self._database.close()

    def _write(self, statements: Sequence[tuple[str, Sequence[tuple[Any, ...]]]]) -> None:
        try:
            self._database.execute("BEGIN IMMEDIATE")
            for statement, rows in statements:
                self._database.executemany(statement, rows)
            self._database.execute("COMMIT")
        except sqlite3.Error as error:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            raise _refused(error) from error


def _withheld(outcome: Outcome) -> str:
    return outcome.table if isinstance(outcome, Withhold) else ""


def _fields(outcome: Outcome) -> str:
    fields = {name: getattr(outcome, name) for name in outcome.__slots__ if name != "feeds"}
    fields["as_of"] = outcome.as_of.isoformat()
    if isinstance(outcome, Publish):
        fields["certificate"] = dict(outcome.certificate)
    return json.dumps(fields, sort_keys=True)


def _outcome(fields: dict[str, Any], feeds: Mapping[str, tuple[TrendRow, ...]]) -> Outcome:
    fields["as_of"] = dt.date.fromisoformat(fields["as_of"])
    return Withhold(**fields, feeds=feeds) if "table" in fields else Publish(**fields, feeds=feeds)


def _pack(feeds: Mapping[str, Sequence[TrendRow]]) -> bytes:
    plain = {region: [row.record() for row in rows] for region, rows in feeds.items()}
    return zlib.compress(json.dumps(plain, ensure_ascii=False).encode())


def _unpack(packed: bytes) -> dict[str, tuple[TrendRow, ...]]:
    plain = json.loads(zlib.decompress(packed))
    return {region: tuple(TrendRow.from_record(row) for row in rows) for region, rows in plain.items()}


def _refused(error: Exception) -> IntegrityError:
    return IntegrityError("INT-100", f"the ledger cannot be kept: {error}; nothing is released")
