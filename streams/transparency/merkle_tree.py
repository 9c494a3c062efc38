"""The Merkle tree of the transparency log: hashes, roots, inclusion and consistency proofs.

Purpose: the arithmetic of RFC 9162, without files, records or signatures: the hash of an entry, the root of a log, and
the proofs that an entry is in a log and that one log continues another. `verify_inclusion` and `verify_consistency` are
for whoever holds a proof and not the log.

Called by: `streams.transparency.log_storage` (appends, roots) and `streams.transparency.log_verification` (roots,
inclusion proofs).

Invariants:
- A leaf is hashed with prefix 0x00 and an inner node with 0x01, so that no inner node can be passed off as an entry.
- Appending needs the frontier alone: the roots of the perfect subtrees, from left to right.
- Verification returns None or raises; it depends on its arguments alone.

    frontier = frontier_of(leaves)                  after n entries
    proof = inclusion_proof(3, leaves)
    verify_inclusion(leaves[3], proof, index=3, size=frontier.size, expected=root(frontier))

Source: RFC 9162, section 2.1. The two checks keep the variable names and step numbers of the RFC.
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
    """The size of a log in entries and the roots of its perfect subtrees, largest first: all that appending needs."""

    size: int
    peaks: tuple[bytes, ...]


EMPTY = Frontier(0, ())


def leaf_hash(entry: bytes) -> bytes:
    """Return the leaf hash of one entry."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of two neighbouring subtrees."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def append(frontier: Frontier, leaf: bytes) -> Frontier:
    """Return the frontier with one leaf hash added on the right."""
    # Each trailing 1 bit of the old size is a perfect subtree of the size of what is added so far: the two are merged.
    peaks, size = list(frontier.peaks), frontier.size
    while size & 1:
        leaf = node_hash(peaks.pop(), leaf)
        size >>= 1
    return Frontier(frontier.size + 1, (*peaks, leaf))


def frontier_of(leaves: Iterable[bytes]) -> Frontier:
    """Return the frontier of the log of these leaf hashes."""
    # As `append` does it, in one loop: a frontier value for each of a million entries would take most of the time.
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
    """Return the root hash; that of the empty log is the hash of the empty string."""
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
        IntegrityError: INT-110, the proof does not show that.

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
        IntegrityError: INT-111, the proof does not show that.

    Source: RFC 9162 section 2.1.4.2; the numbers are its steps.
    """
    if not 1 <= old <= new:
        raise IntegrityError("INT-111", f"a log of {new} does not continue one of {old}")
    if old == new:
        if proof or old_root != new_root:
            raise IntegrityError("INT-111", f"two different logs of {old} entries")
        return
    # An old log whose size is a power of two is a subtree of the new one: the proof leaves its root out.
    path = list(proof) if old & (old - 1) else [old_root, *proof]  # (1), (2)
    if not path:
        raise IntegrityError("INT-111", "the consistency proof is empty")
    fr, sr, complete = _fold(path, *_up(old - 1, new - 1, odd=True))  # (3), (4)
    if not complete or fr != old_root or sr != new_root:  # (7)
        raise IntegrityError("INT-111", f"the log of {new} entries does not continue the log of {old}")


def _fold(path: Sequence[bytes], fn: int, sn: int) -> tuple[bytes, bytes, bool]:
    """Return both roots that a consistency proof leads to, and whether its length was right: steps (5) and (6)."""
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
    """Return the largest power of two below `size`, at which RFC 9162 splits a tree."""
    return 1 << (size - 1).bit_length() - 1


def _subproof(old: int, leaves: Sequence[bytes], *, whole: bool) -> tuple[bytes, ...]:
    """Return SUBPROOF of RFC 9162; `whole`: these leaves are the old log itself, whose root the verifier has."""
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
