"""The attack that must fail before anything is published: what do the published cells say about the withheld ones?

Decides which targets pass. Its programs are not those of `secondary`: here nothing is cheap or dear, an attacker knows
the balances, every published cell, that people come whole, and that nobody counts less than nothing, and looks for the
least and the most that each target can be. A target passes once tables of whole numbers are at hand that put it at its
low end or below and at its high end or above. Every such table is checked in whole numbers against what is published,
whatever a solver says of it, and counts for all targets. Linear programs find most of them; those that they find in
fractions alone are looked for in whole numbers, some at a time and at last one by one, before they fail.

Source: Fischetti and Salazar 2001 for feasibility intervals.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from anonymizer.tabular.joint_system import JointSystem
from anonymizer.tabular.linear_program import Flags, Floats, Indices, Matrix, Program, WorkMeter, hstack, vstack
from anonymizer.tabular.primary import Targets

__all__ = ["Audited", "audit"]

_AT_ONCE = 64  # targets that one program moves together
_GAIN, _LOSS = 0.7, 0.9  # shares of targets that are left: at most for another try as it was, and for any other try
_QUICK, _LONG = 0.2, 20.0  # effort of a search in whole numbers, for many targets and for one


@dataclass(slots=True)
class _Attack:
    """What an attacker knows, and the least and most found so far for each target."""

    known: Matrix
    floor: Floats
    ceiling: Floats
    targets: Targets
    solve: WorkMeter
    least: Floats = field(init=False)
    most: Floats = field(init=False)

    def __post_init__(self) -> None:
        self.least, self.most = self.targets.exact.copy(), self.targets.exact.copy()

    def open(self, *, upwards: bool) -> Flags:
        """Flag the targets not yet known to be able to reach their end."""
        flags: Flags = self.most < self.targets.high if upwards else self.least > self.targets.low
        return flags

    def consider(self, table: Floats | None) -> None:
        """Take a table into account if, in whole numbers, it agrees with all that is known."""
        if table is None:
            return
        whole = np.rint(table[: self.known.shape[1]])
        said = self.known.times(whole)
        if np.all(whole >= 0) and np.all(said >= self.floor) and np.all(said <= self.ceiling):
            values = self.targets.sums.times(whole)
            self.least, self.most = np.minimum(self.least, values), np.maximum(self.most, values)

    def push(self, solve: Callable[[Program], Floats | None], *, upwards: bool) -> None:
        """Move open targets some at a time as far as they need to go; ever fewer at a time while that gains."""
        size = _AT_ONCE
        while size > 1 and (before := int(self.open(upwards=upwards).sum())):
            for start in range(0, before, size):
                places = np.flatnonzero(self.open(upwards=upwards))[start : start + size]
                if len(places):
                    self.consider(solve(self._program(places, upwards=upwards)))
            left = int(self.open(upwards=upwards).sum())
            if left > _LOSS * before:
                return
            size = size if left < _GAIN * before else size // 4

    def single_out(self, *, upwards: bool) -> Flags:
        """Look for a table for each open target, one at a time; flag those for which there is none."""
        for target in np.flatnonzero(self.open(upwards=upwards)):
            if self.open(upwards=upwards)[target]:
                self.consider(self.solve.whole(self._program(np.array([target]), upwards=upwards), _LONG))
        return self.open(upwards=upwards)

    def _program(self, places: Indices, *, upwards: bool) -> Program:
        """Maximise how far some targets get towards their ends, none counted further than it needs."""
        size, count, sign = self.known.shape[1], len(places), 1.0 if upwards else -1.0
        chosen = _flags(places, len(self.targets.exact))
        exact = self.targets.exact[chosen]
        room = np.abs((self.targets.high if upwards else self.targets.low)[chosen] - exact)
        away = hstack([self.targets.sums.take(chosen), Matrix.diagonal(count, -sign)])
        return Program(
            cost=np.concatenate([np.zeros(size), np.full(count, -1.0)]),
            matrix=vstack([self.known, away]),
            row_lower=np.concatenate([self.floor, exact if upwards else np.full(count, -np.inf)]),
            row_upper=np.concatenate([self.ceiling, np.full(count, np.inf) if upwards else exact]),
            lower=np.concatenate([np.zeros(size), np.full(count, -np.inf)]),
            upper=np.concatenate([np.full(size, np.inf), room]),
        )


def _flags(places: Indices, size: int) -> Flags:
    flags = np.zeros(size, np.bool_)
    flags[places] = True
    return flags


@dataclass(frozen=True, slots=True)
class Audited:
    """The least width, in persons, that was found to be possible for any target; and the targets that can be told."""

    width: float
    told: Flags


def audit(joint: JointSystem, targets: Targets, shown: Matrix, totals: Floats, solve: WorkMeter) -> Audited:
    """Attack a pattern.

    Args:
        joint: the joint system of all prints.
        targets: what must stay possible.
        shown: the sums that are, or already were, published.
        totals: what they came to.
        solve: the metered solver.

    Raises:
        DisclosureError: DIS-022, too much work.
    """
    nothing = np.zeros(len(joint.slack))
    floor, ceiling = np.concatenate([nothing, totals]), np.concatenate([joint.slack, totals])
    attack = _Attack(vstack([joint.balance, shown]), floor, ceiling, targets, solve)
    told = np.zeros(len(targets.exact), np.bool_)
    for upwards in (True, False):
        attack.push(solve.audit, upwards=upwards)
        attack.push(partial(solve.whole, effort=_QUICK), upwards=upwards)
        told |= attack.single_out(upwards=upwards)
    return Audited(float((attack.most - attack.least).min(initial=np.inf)), told)
