"""The release ledger: one SQLite file of everything that was released, written before any of it is published.

Purpose: hold what is still to be published after a crash, and, for every later release, what an attacker already has.
What is released is decided in `streams.core.releasing.release_plan`.
Called by: `streams.release.release_process`, through the port `LedgerPort`; opened by
`amana.composition.release_parts`; `connectors.operations` copies, reads and restores it.

    commit              a tick with everything that it releases or withholds, in one transaction
    unpublished         the entries that are still to be sent to the feeds
    mark_published      for each of them, when the broker has acknowledged its rows
    finish              the tick, with the summary that was announced

Invariants:
- An entry is durable when `commit` returns, and each release is entered once.
- An entry holds the rows themselves: an interrupted release is finished with the rows that were decided then, never
  with a second computation.
- All entries of one tick are committed together, since they were protected together.
- The file has one owner: whoever has the ledger open for writing holds the lock file beside it. Nobody else writes,
  and anybody may read: a backup is made while the owner works.
- The file is disclosive, since it holds exact cells: it is never published.
"""

import datetime as dt
import fcntl
import json
import sqlite3
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final, Self

from connectors.adapters import sqlite_files
from schemas.errors import IntegrityError
from schemas.trend import TrendRow, record_digests
from streams.core.releasing.release_comparison import Claim
from streams.core.releasing.release_decision import Cells, EarlierRelease, Publish, ReleaseDecision, Withhold
from streams.core.releasing.released_rows import ReleaseHeader

__all__ = ["LEDGER_FILE", "ReleaseLedger", "lock"]

LEDGER_FILE: Final = ("ledger", "ledger.sqlite")
"""Path of the ledger below a site's data directory."""

_PATIENCE_SECONDS = 10
"""Longest wait, in seconds, for a reader that has the file open."""

_TABLES = """
CREATE TABLE IF NOT EXISTS tick (
    id TEXT PRIMARY KEY, position INTEGER NOT NULL, as_of TEXT NOT NULL, summary TEXT, cells BLOB
) STRICT;
CREATE TABLE IF NOT EXISTS entry (
    number INTEGER PRIMARY KEY, release TEXT NOT NULL, withheld TEXT NOT NULL, tick TEXT NOT NULL REFERENCES tick,
    fields TEXT NOT NULL, feeds BLOB NOT NULL, published INTEGER NOT NULL DEFAULT 0, UNIQUE (release, withheld)
) STRICT;
"""


