"""The transparency log's arithmetic: a Merkle tree over decision records, and its proofs.

Decides what the hash of an entry and the root of a log are, and what proves that an entry is in a log and that one
log continues another. Does not read files, know what a record says, or spell checkpoints (see `checkpoint`).

- A leaf is hashed with prefix 0x00, an inner node with 0x01: no node can be passed off as an entry.
- Appending needs only the frontier (the roots of the perfect subtrees, left to right), never the whole tree.
- Verification returns None or raises; it decides from its arguments alone.

Source: RFC 9162 section 2.1.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from schemas.errors import IntegrityError

__all__ = [
    "EMPTY",
    "Frontier",
    "append",
    "consistency_proof",
    "frontier_of",
    "inclusion_proof",
    "leaf_hash",
    "node_hash",
    "root",
    "verify_consistency",
    "verify_inclusion",
]


@dataclass(frozen=True, slots=True)
class Frontier:
    """A log as far as appending needs it: its size in entries and the peaks of its perfect subtrees, largest first."""

    size: int
    peaks: tuple[bytes, ...]


EMPTY = Frontier(0, ())


def leaf_hash(entry: bytes) -> bytes:
    """Hash one entry."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two neighbouring subtrees."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def append(frontier: Frontier, leaf: bytes) -> Frontier:
    """Add one leaf hash on the right; each trailing 1 bit of the old size is one merge."""
    peaks, size = list(frontier.peaks), frontier.size
    while size & 1:
        leaf = node_hash(peaks.pop(), leaf)
        size >>= 1
    return Frontier(frontier.size + 1, (*peaks, leaf))


def frontier_of(leaves: Iterable[bytes]) -> Frontier:
    """Append all leaf hashes to the empty log, without a frontier value for each step."""
    peaks: list[bytes] = []
    size = 0
    for leaf in leaves:
        node, bits = leaf, size
        while bits & 1:
            node = node_hash(peaks.pop(), node)
            bits >>= 1
        peaks.append(node)
        size += 1
    return Frontier(size, tuple(peaks))


def root(frontier: Frontier) -> bytes:
    """Return the Merkle tree hash; of the empty log it is the hash of the empty string."""
    if not frontier.peaks:
        return hashlib.sha256(b"").digest()
    *rest, node = frontier.peaks
    for peak in reversed(rest):
        node = node_hash(peak, node)
    return node


def inclusion_proof(index: int, leaves: Sequence[bytes]) -> tuple[bytes, ...]:
    """Return the audit path of entry `index` in the log of exactly these leaf hashes, lowest sibling first.

    Raises:
        ValueError: there is no such entry.

    Source: RFC 9162 section 2.1.3.1.
    """
    if not 0 <= index < len(leaves):
        raise ValueError(f"no entry {index} in a log of {len(leaves)}")
    if len(leaves) == 1:
        return ()
    split = _split(len(leaves))
    left, right = leaves[:split], leaves[split:]
    if index < split:
        return (*inclusion_proof(index, left), root(frontier_of(right)))
    return (*inclusion_proof(index - split, right), root(frontier_of(left)))


def verify_inclusion(leaf: bytes, proof: Sequence[bytes], *, index: int, size: int, expected: bytes) -> None:
    """Check that `leaf` is entry `index` of the log of `size` entries whose root is `expected`.

    Raises:
        IntegrityError: INT-110.

    Source: RFC 9162 section 2.1.3.2; the numbers are its steps.
    """
    if not 0 <= index < size:  # (1)
        raise IntegrityError("INT-110", f"entry {index} cannot be in a log of {size}")
    fn, sn, node = index, size - 1, leaf  # (2), (3)
    for sibling in proof:  # (4)
        if sn == 0:
            raise IntegrityError("INT-110", "the inclusion proof is too long")
        if fn & 1 or fn == sn:
            node = node_hash(sibling, node)
            fn, sn = _up(fn, sn)
        else:
            node = node_hash(node, sibling)
        fn, sn = fn >> 1, sn >> 1
    if sn != 0 or node != expected:  # (5)
        raise IntegrityError("INT-110", f"entry {index} is not in the log of this root")


def consistency_proof(old: int, leaves: Sequence[bytes]) -> tuple[bytes, ...]:
    """Return the proof that the log of exactly these leaf hashes continues its own first `old` entries.

    Raises:
        ValueError: `old` is not between 1 and the size.

    Source: RFC 9162 section 2.1.4.1.
    """
    if not 1 <= old <= len(leaves):
        raise ValueError(f"a log of {len(leaves)} does not continue one of {old}")
    return _subproof(old, leaves, whole=True)


def verify_consistency(old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Check that the log of `new` entries begins with the log of `old` entries.

    Raises:
        IntegrityError: INT-111.

    Source: RFC 9162 section 2.1.4.2; the numbers are its steps.
    """
    if not 1 <= old <= new:
        raise IntegrityError("INT-111", f"a log of {new} does not continue one of {old}")
    if old == new:
        if proof or old_root != new_root:
            raise IntegrityError("INT-111", f"two different logs of {old} entries")
        return
    path = list(proof) if old & (old - 1) else [old_root, *proof]  # (1), (2)
    if not path:
        raise IntegrityError("INT-111", "the consistency proof is empty")
    fr, sr, complete = _fold(path, *_up(old - 1, new - 1, odd=True))  # (3), (4)
    if not complete or fr != old_root or sr != new_root:  # (7)
        raise IntegrityError("INT-111", f"the log of {new} entries does not continue the log of {old}")


def _fold(path: Sequence[bytes], fn: int, sn: int) -> tuple[bytes, bytes, bool]:
    """Rebuild both roots of a consistency proof, and say whether its length was right: steps (5) and (6)."""
    fr = sr = path[0]
    for sibling in path[1:]:
        if sn == 0:
            return fr, sr, False
        if fn & 1 or fn == sn:
            fr, sr = node_hash(sibling, fr), node_hash(sibling, sr)
            fn, sn = _up(fn, sn)
        else:
            sr = node_hash(sr, sibling)
        fn, sn = fn >> 1, sn >> 1
    return fr, sr, sn == 0


def _split(size: int) -> int:
    """Return the largest power of two below `size`: where RFC 9162 cuts a tree."""
    return 1 << (size - 1).bit_length() - 1


def _subproof(old: int, leaves: Sequence[bytes], *, whole: bool) -> tuple[bytes, ...]:
    if old == len(leaves):
        return () if whole else (root(frontier_of(leaves)),)
    split = _split(len(leaves))
    left, right = leaves[:split], leaves[split:]
    if old <= split:
        return (*_subproof(old, left, whole=whole), root(frontier_of(right)))
    return (*_subproof(old - split, right, whole=False), root(frontier_of(left)))


def _up(fn: int, sn: int, *, odd: bool = False) -> tuple[int, int]:
    """Climb to the level where `fn` is a left child (or, with `odd`, while it is a right child)."""
    while (fn & 1) if odd else (fn and not fn & 1):
        fn, sn = fn >> 1, sn >> 1
    return fn, sn
