"""The budget store: one SQLite file that charges a release before its noise is drawn, and keeps the draw.

Purpose: make the charge durable before anything is drawn, and the draw durable before anybody sees it, so that two
processes never draw for the same release.

1. *Reserve.* The release is charged, or refused, in a transaction of its own.
2. *Draw.* Under the database's write lock the stored draw is returned; if there is none, it is drawn now.
3. *Commit.* The raw draw is stored as it came, in the same transaction, before any arithmetic on it.

Called by: the release process, through `streams.core.releasing.dp_release.Noise`, composed in
`amana.composition.release_parts`; `amana budget` reads the accounts; `connectors.operations` copies, reads and rebuilds
them. The rules of an account are in `anonymizer.budget.account`.

Invariants:
- A process that ends before step 3 takes its draw with it: nobody saw it, the charge stands, and the next attempt draws
  anew. No draw is looked at before it is stored, so a repetition does not select among draws.
- The same release id gives the same bytes for ever. A draw whose bytes are lost is refused, never drawn again.
- Every charge and every draw is an event of a hash chain (`books`). The audit log is told of its head, so that a file
  that was put back from a backup is seen.
- The file holds no times.
"""

import hashlib
import json
import sqlite3
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import astuple
from pathlib import Path
from typing import Final, Self

from anonymizer.budget.account import Account, BudgetScope, Charge, Committed, Opened, Reserved, State, apply
from connectors.adapters import sqlite_files
from schemas.errors import IntegrityError
from schemas.identifiers import ReleaseId
from streams.core.releasing.release_comparison import BudgetBooks

__all__ = ["SITE_FILE", "BudgetStore", "SiteBudget"]

SITE_FILE: Final = ("ledger", "budget.sqlite")
"""Path of the budget below a site's data directory."""

_PATIENCE_SECONDS: Final = 120
"""Longest wait, in seconds, for the transaction of another process; no draw takes as long."""

