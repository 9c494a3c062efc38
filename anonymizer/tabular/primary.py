"""Which cells are unsafe by themselves, and what must stay possible about each of them.

Decides the rules: 1 to k-1 persons; too few agencies, or one above its share, unless the country is waived by name.
Zeros are safe by themselves (and may serve as cover). Does not decide which other cells must go (`secondary`).

Not only published cells are sensitive: two overlapping regions differ by a few countries, a year and its quarters by
those without a month. So every leaf variable with 1 to k-1 persons is a target too, whether or not a table shows it,
and with it every sum of leaves of 1 to k-1 persons: if the sum's upper bound is k or more, so is that of no part of
it less. The agency rules hold for published cells. The homogeneity rule is optional and not switched on.
"""

from dataclasses import dataclass

import numpy as np

from anonymizer.policy import Suppression
from anonymizer.tabular.program import Flags, Floats, Matrix, stack
from anonymizer.tabular.table import System

__all__ = ["Targets", "mark", "targets_of"]


@dataclass(frozen=True, slots=True)
class Targets:
    """Sums of variables that no attacker may pin down: each must be able to be ≤ `low` and also ≥ `high`."""

    sums: Matrix
    exact: Floats
    low: Floats
    high: Floats


def _waived(system: System, rules: Suppression) -> Flags:
    return np.array([key.place in rules.single_agency_countries for key in system.cells], np.bool_)


def _small(persons: Floats, rules: Suppression) -> Flags:
    return (persons > 0) & (persons < rules.k)


def _by_agency(system: System, rules: Suppression) -> Flags:
    persons = system.totals
    few = np.count_nonzero(system.agencies > 0, axis=1) < rules.min_agencies
    one = system.agencies.max(axis=1, initial=0.0) > rules.dominance * persons
    flags: Flags = (persons > 0) & (few | one) & ~_waived(system, rules)
    return flags


def mark(system: System, rules: Suppression) -> Flags:
    """Flag the cells that are withheld because they are unsafe by themselves."""
    return _small(system.totals, rules) | _by_agency(system, rules)


def targets_of(system: System, rules: Suppression, frozen: Flags) -> Targets:
    """Return what must be protected: small cells and variables as 0 to k, cells of few agencies by a margin each side.

    Cells that are `frozen` are out already: nothing protects them any more.

    A cell that is unsafe by its agencies alone must be possible at k/2 persons less and k/2 more than it has, so that
    an agency that takes away its own is left with an interval of k persons or more.
    """
    persons = np.concatenate([system.totals, system.values])
    sums = stack([system.members, Matrix.diagonal(len(system.values), 1.0)])
    small = _small(persons, rules)
    agencies = np.concatenate([_by_agency(system, rules), np.zeros(len(system.values), np.bool_)]) & ~small
    out = np.concatenate([frozen, np.zeros(len(system.values), np.bool_)])
    kept = _first(sums, (small | agencies) & ~out)
    margin = float((rules.k + 1) // 2)
    low = np.where(small, 0.0, persons - margin)[kept]
    high = np.where(small, float(rules.k), persons + margin)[kept]
    return Targets(sums.take(kept), persons[kept], low, high)


def _first(sums: Matrix, wanted: Flags) -> Flags:
    """Flag the first of equal sums among those wanted."""
    order = np.argsort(sums.rows, kind="stable")
    bounds = np.searchsorted(sums.rows[order], np.arange(sums.shape[0] + 1))
    seen: set[bytes] = set()
    kept = wanted.copy()
    for row in np.flatnonzero(wanted):
        columns = np.sort(sums.columns[order[bounds[row] : bounds[row + 1]]]).tobytes()
        kept[row] = columns not in seen
        seen.add(columns)
    return kept
