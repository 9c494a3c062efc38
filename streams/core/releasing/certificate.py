"""The audit certificate of a release: one text per figure of its protection, every count in a bucket.

Purpose: the audit log says how a release was protected without telling anything of the people in small cells. The
figures come from `anonymizer.tabular.block_protection`.
Called by: `release_feeds`.

Invariants:
- No exact count leaves: counts become the least of 1, 2, 5, 10, 20, 50 … that is not below.

>>> at_most(0), at_most(3), at_most(73)
('0', '≤5', '≤100')
"""

import hashlib
from collections.abc import Sequence

from anonymizer.tabular.block_protection import ProtectionProof

__all__ = ["at_most", "certificate"]


def _step(number: int) -> int:
    """Return the largest of 1, 2, 5, 10, 20, 50 … that is not above `number`, which is 1 or more."""
    power = int("1" + "0" * (len(str(number)) - 1))
    return max(step * power for step in (1, 2, 5) if step * power <= number)


def at_most(number: int) -> str:
    """Return the least of 1, 2, 5, 10, 20, 50 … that is not below a count, as `≤n`; `0` for none.

    Finer than the decades of a batch's receipt (`anonymizer.microdata.receipt.decade`): these counts are of cells and
    programs of a whole release.
    """
    if number <= 0:
        return "0"
    floor = _step(number)
    if floor == number:
        return f"≤{number}"
    leading = int(str(floor)[0])
    return f"≤{floor // leading * {1: 2, 2: 5, 5: 10}[leading]}"


def certificate(proofs: Sequence[ProtectionProof], solver: str) -> dict[str, str]:
    """Return the audit certificate of one joint release: pattern, sizes in buckets, least width, solver."""
    pattern = hashlib.sha256("\n".join(proof.pattern for proof in proofs).encode()).hexdigest()
    width = min((proof.width for proof in proofs), default=float("inf"))
    return {
        "pattern": pattern,
        "cells": at_most(sum(proof.cells for proof in proofs)),
        "primary": at_most(sum(proof.primary for proof in proofs)),
        "secondary": at_most(sum(proof.secondary for proof in proofs)),
        "programs": at_most(sum(proof.programs for proof in proofs)),
        # Rounded down, so that the certificate never claims more than the audit found.
        "min_width": f"≥{_step(int(width + 1e-6))}" if 1 <= width < float("inf") else "none",
        "solver": solver,
    }
