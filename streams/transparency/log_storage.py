"""The storage of the transparency log: durable appends, a signed checkpoint over each, and recovery after a crash.

Purpose: an entry is recorded when `append` returns, and only then may a decision be acted upon.

    append    1. write the entries and sync them to disk
              2. write their leaf hashes and sync them
              3. sign and write the checkpoint that covers them, and sync it

    open      1. lock the entries file
              2. write the verifier key beside a new log, or compare it
              3. recover: finish or drop what a crash left behind the last checkpoint

Opening checks only that entries, leaf hashes and the last checkpoint agree; `log_verification` checks everything.

Called by: `amana.composition.release_parts`; the release process appends through it.

Invariants:
- One owner: the entries file is locked as long as the log is open.
- After a failed write the log takes no more entries: whoever cannot record does not release.
- Recovery drops only entries that no checkpoint covers. They come again: those of the topic `audit` are read again from
  the position after the last covered one, and nothing was released on the strength of an uncovered entry.
- A checkpoint that was cut short while it was written is completed, since its entries were written before it.
- A log is handed on to another key by an entry under the last checkpoint of the key before it (`log_keys`).
"""

import dataclasses
import fcntl
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from schemas.errors import IntegrityError
from streams.transparency import checkpoint, decision, log_files, log_keys, merkle_tree
from streams.transparency.checkpoint import Checkpoint
from streams.transparency.decision import Decision, release_identity
from streams.transparency.log_files import BLOCK_LINES, LEAF_BYTES, ORIGIN, AuditFiles
from streams.transparency.merkle_tree import Frontier

__all__ = ["AuditStorage"]


