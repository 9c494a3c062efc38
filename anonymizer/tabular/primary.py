"""Primary suppression: the cells that are unsafe by themselves, and the targets that protection must reach.

Purpose: the rules of the policy in one place. A cell is unsafe if it counts 1 to k-1 persons, or by its agencies:

- by the rule `insider`, if without some agency's persons it counts 1 to k-1;
- by the rule `dominance`, if too few agencies report it, or one agency has more than its share of it, unless its
  country is waived by name.

Zeros are no target. They may serve as cover, and are hidden where the policy says so.
Called by: `publication_decision`; `complementary` and `protection_audit` read its `Targets`.

Invariants:
- Every elementary cell with 1 to k-1 persons is a target, whether or not a table shows it: two overlapping regions
  differ by a few countries, and a year and its quarters by those without a month.
- Protecting every such elementary cell also protects every sum of them from above: no cell is below 0, so the upper
  bound of a sum is at least the upper bound of each part, which is k or more. (The lower bound of a sum may be above 0:
  an attacker may learn that such a group is not empty.)
- Every change of 1 to k-1 persons between two publications that count the same elementary cells is a target too.
- Against an insider the far end alone is a target: what the others of an agency have must possibly be k or more, in
  every elementary cell and so in every sum, so that the agency cannot bound it within 1 to k-1. That the others have
  somebody may be told, as of any sum.
- A change is small if the count moved by 1 to k-1. Where an agency can report one person and look whether a count
  moves, no change at all is small too.
- The rule `dominance` holds for published cells only.

Source: Hundepool et al. 2012, "Statistical Disclosure Control", chapter 4, for the rules and for feasibility intervals.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from anonymizer.suppression_rules import Suppression
from anonymizer.tabular.joint_system import JointSystem, Publication, Sums
from anonymizer.tabular.sparse_matrix import Flags, Floats, Matrix, vstack

__all__ = ["Targets", "insider_targets_of", "primary_suppression", "targets_of", "unchanged_targets_of"]


@dataclass(frozen=True, slots=True)
class Targets:
    """Sums of variables that no attacker may determine: each must possibly be `low` or less, and `high` or more.

    `sums` has a row per target over the variables of the joint system; `exact`, `low` and `high` are in persons.
    """

    sums: Matrix
    exact: Floats
    low: Floats
    high: Floats

    def select(self, kept: Flags) -> "Targets":
        """Return the flagged targets."""
        return Targets(self.sums.select_rows(kept), self.exact[kept], self.low[kept], self.high[kept])


def primary_suppression(publication: Publication, rules: Suppression) -> Flags:
    """Flag the cells of a publication that are unsafe by themselves, and zeros if the policy hides them."""
    persons = publication.members @ publication.values
    unsafe = _is_small(persons, rules) | _by_agency(publication, rules)
    if rules.zeros == "hidden":
        unsafe |= persons == 0
    return unsafe


def targets_of(publications: Sequence[Publication], joint: JointSystem, rules: Suppression) -> Targets:
    """Return the targets of a joint system, each sum with equal ends once.

    A sum of 1 to k-1 persons (or of as many who left) must possibly be 0, and possibly k. A cell that is unsafe by its
    agencies alone must possibly be k/2 persons below and k/2 above its value, so that an agency that takes away its own
    persons is left with an interval of k persons or more.

    Args:
        publications: all publications in order, the one to decide last.
        joint: their joint system.
        rules: k and the agency rules.
    """
    parts: list[Targets] = []
    for publication, cells in zip(publications, joint.cells, strict=True):
        # A cell that is published already is no target: nothing protects it any more.
        hidden = _hidden(publication, cells)
        parts.append(_from_0_to_k(cells, hidden, rules))
        if rules.rule == "dominance":
            parts.append(_around(cells, hidden & _by_agency(publication, rules), rules))
    parts += [_from_0_to_k(sums, np.ones(len(sums.exact), np.bool_), rules) for sums in (*joint.elements, *joint.gains)]
    return _joined(parts, joint)


def insider_targets_of(publications: Sequence[Publication], joint: JointSystem, rules: Suppression) -> Targets:
    """Return the targets of an agency that knows its own persons.

    Args:
        publications: all publications in order, the one to decide last, without the agency's persons.
        joint: their joint system: its counts are those of the others.
        rules: k.
    """
    parts: list[Targets] = []
    for publication, sums in zip(publications, joint.cells, strict=True):
        parts.append(_far_end(sums, _hidden(publication, sums), rules))
    parts += [_far_end(sums, np.ones(len(sums.exact), np.bool_), rules) for sums in (*joint.elements, *joint.gains)]
    return _joined(parts, joint)


def unchanged_targets_of(joint: JointSystem, rules: Suppression) -> Targets | None:
    """Return the targets of who asks whether anything changed, None if no publication counts anything again.

    A sum that did not change must possibly have grown by k.

    Args:
        joint: the joint system in which persons may have come anywhere.
        rules: k.
    """
    parts = [_up_to_k(sums, (sums.exact == 0) & _again(sums), rules) for sums in joint.gains]
    return _joined(parts, joint) if parts else None


def _again(sums: Sums) -> Flags:
    """Flag the changes of what was counted before; of what is counted for the first time there is none."""
    again = np.zeros(len(sums.exact), np.bool_)
    again[sums.rows.rows] = True
    return again


def _hidden(publication: Publication, cells: Sums) -> Flags:
    return np.ones(len(cells.exact), np.bool_) if publication.shown is None else ~publication.shown


def _joined(parts: Sequence[Targets], joint: JointSystem) -> Targets:
    """Put targets under each other, each sum with equal ends once."""
    rows = vstack([part.sums for part in parts]).widened(len(joint.values))
    exact, low, high = (np.concatenate([getattr(part, name) for part in parts]) for name in ("exact", "low", "high"))
    targets = Targets(rows, exact, low, high)
    return targets.select(_first_of_equals(targets))


def _is_small(persons: Floats, rules: Suppression) -> Flags:
    size = np.abs(persons)  # a change may be negative: people who left
    small: Flags = (size > 0) & (size < rules.k)
    return small


def _by_agency(publication: Publication, rules: Suppression) -> Flags:
    """Flag the cells that are unsafe by their agencies."""
    persons = publication.members @ publication.values
    known = publication.counts @ publication.knows.T.astype(float)
    agencies = np.stack([publication.members @ column for column in known.T], axis=1)  # cells by agencies
    if rules.rule == "insider":
        small = _is_small(persons[:, None] - agencies, rules)
        unsafe: Flags = np.count_nonzero(small, axis=1) > 0
        return unsafe
    few = np.count_nonzero(agencies > 0, axis=1) < rules.min_agencies
    dominated = agencies.max(axis=1, initial=0.0) > (rules.dominance or 1.0) * persons
    flags: Flags = (persons > 0) & (few | dominated) & ~publication.alone
    return flags


def _from_0_to_k(sums: Sums, open_: Flags, rules: Suppression) -> Targets:
    """Return the open sums of 1 to k-1 persons with the ends 0 and k, or -k and 0 of people who left."""
    kept = open_ & _is_small(sums.exact, rules)
    exact = sums.exact[kept]
    far = np.sign(exact) * rules.k
    return Targets(sums.rows.select_rows(kept), exact, np.minimum(far, 0.0), np.maximum(far, 0.0))


def _far_end(sums: Sums, open_: Flags, rules: Suppression) -> Targets:
    """Return the open sums of 1 to k-1 persons with the one end k; the other end is the exact value."""
    both = _from_0_to_k(sums, open_, rules)
    left = both.exact < 0  # people who left
    return Targets(both.sums, both.exact, np.where(left, both.low, both.exact), np.where(left, both.exact, both.high))


def _up_to_k(sums: Sums, open_: Flags, rules: Suppression) -> Targets:
    """Return the open sums with the one end k."""
    exact = sums.exact[open_]
    return Targets(sums.rows.select_rows(open_), exact, exact, np.maximum(exact, float(rules.k)))


def _around(sums: Sums, open_: Flags, rules: Suppression) -> Targets:
    """Return the open sums of k persons and more with ends half of k below and above."""
    kept = open_ & ~_is_small(sums.exact, rules)
    exact, margin = sums.exact[kept], float((rules.k + 1) // 2)
    return Targets(sums.rows.select_rows(kept), exact, exact - margin, exact + margin)


def _first_of_equals(targets: Targets) -> Flags:
    """Flag the first of equal sums with equal ends: the same sum is often a cell of several tables."""
    sums = targets.sums
    # Sorted by row, then column, equal rows are equal slices; their bytes are compared, as arrays cannot be hashed.
    order = np.lexsort((sums.columns, sums.rows))
    bounds = np.searchsorted(sums.rows[order], np.arange(sums.shape[0] + 1))
    columns, values = sums.columns[order], sums.values[order]
    seen: set[tuple[bytes, bytes, tuple[float, float]]] = set()
    kept = np.zeros(sums.shape[0], np.bool_)
    for row, (start, end) in enumerate(pairwise(bounds)):
        ends_ = float(targets.low[row]), float(targets.high[row])
        identity = (columns[start:end].tobytes(), values[start:end].tobytes(), ends_)
        kept[row] = identity not in seen
        seen.add(identity)
    return kept
