"""Which cells are unsafe by themselves, and what must stay possible about each of them.

Decides the rules: 1 to k-1 persons; too few agencies, or one above its share, unless the country is waived by name.
Zeros are safe by themselves (and may serve as cover). Does not decide which other cells must go (`secondary`).

Not only published cells are sensitive: two overlapping regions differ by a few countries, a year and its quarters by
those without a month, two prints by those who came late. So every leaf with 1 to k-1 persons is a target too, whether
or not a table shows it, and with it every sum of leaves of 1 to k-1 persons: if the sum's upper bound is k or more, so
is that of no part of it less. So is every change of 1 to k-1 persons between two prints that count the same leaves.
The agency rules hold for published cells. The homogeneity rule is optional and not switched on.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from anonymizer.policy import Suppression
from anonymizer.tabular.joint_system import JointSystem, Publication, Sums
from anonymizer.tabular.linear_program import Flags, Floats, Matrix, vstack

__all__ = ["Targets", "primary_suppression", "targets_of"]


@dataclass(frozen=True, slots=True)
class Targets:
    """Sums of variables that no attacker may pin down: each must be able to be ≤ `low` and also ≥ `high`."""

    sums: Matrix
    exact: Floats
    low: Floats
    high: Floats

    def take(self, kept: Flags) -> "Targets":
        """Return the targets that are flagged."""
        return Targets(self.sums.take(kept), self.exact[kept], self.low[kept], self.high[kept])


def _small(persons: Floats, rules: Suppression) -> Flags:
    size = np.abs(persons)
    return (size > 0) & (size < rules.k)


def _by_agency(one: Publication, rules: Suppression) -> Flags:
    agencies = np.stack([one.members.times(column) for column in one.counts.T], axis=1)
    persons = agencies.sum(axis=1)
    few = np.count_nonzero(agencies > 0, axis=1) < rules.min_agencies
    dominated = agencies.max(axis=1, initial=0.0) > rules.dominance * persons
    flags: Flags = (persons > 0) & (few | dominated) & ~one.alone
    return flags


def primary_suppression(one: Publication, rules: Suppression) -> Flags:
    """Flag the cells of a print that are withheld because they are unsafe by themselves."""
    return _small(one.members.times(one.values), rules) | _by_agency(one, rules)


def targets_of(prints: Sequence[Publication], joint: JointSystem, rules: Suppression) -> Targets:
    """Return what must be protected: small sums as 0 to k either way, cells of few agencies by a margin each side.

    Cells that are out already are no targets: nothing protects them any more.

    A cell that is unsafe by its agencies alone must be possible at k/2 persons less and k/2 more than it has, so that
    an agency that takes away its own is left with an interval of k persons or more.
    """
    parts = [*_parts(prints, joint, rules)]
    sums = vstack([part.sums for part in parts]).widened(len(joint.values))
    ends = [np.concatenate([getattr(part, name) for part in parts]) for name in ("exact", "low", "high")]
    every = Targets(sums, *ends)
    return every.take(_first(every))


def _parts(prints: Sequence[Publication], joint: JointSystem, rules: Suppression) -> Iterator[Targets]:
    for one, cells in zip(prints, joint.cells, strict=True):
        hidden = np.ones(len(cells.exact), np.bool_) if one.shown is None else ~one.shown
        yield _wide(cells, hidden, rules)
        yield _beside(cells, hidden & _by_agency(one, rules), rules)
    for sums in (*joint.leaves, *joint.gains):
        yield _wide(sums, np.ones(len(sums.exact), np.bool_), rules)


def _wide(sums: Sums, open_: Flags, rules: Suppression) -> Targets:
    kept = open_ & _small(sums.exact, rules)
    exact = sums.exact[kept]
    far = np.sign(exact) * rules.k
    return Targets(sums.rows.take(kept), exact, np.minimum(far, 0.0), np.maximum(far, 0.0))


def _beside(sums: Sums, open_: Flags, rules: Suppression) -> Targets:
    kept = open_ & ~_small(sums.exact, rules)
    exact, margin = sums.exact[kept], float((rules.k + 1) // 2)
    return Targets(sums.rows.take(kept), exact, exact - margin, exact + margin)


def _first(targets: Targets) -> Flags:
    """Flag the first of equal sums with equal ends."""
    sums = targets.sums
    order = np.lexsort((sums.columns, sums.rows))
    bounds = np.searchsorted(sums.rows[order], np.arange(sums.shape[0] + 1))
    columns, values = sums.columns[order], sums.values[order]
    seen: set[tuple[bytes, bytes, float]] = set()
    kept = np.zeros(sums.shape[0], np.bool_)
    for row, (start, end) in enumerate(pairwise(bounds)):
        mine = (columns[start:end].tobytes(), values[start:end].tobytes(), float(targets.high[row]))
        kept[row] = mine not in seen
        seen.add(mine)
    return kept
