"""The audit of a suppression pattern: the attack that must fail before anything is published.

Purpose: an attacker knows the balances, every published cell, that people come whole and that no count is negative. The
audit asks whether each target can still be as low and as high as it must. A target passes once two tables of whole
numbers are at hand that agree with everything published: one at its low end or below, one at its high end or above.

1. Linear programs move many targets at once, some at a time.
2. The targets that are left are searched for in whole numbers, some at a time.
3. The rest is searched for one by one; a target for which no table is found fails.

Called by: `publication_decision`, after every pattern.

Invariants:
- Every table is checked in whole numbers against everything published, whatever a solver says of it, and counts for
  all targets.
- Neither the programs nor the engine are those of complementary suppression.

Source: Fischetti and Salazar 2001 for feasibility intervals.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from anonymizer.tabular.joint_system import JointSystem
from anonymizer.tabular.linear_program import Program, WorkMeter
from anonymizer.tabular.primary import Targets
from anonymizer.tabular.sparse_matrix import Flags, Floats, Indices, Matrix, hstack, vstack

__all__ = ["Audited", "audit"]

_AT_ONCE = 64  # targets that one program moves together
_GAIN, _LOSS = 0.7, 0.9  # shares of targets that are left: at most for another try as it was, and for any other try
_QUICK, _LONG = 0.2, 20.0  # effort of a search in whole numbers, for many targets and for one


@dataclass(frozen=True, slots=True)
class Audited:
    """The least `width`, in persons, that was found to be possible for any target; `failed` flags failed targets."""

    width: float
    failed: Flags


@dataclass(slots=True)
class _Attack:
    """The attacker's rows with their bounds, and the least and the most found so far for each target."""

    rows: Matrix
    floor: Floats
    ceiling: Floats
    targets: Targets
    solve: WorkMeter
    least: Floats = field(init=False)
    most: Floats = field(init=False)

    def __post_init__(self) -> None:
        # The true table agrees with everything published, so every target can be what it is.
        self.least, self.most = self.targets.exact.copy(), self.targets.exact.copy()

    def open(self, *, upwards: bool) -> Flags:
        """Flag the targets for which no table at that end is at hand yet."""
        flags: Flags = self.most < self.targets.high if upwards else self.least > self.targets.low
        return flags

    def consider(self, table: Floats | None) -> None:
        """Take a table into account if, rounded to whole numbers, it agrees with everything published."""
        if table is None:
            return
        whole = np.rint(table[: self.rows.shape[1]])
        sums = self.rows @ whole
        if np.all(whole >= 0) and np.all(sums >= self.floor) and np.all(sums <= self.ceiling):
            values = self.targets.sums @ whole
            self.least, self.most = np.minimum(self.least, values), np.maximum(self.most, values)

    def push(self, solve: Callable[[Program], Floats | None], *, upwards: bool) -> None:
        """Move open targets towards one end, some at a time, and ever fewer at a time while that helps."""
        size = _AT_ONCE
        while size > 1 and (before := int(self.open(upwards=upwards).sum())):
            for start in range(0, before, size):
                # Asked anew each time: the last table may have closed some of the next targets.
                places = np.flatnonzero(self.open(upwards=upwards))[start : start + size]
                if len(places):
                    self.consider(solve(self._program(places, upwards=upwards)))
            left = int(self.open(upwards=upwards).sum())
            if left > _LOSS * before:
                return
            size = size if left < _GAIN * before else size // 4

    def single_out(self, *, upwards: bool) -> Flags:
        """Search a table for each open target, one at a time; flag the targets for which none is found."""
        for target in np.flatnonzero(self.open(upwards=upwards)):
            if self.open(upwards=upwards)[target]:  # a table found for another target may have closed this one
                self.consider(self.solve.whole(self._program(np.array([target]), upwards=upwards), _LONG))
        return self.open(upwards=upwards)

    def _program(self, places: Indices, *, upwards: bool) -> Program:
        """Maximise the way of some targets towards one end; no way counts beyond that end.

        Columns: the table, then the way of each target. Rows: everything published, then `target -/+ way` against the
        exact value, so that a way is at most the distance that its target has moved.
        """
        size, count, sign = self.rows.shape[1], len(places), 1.0 if upwards else -1.0
        chosen = np.zeros(len(self.targets.exact), np.bool_)
        chosen[places] = True
        exact = self.targets.exact[chosen]
        room = np.abs((self.targets.high if upwards else self.targets.low)[chosen] - exact)
        away = hstack([self.targets.sums.select_rows(chosen), Matrix.diagonal(count, -sign)])
        return Program(
            cost=np.concatenate([np.zeros(size), np.full(count, -1.0)]),
            matrix=vstack([self.rows, away]),
            row_lower=np.concatenate([self.floor, exact if upwards else np.full(count, -np.inf)]),
            row_upper=np.concatenate([self.ceiling, np.full(count, np.inf) if upwards else exact]),
            lower=np.concatenate([np.zeros(size), np.full(count, -np.inf)]),
            upper=np.concatenate([np.full(size, np.inf), room]),
        )


def audit(joint: JointSystem, targets: Targets, shown: Matrix, totals: Floats, solve: WorkMeter) -> Audited:
    """Attack a suppression pattern.

    Args:
        joint: the joint system of all publications.
        targets: the sums that must stay possible at both ends.
        shown: the sums that are, or already were, published.
        totals: their values.
        solve: the metered engines.

    Raises:
        WorkLimitError: too much work.
    """
    nothing = np.zeros(len(joint.slack))
    floor, ceiling = np.concatenate([nothing, totals]), np.concatenate([joint.slack, totals])
    attack = _Attack(vstack([joint.balance, shown]), floor, ceiling, targets, solve)
    failed = np.zeros(len(targets.exact), np.bool_)
    for upwards in (True, False):
        # 1. Linear programs.
        attack.push(solve.audit, upwards=upwards)
        # 2. Whole numbers, some targets at a time.
        attack.push(partial(solve.whole, effort=_QUICK), upwards=upwards)
        # 3. Whole numbers, one target at a time.
        failed |= attack.single_out(upwards=upwards)
    return Audited(float((attack.most - attack.least).min(initial=np.inf)), failed)