class ReleaseLedger:
    """The ledger of one site. Use `ReleaseLedger.open` as its owner, `ReleaseLedger.read` otherwise, and `close`."""

    def __init__(self, database: sqlite3.Connection, lock_file: BinaryIO | None = None) -> None:
        """Take a database with the ledger's tables, and the locked file of an owner."""
        self._database, self._lock = database, lock_file

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the ledger, or create it with its folder, and lock it.

        Raises:
            IntegrityError: INT-100, the disk refuses, the file is no ledger, or another process owns it.
        """
        held = lock(path)
        try:
            database = sqlite3.connect(path, isolation_level=None, timeout=_PATIENCE_SECONDS)
            for setting in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
                database.execute(f"PRAGMA {setting}")
            database.executescript(_TABLES)
        except (OSError, sqlite3.Error) as error:
            held.close()
            raise _refused(error) from error
        return cls(database, held)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Open a ledger that another process may own, for reading alone; nothing beside it is made.

        Raises:
            IntegrityError: INT-100, there is no ledger at that place.
        """
        try:
            database = sqlite_files.read_only(path)
            database.execute("SELECT id, cells FROM tick LIMIT 1")
            database.execute("SELECT number, feeds FROM entry LIMIT 1")
        except sqlite3.Error as error:
            raise _refused(error) from error
        return cls(database)

    def commit(
        self, tick: str, position: int, as_of: dt.date, entered: tuple[Sequence[ReleaseDecision], Cells]
    ) -> None:
        """Enter a tick of the calendar with everything that it releases or withholds, durably and once.

        Args:
            tick: id of the tick.
            position: its offset in the topic `calendar`.
            as_of: its date.
            entered: the decisions of the release plan, and the exact cells that it was made from.

        Raises:
            IntegrityError: INT-100; nothing may be released.
        """
        decisions, cells = entered
        rows = []
        for decision in decisions:
            # A release and each table withheld from it are entries of their own, told apart by the table's name.
            table = decision.table if isinstance(decision, Withhold) else ""
            rows.append((decision.header.release, table, tick, _fields(decision), _packed(decision.feeds)))
        # The exact cells are kept as long as the ledger: a cell that is suppressed today must stay unknown beside every
        # later publication, and the change between two publications follows from the cells of both.
        exact = zlib.compress(json.dumps(cells).encode()) if decisions else None
        # OR IGNORE: a tick that is planned again after a crash was already entered, and its first entry stands.
        self._write(
            [
                (
                    "INSERT OR IGNORE INTO tick VALUES (?, ?, ?, NULL, ?)",
                    [(tick, position, as_of.isoformat(), exact)],
                ),
                ("INSERT OR IGNORE INTO entry (release, withheld, tick, fields, feeds) VALUES (?, ?, ?, ?, ?)", rows),
            ]
        )

    def unpublished(self) -> Iterator[tuple[int, str, ReleaseDecision]]:
        """Yield the number, the tick and the decision of every entry that is not marked as published, in order."""
        # Fetched at once, so that the caller may mark entries while it goes through them.
        query = "SELECT number, tick, fields, feeds FROM entry WHERE NOT published ORDER BY number"
        for number, tick, fields, feeds in self._database.execute(query).fetchall():
            yield number, tick, _decision(json.loads(fields), _unpacked(feeds))

    def mark_published(self, number: int) -> None:
        """Mark an entry as published: the broker has acknowledged every row of it.

        Raises:
            IntegrityError: INT-100.
        """
        self._write([("UPDATE entry SET published = 1 WHERE number = ?", [(number,)])])

    def entries_of(self, tick: str) -> tuple[ReleaseDecision, ...]:
        """Return everything that a tick released or withheld, in order; nothing for a tick that was not entered."""
        query = "SELECT fields, feeds FROM entry WHERE tick = ? ORDER BY number"
        entries = self._database.execute(query, (tick,)).fetchall()
        return tuple(_decision(json.loads(fields), _unpacked(feeds)) for fields, feeds in entries)

    def earlier(self) -> tuple[EarlierRelease, ...]:
        """Return the rows and exact cells of every tick that released or withheld anything, in order."""
        rows: dict[str, list[TrendRow]] = {}
        # Entries count, published or not: an entry that was interrupted will be published with these rows.
        for tick, packed in self._database.execute("SELECT tick, feeds FROM entry ORDER BY number").fetchall():
            rows.setdefault(tick, []).extend(row for feed in _unpacked(packed).values() for row in feed)
        exact = dict(self._database.execute("SELECT id, cells FROM tick WHERE cells IS NOT NULL").fetchall())
        return tuple(
            EarlierRelease(tuple(released), json.loads(zlib.decompress(exact[tick]))) for tick, released in rows.items()
        )

    def claims(self) -> dict[str, Claim]:
        """Return the digests of every entry, as `release|withheld table`, in order.

        Raises:
            IntegrityError: INT-100, an entry cannot be read.
        """
        query = "SELECT release || '|' || withheld, fields, feeds, published FROM entry ORDER BY number"
        claims = {}
        try:
            for entry, fields, packed, published in self._database.execute(query):
                # The records are stored as they are digested.
                digest, regions = record_digests(json.loads(zlib.decompress(packed)))
                pattern = json.loads(fields).get("pattern", "")
                claims[entry] = Claim(digest, pattern, sent=bool(published), regions=regions)
        except (sqlite3.Error, ValueError, zlib.error) as error:
            raise _refused(error) from error
        return claims

    def decisions(self) -> Iterator[tuple[str, ReleaseDecision]]:
        """Yield every entry as `release|withheld table` with its decision, in order."""
        query = "SELECT release || '|' || withheld, fields, feeds FROM entry ORDER BY number"
        for entry, fields, packed in self._database.execute(query):
            yield entry, _decision(json.loads(fields), _unpacked(packed))

    def is_planned(self, tick: str) -> bool:
        """Tell whether a tick was entered, published or not."""
        return self._database.execute("SELECT 1 FROM tick WHERE id = ?", (tick,)).fetchone() is not None

    def finish(self, tick: str, position: int, as_of: dt.date, summary: Mapping[str, str]) -> None:
        """Close a tick with the summary that was announced for it.

        Raises:
            IntegrityError: INT-100.
        """
        # A refused tick was never committed, so it is entered here: the calendar must go on behind it.
        text = json.dumps(dict(summary), sort_keys=True)
        self._write(
            [
                ("INSERT OR IGNORE INTO tick VALUES (?, ?, ?, NULL, NULL)", [(tick, position, as_of.isoformat())]),
                ("UPDATE tick SET summary = ? WHERE id = ?", [(text, tick)]),
            ]
        )

    def position(self) -> int:
        """Return the offset of the last finished tick in the topic `calendar`, -1 before the first."""
        query = "SELECT coalesce(max(position), -1) FROM tick WHERE summary IS NOT NULL"
        return int(self._database.execute(query).fetchone()[0])

    def close(self) -> None:
        """Close the file and give up its lock."""
        self._database.close()
        if self._lock is not None:
            self._lock.close()

    def _write(self, statements: Sequence[tuple[str, Sequence[tuple[Any, ...]]]]) -> None:
        """Run statements in one transaction."""
        try:
            self._database.execute("BEGIN IMMEDIATE")
            for statement, rows in statements:
                self._database.executemany(statement, rows)
            self._database.execute("COMMIT")
        except sqlite3.Error as error:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            raise _refused(error) from error