_PAUSE_SECONDS: Final = 0.01

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS account (
    kind TEXT NOT NULL, year INTEGER NOT NULL, policy TEXT NOT NULL, granted INTEGER NOT NULL,
    windows INTEGER NOT NULL, PRIMARY KEY (kind, year)
) STRICT;
CREATE TABLE IF NOT EXISTS charge (
    release TEXT PRIMARY KEY, kind TEXT NOT NULL, year INTEGER NOT NULL, policy TEXT NOT NULL,
    revision INTEGER NOT NULL, window TEXT NOT NULL, rho INTEGER NOT NULL, digest TEXT, draw BLOB,
    FOREIGN KEY (kind, year) REFERENCES account
) STRICT;
CREATE TABLE IF NOT EXISTS event (number INTEGER PRIMARY KEY, text TEXT NOT NULL, head TEXT NOT NULL) STRICT;
"""


_CHARGES: Final = "SELECT release, kind, year, policy, revision, window, rho, digest FROM charge ORDER BY rowid"


class BudgetStore:
    """The budgets of one site, open for reading and spending. Any number of processes may have the file open."""

    def __init__(self, database: sqlite3.Connection) -> None:
        """Take a database with the budget's tables."""
        self._database = database

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the file, or create it with its folder.

        Raises:
            IntegrityError: INT-101, the disk refuses, or the file is no budget.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            database = sqlite3.connect(path, isolation_level=None, timeout=_PATIENCE_SECONDS)
            _to_wal(database)
            # FULL: under NORMAL a write-ahead log is synced at checkpoints only, and a power cut takes a charge back.
            for setting in ("synchronous=FULL", "foreign_keys=ON"):
                database.execute(f"PRAGMA {setting}")
            database.executescript(_TABLES)
        except (OSError, sqlite3.Error) as error:
            raise _refused(error) from error
        store = cls(database)
        store._begin_chain()
        return store

    @classmethod
    def read(cls, path: Path, *, at_rest: bool = False) -> Self:
        """Open the file for reading alone; `at_rest` says that it belongs to no process.

        Raises:
            IntegrityError: INT-101, there is no budget at that place.
        """
        try:
            database = sqlite_files.read_only(path, at_rest=at_rest)
            database.execute("SELECT kind, windows FROM account LIMIT 1")
            database.execute("SELECT release, draw FROM charge LIMIT 1")
        except sqlite3.Error as error:
            raise _refused(error) from error
        return cls(database)

    def spend(self, opened: Opened, charge: Charge, draw: Callable[[Account], bytes]) -> bytes:
        """Return the one draw of a release: the stored one, or a new one that is charged before it is made.

        Args:
            opened: the budget of the release's scope under the policy in force.
            charge: the cost of the release, the same at every attempt.
            draw: makes the draw, given the account with the release charged; called at most once, and not at all if a
                draw is stored.

        Raises:
            BudgetError: BUD-001 to BUD-004, as `account.apply` says; nothing is drawn.
            IntegrityError: INT-101; INT-102, a stored draw is not what was stored.
        """
        # 1. Reserve, in a transaction of its own: the charge stands even if the draw fails.
        with self._transaction():
            before = self._account(charge.scope)
            state = apply(apply(before, opened), Reserved(charge))
            self._store_charge(charge, state[charge.scope])
        # 2. Draw, under the write lock: another process for the same release waits here, and finds the draw stored.
        with self._transaction():
            state = self._account(charge.scope)
            stored = self._stored_draw(charge.release)
            if stored is None:
                stored = draw(state[charge.scope])
                # 3. Commit. The digest enters the account, and is compared whenever the draw is read.
                digest = hashlib.sha256(stored).hexdigest()
                apply(state, Committed(charge.scope, charge.release, digest))
                self._store_draw(charge.release, digest, zlib.compress(stored))
        return stored

    def adopt(self, opened: Opened, charge: Charge, digest: str) -> None:
        """Enter a charge and the digest of its draw, whose bytes are lost, as the audit log tells them.

        A charge or a draw that is stored already stays as it is.

        Raises:
            BudgetError: as `spend`; BUD-005, another draw is stored.
            IntegrityError: INT-101.
        """
        with self._transaction():
            state = apply(apply(self._account(charge.scope), opened), Reserved(charge))
            self._store_charge(charge, state[charge.scope])
            apply(state, Committed(charge.scope, charge.release, digest))
            if charge.release not in state[charge.scope].draws:
                self._store_draw(charge.release, digest, None)

    def books(self) -> BudgetBooks:
        """Return the heads of the chain and the digests of all draws.

        Raises:
            IntegrityError: INT-101; INT-173, the charges and draws are not those of the chain, or it is broken.
        """
        with self._transaction("DEFERRED"):
            charges = self._database.execute(_CHARGES).fetchall()
            events = self._events()
        texts = [text for row in charges for text in _events_of(row)]
        if events is None:
            events = _chained("", texts)
        heads = [head for _, head in _chained("", [text for text, _ in events])]
        if heads != [head for _, head in events] or sorted(texts) != sorted(text for text, _ in events):
            raise IntegrityError("INT-173", "the charges and draws of the budget are not those that were entered")
        return BudgetBooks(("", *heads), {row[0]: row[-1] for row in charges if row[-1] is not None})

    def state(self) -> State:
        """Return every account with its charges, as stored now.

        Raises:
            IntegrityError: INT-101.
        """
        # DEFERRED: a reader takes a snapshot and does not wait for a writer, nor a writer for it.
        with self._transaction("DEFERRED"):
            rows = self._database.execute("SELECT kind, year FROM account ORDER BY 1, 2").fetchall()
            return {scope: self._account(scope)[scope] for scope in (BudgetScope(*row) for row in rows)}

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _account(self, scope: BudgetScope) -> State:
        """Return the state of one scope: its account, or nothing if none is open."""
        place = (scope.kind, scope.year)
        query = "SELECT policy, granted, windows FROM account WHERE kind = ? AND year = ?"
        account = self._database.execute(query, place).fetchone()
        if account is None:
            return {}
        query = (
            "SELECT release, policy, revision, window, rho, digest FROM charge"
            " WHERE kind = ? AND year = ? ORDER BY release"
        )
        with closing(self._database.execute(query, place)) as rows:
            charges = [(Charge(row[0], scope, *row[1:5]), row[5]) for row in rows]
        # A charge without a digest is one whose draw was never stored: it counts in full, and may still be drawn.
        draws = {charge.release: digest for charge, digest in charges if digest is not None}
        policy, granted, windows = account
        return {scope: Account(policy, granted, windows, {charge.release: charge for charge, _ in charges}, draws)}

    def _store_charge(self, charge: Charge, account: Account) -> None:
        """Write an account and a charge; a charge that is stored already stays, with or without its draw."""
        place = (charge.scope.kind, charge.scope.year)
        values = (*place, account.policy, account.granted, account.windows)
        self._database.execute(
            "INSERT INTO account VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE"
            " SET policy = excluded.policy, granted = excluded.granted, windows = excluded.windows",
            values,
        )
        release, _, *rest = astuple(charge)
        done = self._database.execute(
            "INSERT OR IGNORE INTO charge VALUES (?, ?, ?, ?, ?, ?, ?, NULL, NULL)", (release, *place, *rest)
        )
        if done.rowcount == 1:
            self._enter(_events_of((release, *place, *rest, None)))

    def _store_draw(self, release: ReleaseId, digest: str, packed: bytes | None) -> None:
        self._database.execute("UPDATE charge SET digest = ?, draw = ? WHERE release = ?", (digest, packed, release))
        self._enter([_drawn(release, digest)])

    def _events(self) -> list[tuple[str, str]] | None:
        """Return the events of the chain with their heads; None for a file that was made before the chain existed."""
        if not self._database.execute("SELECT 1 FROM sqlite_schema WHERE name = 'event'").fetchone():
            return None
        return self._database.execute("SELECT text, head FROM event ORDER BY number").fetchall()

    def _begin_chain(self) -> None:
        """Enter the charges of a file that was made before the chain existed."""
        with self._transaction("DEFERRED"):
            if not self._lacks_chain():
                return
        with self._transaction():
            if self._lacks_chain():  # another process may have been faster
                self._enter(text for row in self._database.execute(_CHARGES).fetchall() for text in _events_of(row))

    def _lacks_chain(self) -> bool:
        query = "SELECT EXISTS (SELECT 1 FROM charge) AND NOT EXISTS (SELECT 1 FROM event)"
        return bool(self._database.execute(query).fetchone()[0])

    def _enter(self, texts: Iterable[str]) -> None:
        """Append events to the chain, in the transaction that makes them true."""
        found = self._database.execute("SELECT head FROM event ORDER BY number DESC LIMIT 1").fetchone()
        new = _chained(found[0] if found else "", texts)
        self._database.executemany("INSERT INTO event (text, head) VALUES (?, ?)", new)

    def _stored_draw(self, release: ReleaseId) -> bytes | None:
        """Return the stored draw of a release, None if there is none yet.

        Raises:
            IntegrityError: INT-102, the bytes are not those that were stored.
        """
        query = "SELECT digest, draw FROM charge WHERE release = ?"
        digest, packed = self._database.execute(query, (release,)).fetchone() or (None, None)
        if digest is None:
            return None
        # A damaged or lost draw must not be drawn again: a second draw would let an attacker average the two.
        try:
            stored = zlib.decompress(packed or b"")
        except zlib.error:
            stored = b""
        if hashlib.sha256(stored).hexdigest() != digest:
            raise IntegrityError(
                "INT-102", f"the stored draw of release {release} is damaged or lost; nothing is released"
            )
        return stored

    @contextmanager
    def _transaction(self, kind: str = "IMMEDIATE") -> Iterator[None]:
        """Commit if the body ends without an exception, and roll back after any.

        `kind` is IMMEDIATE to take the write lock at the beginning, DEFERRED for a body that only reads.
        """
        # IMMEDIATE, not at the first write: of two processes that have both read, one could not become the writer.
        try:
            self._database.execute(f"BEGIN {kind}")
            yield
            self._database.execute("COMMIT")
        except sqlite3.Error as error:
            raise _refused(error) from error
        finally:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")


