"""Keep the transparency log on disk: append entries durably, sign a checkpoint over them, recover after a crash.

Decides when an entry counts as kept: entries, then leaf hashes, then the signed checkpoint are each synced to disk
before `append` returns. Does not decide what is recorded, and checks on opening only that entries, leaf hashes and the
last checkpoint agree (`audit_verify` checks all).

- One owner: the entries file is locked for as long as the log is open.
- A failed write closes the log to further appends: who cannot record does not release.
- Recovery drops only what no checkpoint covers. Such entries come again: those of the audit topic are taken once more
  from the position after the last covered one, and nothing was released on the strength of an uncovered entry. A
  checkpoint that was cut short in the middle of its writing is completed, since it covered its entries by intent.
"""

import fcntl
import os
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from schemas.errors import IntegrityError
from streams.transparency import checkpoint, decision, log_files, merkle_tree
from streams.transparency.checkpoint import Checkpoint
from streams.transparency.decision import Decision
from streams.transparency.log_files import LEAF_BYTES, ORIGIN, AuditFiles
from streams.transparency.merkle_tree import Frontier

__all__ = ["AuditStorage"]


class AuditStorage:
    """The log of one site, open for appending. Use `AuditStorage.open` and `close`."""

    def __init__(self, files: AuditFiles, key: Ed25519PrivateKey, handles: Sequence[BinaryIO]) -> None:
        """Take locked files in append mode: entries, leaf hashes, checkpoints."""
        self._files, self._key = files, key
        self._entries, self._leaves, self._points = handles
        self._public = key.public_key().public_bytes_raw()
        self._frontier = merkle_tree.EMPTY
        self._checkpoints = 0
        self._broken = False
        self.sources: dict[str, int] = {}
        self.releases: dict[str, int] = {}

    @classmethod
    def open(cls, directory: Path, private: bytes) -> Self:
        """Open or create the log in `directory`, signing with a raw Ed25519 key (32 bytes), and recover it.

        Raises:
            IntegrityError: INT-130 where the disk refuses, INT-131 where another process keeps the log, INT-132 where
                the files are damaged beyond what a crash can do, INT-121 where they were signed with another key.
        """
        files = AuditFiles(directory)
        try:
            directory.mkdir(parents=True, exist_ok=True)
            handles = [path.open("ab+", buffering=0) for path in (files.entries, files.leaves, files.checkpoints)]
            _lock(handles[0])
            log = cls(files, Ed25519PrivateKey.from_private_bytes(private), [_binary(handle) for handle in handles])
            log._settle_key()
            log._recover()
        except OSError as error:
            raise _refused(error) from error
        return log

    @property
    def size(self) -> int:
        """Return the number of entries that a checkpoint covers."""
        return self._frontier.size

    @property
    def head(self) -> Checkpoint:
        """Return the last checkpoint's content."""
        return Checkpoint(ORIGIN, self._frontier.size, merkle_tree.root(self._frontier))

    def append(self, decisions: Sequence[Decision]) -> int:
        """Record decisions under one new checkpoint and return the index of the first; durable on return.

        A decision whose source position, or whose release, is already in the log is not recorded again.

        Raises:
            IntegrityError: INT-130; nothing may be released.
        """
        if self._broken:
            raise IntegrityError("INT-130", "the audit log failed before and takes no more entries")
        first = self._frontier.size
        fresh = [found for found in decisions if not self.holds(found)]
        lines = [
            decision.canonical(found, seq=first + place, checkpoint=self._checkpoints)
            for place, found in enumerate(fresh)
        ]
        if lines:
            self._write(lines)
            for place, found in enumerate(fresh):
                self._remember(found, first + place)
        return first

    def holds(self, found: Decision) -> bool:
        """Say whether this source position, or this release, stands in the log already."""
        if found.source is not None:
            stream, _, offset = found.source.rpartition("/")
            return int(offset) <= self.sources.get(stream, -1)
        return _identity(found) in self.releases

    def close(self) -> None:
        """Give the log up."""
        for handle in (self._points, self._leaves, self._entries):
            handle.close()

    def _write(self, lines: Sequence[bytes]) -> None:
        hashes = [merkle_tree.leaf_hash(line) for line in lines]
        frontier = self._frontier
        for leaf in hashes:
            frontier = merkle_tree.append(frontier, leaf)
        self._broken = True
        try:
            _durably(self._entries, b"".join(line + b"\n" for line in lines))
            _durably(self._leaves, b"".join(hashes))
            _durably(self._points, self._sign(frontier))
        except OSError as error:
            raise _refused(error) from error
        self._frontier, self._checkpoints, self._broken = frontier, self._checkpoints + 1, False

    def _sign(self, frontier: Frontier) -> bytes:
        text = checkpoint.checkpoint_text(Checkpoint(ORIGIN, frontier.size, merkle_tree.root(frontier)))
        signature = self._key.sign(text.encode())
        return log_files.block_of(checkpoint.note(text, name=ORIGIN, public=self._public, signature=signature))

    def _settle_key(self) -> None:
        """Write the verifier key beside a new log; a log of another key is not ours to continue."""
        spelt = f"{checkpoint.verifier_key(ORIGIN, self._public)}\n".encode()
        there = self._files.key.read_bytes() if self._files.key.exists() else b""
        # A disk that was full may have taken a part of it.
        if there != spelt and spelt.startswith(there) and not self._files.checkpoints.stat().st_size:
            self._files.key.write_bytes(spelt)
            _sync_directory(self._files.directory)
        if self._files.key.read_bytes() != spelt:
            raise IntegrityError("INT-121", "audit.pub, the log's key, is not the one this process signs with")

    def _recover(self) -> None:
        """Read the log, keep what its last checkpoint covers, and finish or drop what a crash left behind it."""
        raw = self._files.checkpoints.read_bytes()
        found = list(log_files.blocks(raw))
        rest = found.pop() if found and not _is_whole(found[-1]) else b""
        covered = log_files.checked(found[-1], self._public).size if found else 0
        at_cover, at_end, cut = self._read(covered)
        if found and self._sign(at_cover) != found[-1]:
            raise IntegrityError("INT-132", "the entries are not those of the last checkpoint; run amana audit verify")
        self._checkpoints, self._frontier = len(found), at_cover
        if rest:
            self._finish(rest, at_end, kept=len(raw) - len(rest))
            return
        self._entries.truncate(cut)
        self._leaves.truncate(covered * LEAF_BYTES)

    def _read(self, covered: int) -> tuple[Frontier, Frontier, int]:
        """Return the frontier at the last checkpoint, that of all whole entries, and the byte where the first ends."""
        at_cover = frontier = merkle_tree.EMPTY
        cut = length = 0
        hashes = self._files.leaves.read_bytes()
        with self._files.entries.open("rb") as lines:
            for index, line in enumerate(lines):
                leaf = merkle_tree.leaf_hash(line.removesuffix(b"\n"))
                whole = line.endswith(b"\n") and hashes[index * LEAF_BYTES : (index + 1) * LEAF_BYTES] == leaf
                if not whole:
                    break
                found, seq, _ = decision.parse(line.removesuffix(b"\n"))
                frontier, length = merkle_tree.append(frontier, leaf), length + len(line)
                if index < covered:
                    self._remember(found, seq)
                    at_cover, cut = frontier, length
        if at_cover.size < covered:
            raise IntegrityError("INT-132", f"entry {at_cover.size} is damaged or missing; run amana audit verify")
        return at_cover, frontier, cut

    def _finish(self, rest: bytes, frontier: Frontier, *, kept: int) -> None:
        """Complete the checkpoint that a crash cut short; Ed25519 is deterministic, so its bytes are known."""
        block = self._sign(frontier)
        if frontier.size == self._frontier.size or not block.startswith(rest):
            raise IntegrityError("INT-132", "the end of the checkpoints is no checkpoint; run amana audit verify")
        self._points.truncate(kept)
        _durably(self._points, block)
        self._checkpoints += 1
        _, self._frontier, _ = self._read(frontier.size)

    def _remember(self, found: Decision, index: int) -> None:
        if found.source is not None:
            stream, _, offset = found.source.rpartition("/")
            self.sources[stream] = max(int(offset), self.sources.get(stream, -1))
        elif identity := _identity(found):
            self.releases[identity] = index


def _identity(found: Decision) -> str:
    """Name the release that a decision is about, and the table where it withholds one; empty for all others."""
    release = found.details.get("release", "") if found.source is None else ""
    return f"{release}|{found.details.get('table', '')}" if release else ""


def _is_whole(block: bytes) -> bool:
    return block.count(b"\n") == 6 and block.endswith(b"\n\n")  # noqa: PLR2004 - the lines of a block


def _binary(handle: object) -> BinaryIO:
    return handle  # type: ignore[return-value]  # FileIO is a BinaryIO in all but its declared type


def _lock(handle: object) -> None:
    try:
        fcntl.flock(_binary(handle).fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise IntegrityError("INT-131", "another process keeps this audit log") from error


def _durably(handle: BinaryIO, content: bytes) -> None:
    """Write all of it, then have it on disk; an unbuffered write may take only a part."""
    view = memoryview(content)
    while view:
        view = view[handle.write(view) :]
    os.fsync(handle.fileno())


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _refused(error: OSError) -> IntegrityError:
    return IntegrityError("INT-130", f"the audit log cannot be written: {error.strerror}; nothing is released")