def lock(path: Path) -> BinaryIO:
    """Take the lock of the ledger at `path`, and make its folder; closing the returned file gives it up.

    Raises:
        IntegrityError: INT-100, another process holds it, or the disk refuses.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # A file of its own: SQLite's locks on the database end when any other handle on it is closed.
        held = path.with_suffix(".lock").open("ab", buffering=0)
    except OSError as error:
        raise _refused(error) from error
    try:
        fcntl.flock(held.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        held.close()
        raise _refused(error) from error
    return held


def _fields(decision: ReleaseDecision) -> str:
    """Return a decision without its rows as JSON: the fields of its header beside its own."""
    header = {name: getattr(decision.header, name) for name in ReleaseHeader.__slots__}
    header |= {"as_of": decision.header.as_of.isoformat(), "year": decision.header.year}
    own = {name: getattr(decision, name) for name in decision.__slots__ if name not in {"header", "feeds"}}
    if isinstance(decision, Publish):
        own["certificate"] = dict(decision.certificate)
    return json.dumps(header | own, sort_keys=True)


def _decision(fields: dict[str, Any], feeds: Mapping[str, tuple[TrendRow, ...]]) -> ReleaseDecision:
    """Return the decision of an entry: the inverse of `_fields`, with the rows added."""
    header = {name: fields.pop(name) for name in ReleaseHeader.__slots__}
    header["as_of"] = dt.date.fromisoformat(header["as_of"])
    fields.pop("year")  # follows from the window; stored for whoever reads the file with SQL
    decision = Withhold if "table" in fields else Publish  # only a withheld table has a name
    return decision(header=ReleaseHeader(**header), **fields, feeds=feeds)


def _packed(feeds: Mapping[str, Sequence[TrendRow]]) -> bytes:
    plain = {region: [row.record() for row in rows] for region, rows in feeds.items()}
    return zlib.compress(json.dumps(plain, ensure_ascii=False).encode())


def _unpacked(packed: bytes) -> dict[str, tuple[TrendRow, ...]]:
    plain = json.loads(zlib.decompress(packed))
    return {region: tuple(TrendRow.from_record(row) for row in rows) for region, rows in plain.items()}


def _refused(error: Exception) -> IntegrityError:
    reason = "another process owns it" if isinstance(error, BlockingIOError) else error
    return IntegrityError("INT-100", f"the ledger cannot be kept: {reason}; nothing is released")