class AuditStorage:
    """The log of one site, open for appending; made by `AuditStorage.open`, given up by `close`."""

    def __init__(self, files: AuditFiles, keys: Sequence[Ed25519PrivateKey], handles: Sequence[BinaryIO]) -> None:
        """Take locked files in append mode, in the order entries, leaf hashes, checkpoints.

        `keys` are the log's key and, where it is being handed on, the next one.
        """
        self._files, self._keys = files, keys
        self._entries, self._leaves, self._points = handles
        self._use(keys[0])
        self._handover: log_keys.Handover | None = None
        self._frontier = merkle_tree.EMPTY
        self._checkpoints = 0
        self._broken = False
        self.sources: dict[str, int] = {}
        """Stream -> last offset of it that is in the log."""
        self.releases: dict[str, Decision] = {}
        """`release|withheld table` -> the record of it, in the order of the log."""
        self.last: dict[str, Decision] = {}
        """Action -> the last record of it that the log's keeper made itself."""

    @classmethod
    def open(cls, directory: Path, private: bytes, successor: bytes | None = None) -> Self:
        """Open or create the log in `directory`, signing with a raw Ed25519 key (32 bytes), and recover it.

        `successor` is the key to which the log is being handed on: a crash may have left it with either.

        Raises:
            IntegrityError: INT-130, the disk refuses; INT-131, another process has the log open; INT-132, the files are
                damaged in a way that no crash explains; INT-121, they were signed with another key.
        """
        files = AuditFiles(directory)
        try:
            directory.mkdir(parents=True, exist_ok=True)
            handles = [path.open("ab+", buffering=0) for path in (files.entries, files.leaves, files.checkpoints)]
            # 1. Lock.
            fcntl.flock(handles[0].fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
            keys = [Ed25519PrivateKey.from_private_bytes(key) for key in (private, successor) if key]
            log = cls(files, keys, handles)
            # 2. Write or compare the key.
            log._settle_key()
            # 3. Recover.
            log._recover()
        except BlockingIOError as error:
            raise IntegrityError("INT-131", "another process keeps this audit log") from error
        except OSError as error:
            raise _refused(error) from error
        return log

    @property
    def size(self) -> int:
        """Return the number of entries that a checkpoint covers."""
        return self._frontier.size

    @property
    def head(self) -> Checkpoint:
        """Return the content of the last checkpoint."""
        return Checkpoint(ORIGIN, self._frontier.size, merkle_tree.root(self._frontier))

    def append(self, decisions: Sequence[Decision]) -> int:
        """Record decisions under one new checkpoint, durably, and return the index of the first.

        A decision whose source position, or whose release, is already in the log is not recorded again.

        Raises:
            IntegrityError: INT-130, the log cannot be written; nothing may be released.
        """
        if self._broken:
            raise IntegrityError("INT-130", "the audit log failed before and takes no more entries")
        first = self._frontier.size
        fresh = [entry for entry in decisions if not self.holds(entry)]
        lines = [
            decision.canonical(entry, seq=first + number, checkpoint=self._checkpoints)
            for number, entry in enumerate(fresh)
        ]
        if lines:
            self._write(lines)
            for entry in fresh:
                self._remember(entry)
        return first

    def hand_on(self, private: bytes, entry: Decision) -> None:
        """Hand the log on to another key, which signs from then on; `entry` is completed by both public keys.

        Raises:
            IntegrityError: INT-130, the log cannot be written; the same call at the next start goes on from there.
        """
        key = Ed25519PrivateKey.from_private_bytes(private)
        public = key.public_key().public_bytes_raw()
        if self._public != public:
            details = log_keys.details_of(self._public, public)
            # 1. The entry, under a checkpoint of the key before.
            if self._handover is None or self._handover.after != public:
                self.append([dataclasses.replace(entry, details=details)])
            # 2. A checkpoint of the next key, before the key file names it: the last checkpoint then is of that key.
            self._use(key)
            self.append([dataclasses.replace(entry, details=details | {"act": "accept"})])
        # 3. The key file.
        spelt = f"{checkpoint.verifier_key(ORIGIN, public)}\n".encode()
        if self._files.key.read_bytes() != spelt:
            try:
                temporary = self._files.key.with_name(".audit.pub.new")
                temporary.write_bytes(spelt)
                temporary.replace(self._files.key)
            except OSError as error:
                raise _refused(error) from error

    def _use(self, key: Ed25519PrivateKey) -> None:
        """Sign with a key from now on."""
        self._key, self._public = key, key.public_key().public_bytes_raw()

    def holds(self, entry: Decision) -> bool:
        """Return whether the log has this source position, or this release, already."""
        if entry.source is not None:
            stream, _, offset = entry.source.rpartition("/")
            return int(offset) <= self.sources.get(stream, -1)
        return release_identity(entry) in self.releases

    def close(self) -> None:
        """Close the files, and so release the lock."""
        for handle in (self._points, self._leaves, self._entries):
            handle.close()

    def _write(self, lines: Sequence[bytes]) -> None:
        hashes = [merkle_tree.leaf_hash(line) for line in lines]
        frontier = self._frontier
        for leaf in hashes:
            frontier = merkle_tree.append(frontier, leaf)
        self._broken = True  # until all three are on disk: a part of them must not be appended to
        try:
            # 1. Entries.
            _durably(self._entries, b"".join(line + b"\n" for line in lines))
            # 2. Leaf hashes.
            _durably(self._leaves, b"".join(hashes))
            # 3. Checkpoint: last, since it vouches for the others.
            _durably(self._points, self._sign(frontier))
        except OSError as error:
            raise _refused(error) from error
        self._frontier, self._checkpoints, self._broken = frontier, self._checkpoints + 1, False

    def _sign(self, frontier: Frontier) -> bytes:
        text = checkpoint.checkpoint_text(Checkpoint(ORIGIN, frontier.size, merkle_tree.root(frontier)))
        signature = self._key.sign(text.encode())
        return log_files.block_of(checkpoint.note(text, name=ORIGIN, public=self._public, signature=signature))

    def _settle_key(self) -> None:
        """Write the verifier key beside a new log; refuse to continue a log of another key."""
        spelt = f"{checkpoint.verifier_key(ORIGIN, self._public)}\n".encode()
        on_file = self._files.key.read_bytes() if self._files.key.exists() else b""
        # A full disk may have taken a part of the key file; before the first checkpoint it may be completed.
        if on_file != spelt and spelt.startswith(on_file) and not self._files.checkpoints.stat().st_size:
            self._files.key.write_bytes(spelt)
            # The file's own sync does not cover its name: a new name is durable once its directory is synced.
            descriptor = os.open(self._files.directory, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        names = [checkpoint.verifier_key(ORIGIN, key.public_key().public_bytes_raw()) for key in self._keys]
        if self._files.key.read_bytes() not in {f"{name}\n".encode() for name in names}:
            raise IntegrityError("INT-121", "audit.pub, the log's key, is not the one this process signs with")

    def _recover(self) -> None:
        """Read the log up to its last checkpoint, and finish or drop what a crash left behind that."""
        raw = self._files.checkpoints.read_bytes()
        blocks = list(log_files.blocks(raw))
        # A whole block ends with an empty line. Only the last one can be torn: the others were synced before it.
        is_torn = bool(blocks) and not (blocks[-1].count(b"\n") == BLOCK_LINES and blocks[-1].endswith(b"\n\n"))
        rest = blocks.pop() if is_torn else b""
        covered = self._covered(blocks[-1]) if blocks else 0
        at_cover, at_end, cut = self._read(covered)
        # Ed25519 is deterministic: the same entries give the same block, so comparing it checks the root as well.
        if blocks and self._sign(at_cover) != blocks[-1]:
            raise IntegrityError("INT-132", "the entries are not those of the last checkpoint; run amana audit verify")
        self._checkpoints, self._frontier = len(blocks), at_cover
        if rest:
            self._finish(rest, at_end, kept=len(raw) - len(rest))
            return
        self._entries.truncate(cut)
        self._leaves.truncate(covered * LEAF_BYTES)

    def _covered(self, block: bytes) -> int:
        """Return the size that the last checkpoint covers, and go on with the key that signed it."""
        for key in self._keys[1:]:
            with suppress(IntegrityError):
                size = log_files.checked(block, key.public_key().public_bytes_raw()).size
                self._use(key)
                return size
        return log_files.checked(block, self._public).size

    def _read(self, covered: int) -> tuple[Frontier, Frontier, int]:
        """Return the frontiers of the covered and of all whole entries, and the byte at which the covered ones end."""
        at_cover = frontier = merkle_tree.EMPTY
        cut = length = 0
        hashes = self._files.leaves.read_bytes()
        with self._files.entries.open("rb") as lines:
            for index, line in enumerate(lines):
                leaf = merkle_tree.leaf_hash(line.removesuffix(b"\n"))
                whole = line.endswith(b"\n") and hashes[index * LEAF_BYTES : (index + 1) * LEAF_BYTES] == leaf
                if not whole:
                    break
                entry, *_ = decision.parse(line.removesuffix(b"\n"))
                frontier, length = merkle_tree.append(frontier, leaf), length + len(line)
                if index < covered:
                    self._remember(entry)
                    at_cover, cut = frontier, length
        if at_cover.size < covered:
            raise IntegrityError("INT-132", f"entry {at_cover.size} is damaged or missing; run amana audit verify")
        return at_cover, frontier, cut

    def _finish(self, rest: bytes, frontier: Frontier, *, kept: int) -> None:
        """Complete the checkpoint that a crash cut short; its bytes are known, since Ed25519 is deterministic."""
        block = self._sign(frontier)
        if not block.startswith(rest):
            # It may be the first one of the next key.
            self._use(self._keys[-1])
            block = self._sign(frontier)
        if frontier.size == self._frontier.size or not block.startswith(rest):
            raise IntegrityError("INT-132", "the end of the checkpoints is no checkpoint; run amana audit verify")
        self._points.truncate(kept)
        _durably(self._points, block)
        self._checkpoints += 1
        _, self._frontier, _ = self._read(frontier.size)

    def _remember(self, entry: Decision) -> None:
        if entry.source is not None:
            stream, _, offset = entry.source.rpartition("/")
            self.sources[stream] = max(int(offset), self.sources.get(stream, -1))
            return
        self.last[entry.action] = entry
        self._handover = log_keys.handover_of(entry, 0) or self._handover
        if identity := release_identity(entry):
            self.releases[identity] = entry


def _durably(handle: BinaryIO, content: bytes) -> None:
    """Write all of the content and sync it to disk."""
    view = memoryview(content)
    while view:  # an unbuffered write may take only a part
        view = view[handle.write(view) :]
    os.fsync(handle.fileno())


def _refused(error: OSError) -> IntegrityError:
    return IntegrityError("INT-130", f"the audit log cannot be written: {error.strerror}; nothing is released")