class SiteBudget:
    """The budget of a site as the release process compares it; the file need not exist."""

    def __init__(self, path: Path) -> None:
        """Take the path of the file."""
        self._path = path

    def books(self) -> BudgetBooks:
        """Return the present state, an empty one if there is no file; raises as `BudgetStore.books`."""
        if not self._path.exists():
            return BudgetBooks()
        with closing(BudgetStore.read(self._path)) as budget:
            return budget.books()


def _events_of(row: Sequence[str | int | None]) -> list[str]:
    """Return the events that a row of `_CHARGES` stands for: its charge, and its draw if there is one."""
    *terms, digest = row
    charged = json.dumps(["charge", *terms])
    return [charged] if digest is None else [charged, _drawn(terms[0], digest)]


def _drawn(release: str | int | None, digest: str | int) -> str:
    return json.dumps(["draw", release, digest])


def _chained(head: str, texts: Iterable[str]) -> list[tuple[str, str]]:
    """Return events, each with the head of the chain after it."""
    events = []
    for text in texts:
        head = hashlib.sha256(f"{head}\n{text}".encode()).hexdigest()
        events.append((text, head))
    return events


def _to_wal(database: sqlite3.Connection) -> None:
    """Switch the file to the write-ahead log, however many processes do so at once."""
    # SQLite's own timeout does not cover this switch: of two processes that create the file, one fails at once.
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            database.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            # The low byte is the primary code; the bytes above tell kinds of BUSY apart.
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE_SECONDS)
        else:
            return


def _refused(error: Exception) -> IntegrityError:
    # SQLite's texts name tables and columns, never a value.
    return IntegrityError("INT-101", f"the budget cannot be kept: {error}; nothing is released")
