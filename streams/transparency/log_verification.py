"""The verification of a whole transparency log from its files alone, and proofs of single entries.

Purpose: decides whether a log is the one that its key signed, and names the first entry, checkpoint or key that is not.
Needs no broker, no registry and no trust in the files: only the public key that the caller trusts.

Called by: `connectors.console.trusted_log` and `amana.audit_log`, behind `amana audit`;
`amana.provisioning.inspection`.

    verify    1. the trusted key is one of those that the log was handed on to (`log_keys`), it has signed a checkpoint,
                 and the key file spells one of them
              2. each line is a canonical decision with its own index, and its leaf hash is the one on file
              3. each checkpoint has the one form and a signature of the key that is due, covers more than the one
                 before it, is the one that its entries name, and has the root of exactly the entries that it covers:
                 each thus continues the one before it
              4. no byte follows what the last checkpoint covers

Limits: whoever holds the signing key can rewrite the whole log, and whoever can write the files can cut entries and
checkpoints back together. A checkpoint that was kept elsewhere (`seen`) shows both.

Invariants:
- The files are not trusted: everything but the key that the caller gives is checked.
- `entries` and `prove` check nothing but form; they are for a log that `verify` accepted.
- Nothing is written.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from schemas.errors import IntegrityError
from schemas.signing import is_weak
from streams.transparency import checkpoint, decision, log_files, log_keys, merkle_tree
from streams.transparency.checkpoint import Checkpoint
from streams.transparency.decision import Decision
from streams.transparency.log_files import LEAF_BYTES, ORIGIN, AuditFiles

__all__ = ["InclusionProof", "LogUnsettledError", "VerifiedLog", "entries", "prove", "trusted_key", "verify"]


class LogUnsettledError(IntegrityError):
    """A fault at the end of the log (INT-122, INT-125, INT-126), which an append in progress explains as well.

    Entries are written before the checkpoint over them. A reader of a live log tries again; in a log at rest it is a
    fault like any other.
    """


@dataclass(frozen=True, slots=True)
class VerifiedLog:
    """The result of a verification: numbers of entries and checkpoints, and the last checkpoint."""

    entries: int
    checkpoints: int
    head: Checkpoint


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """The proof of one entry for somebody without the log: its bytes, its path and the signed checkpoint."""

    index: int
    entry: bytes
    path: tuple[bytes, ...]
    note: str


@dataclass(slots=True)
class _Walk:
    """The part of the log that has been checked so far."""

    lines: BinaryIO
    leaves: BinaryIO
    handovers: tuple[log_keys.Handover, ...] = ()
    frontier: merkle_tree.Frontier = merkle_tree.EMPTY

    def due(self, public: bytes) -> bytes:
        """Return the key of the next checkpoint; `public` where the log was never handed on."""
        passed = sum(one.number < self.frontier.size for one in self.handovers)
        return log_keys.keys_of(self.handovers, public)[passed]

    def take(self, number: int) -> None:
        """Check the next entry, which checkpoint `number` must be the first to cover: step 2."""
        index = self.frontier.size
        line, leaf = self.lines.readline(), self.leaves.read(LEAF_BYTES)
        if not line.endswith(b"\n"):
            raise LogUnsettledError("INT-122", f"entry {index} is missing or cut short")
        if merkle_tree.leaf_hash(line[:-1]) != leaf:
            raise IntegrityError("INT-123", f"entry {index} does not have the leaf hash on file")
        try:
            _, seq, covered_by = decision.parse(line[:-1])
        except IntegrityError as error:
            raise IntegrityError("INT-124", f"entry {index}: {error.message}") from error
        if (seq, covered_by) != (index, number):
            raise IntegrityError("INT-124", f"entry {index} belongs to another place or checkpoint")
        self.frontier = merkle_tree.append(self.frontier, leaf)


def trusted_key(text: str) -> bytes:
    """Read a public key: 64 hex digits, or a verifier key of this log.

    Raises:
        IntegrityError: INT-121, the text is neither, or a key for which everybody can sign.
    """
    spelt = text.strip()
    with suppress(ValueError):
        raw = bytes.fromhex(spelt)
        if not is_weak(raw):
            return raw
    raw = checkpoint.key_of(spelt, name=ORIGIN)
    if is_weak(raw):
        raise IntegrityError("INT-121", "the trusted key is neither 64 hex digits nor a verifier key of this log")
    return raw


def verify(directory: Path, public: bytes, *, seen: Checkpoint | None = None) -> VerifiedLog:
    """Check the log in `directory` against a trusted public key (32 bytes).

    Args:
        directory: The folder of the log's files.
        public: The trusted key.
        seen: A checkpoint that was kept elsewhere; the log must continue it.

    Raises:
        IntegrityError: INT-120 to INT-127, with the first entry or checkpoint that is wrong, or the key.
    """
    files = AuditFiles(directory)
    # A named pipe or a device in the place of a file would be waited for, or read without an end.
    odd = [path.name for path in files.all if path.exists() and not path.is_file()]
    if odd:
        raise IntegrityError("INT-120", f"there is no audit log here: {odd[0]} is no regular file")
    try:
        # 1. The key.
        on_file, found = files.key.read_bytes(), log_keys.handovers(files.entries)
        keys = log_keys.keys_of(found, public)
        spelt = {f"{checkpoint.verifier_key(ORIGIN, key)}\n".encode() for key in keys}
        if public not in keys or on_file not in spelt or not _is_chain(found):
            raise IntegrityError("INT-121", "audit.pub, the log's key, is not the trusted key")
        covered = files.checkpoints.read_bytes()
        with files.entries.open("rb") as lines, files.leaves.open("rb") as leaves:
            return _verify(_Walk(lines, leaves, found), covered, public, seen)
    except FileNotFoundError as error:
        name = Path(error.filename).name
        raise IntegrityError("INT-120", f"there is no whole audit log here: {name} is missing") from error


def entries(directory: Path) -> Iterator[tuple[int, Decision]]:
    """Yield index and decision of every entry; only the canonical form is checked."""
    with AuditFiles(directory).entries.open("rb") as lines:
        for line in lines:
            entry, seq, _ = decision.parse(line.removesuffix(b"\n"))
            yield seq, entry


def prove(directory: Path, index: int) -> InclusionProof:
    """Return the inclusion proof of one entry under the last checkpoint.

    Raises:
        ValueError: there is no such entry under that checkpoint.
    """
    files = AuditFiles(directory)
    *_, last = log_files.blocks(files.checkpoints.read_bytes())
    note = last.decode().removesuffix("\n")
    size = checkpoint.checkpoint_of(note.partition("\n\n")[0] + "\n").size
    raw = files.leaves.read_bytes()
    path = merkle_tree.inclusion_proof(index, [raw[n * LEAF_BYTES : (n + 1) * LEAF_BYTES] for n in range(size)])
    with files.entries.open("rb") as lines:
        entry = next(line for number, line in enumerate(lines) if number == index)
    return InclusionProof(index, entry.removesuffix(b"\n"), path, note)


def _verify(walk: _Walk, covered: bytes, public: bytes, seen: Checkpoint | None) -> VerifiedLog:
    number, head, signed = -1, Checkpoint(ORIGIN, 0, merkle_tree.root(merkle_tree.EMPTY)), False
    # 2 and 3. Entries and checkpoints, in the order of the log.
    for number, block in enumerate(log_files.blocks(covered)):
        due = walk.due(public)
        signed = signed or due == public
        try:
            point = log_files.checked(block, due)
        except IntegrityError as error:
            raise LogUnsettledError("INT-125", f"checkpoint {number}: {error.message}") from error
        head = _next(walk, number, point, seen)
    if number < 0:
        raise IntegrityError("INT-120", "there is no checkpoint")
    # A key that was replaced is in other hands, perhaps: it cannot vouch for the one after it.
    if not signed:
        raise IntegrityError("INT-121", "the trusted key has signed no checkpoint of this log")
    # 4. Nothing behind the last checkpoint.
    if walk.lines.read(1) or walk.leaves.read(1):
        raise LogUnsettledError(
            "INT-126", f"entry {head.size} follows the last checkpoint, and no checkpoint covers it"
        )
    if seen is not None and seen.size > head.size:
        raise IntegrityError("INT-127", f"entry {head.size} is missing: the log once had {seen.size} entries")
    return VerifiedLog(head.size, number + 1, head)


def _is_chain(found: tuple[log_keys.Handover, ...]) -> bool:
    """Tell whether each key was handed on by the one before it, and none twice."""
    keys = log_keys.keys_of(found, b"")
    return len(set(keys)) == len(keys) and all(one.before == two for one, two in zip(found, keys, strict=False))


def _next(walk: _Walk, number: int, point: Checkpoint, seen: Checkpoint | None) -> Checkpoint:
    """Check the entries up to a checkpoint whose signature is right, and its root."""
    first = walk.frontier.size
    if point.size <= first:
        raise LogUnsettledError("INT-125", f"checkpoint {number} covers nothing new")
    while walk.frontier.size < point.size:
        walk.take(number)
        if seen is not None and seen.size == walk.frontier.size and merkle_tree.root(walk.frontier) != seen.root:
            raise IntegrityError(
                "INT-127", f"entry {seen.size - 1} or one before: not the log that was seen at that size"
            )
    if merkle_tree.root(walk.frontier) != point.root:
        raise LogUnsettledError(
            "INT-125", f"entry {first} to {point.size - 1}: not those that checkpoint {number} covers"
        )
    return point
