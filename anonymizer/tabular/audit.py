"""The attack that must fail before anything is published: what do the published cells say about the withheld ones?

Decides pass or fail. Its programs are not those of `secondary`: here nothing is cheap or dear, an attacker knows the
balances, every published cell and that nobody counts less than nothing, and looks for the least and the most that each
target can be. A target passes once tables are at hand that put it at its low end or below and at its high end or
above; every such table is checked against what is published, whatever the solver says of it, and counts for all
targets. A target that no table certifies is asked alone, for its exact bound, before the release is refused.
"""

from dataclasses import dataclass, field

import numpy as np

from anonymizer.tabular.joint import Joint
from anonymizer.tabular.primary import Targets
from anonymizer.tabular.program import Flags, Floats, Indices, Matrix, Meter, Program, beside, stack
from schemas.errors import DisclosureError

__all__ = ["audit"]

_TOLERANCE = 1e-5
_AT_ONCE = 64  # targets that one program moves together


@dataclass(slots=True)
class _Attack:
    """What an attacker knows, and the least and most found so far for each target."""

    known: Matrix
    floor: Floats
    ceiling: Floats
    targets: Targets
    solve: Meter
    least: Floats = field(init=False)
    most: Floats = field(init=False)

    def __post_init__(self) -> None:
        self.least, self.most = self.targets.exact.copy(), self.targets.exact.copy()

    def open(self, *, upwards: bool) -> Flags:
        """Flag the targets not yet known to be able to reach their end."""
        if upwards:
            return self.most < self.targets.high - _TOLERANCE
        return self.least > self.targets.low + _TOLERANCE

    def consider(self, table: Floats) -> None:
        """Take a table into account if it agrees with all that is known."""
        said = self.known.times(table)
        scale = _TOLERANCE * (1 + np.abs(self.floor))
        if np.all(table >= -_TOLERANCE) and np.all(said >= self.floor - scale) and np.all(said <= self.ceiling + scale):
            values = self.targets.sums.times(table)
            self.least, self.most = np.minimum(self.least, values), np.maximum(self.most, values)

    def push(self, *, upwards: bool) -> None:
        """Move open targets some at a time as far as possible, none further than it needs; ever fewer at a time."""
        size = _AT_ONCE
        while size > 1 and (before := int(self.open(upwards=upwards).sum())):
            for start in range(0, before, size):
                places = np.flatnonzero(self.open(upwards=upwards))[start : start + size]
                if len(places):
                    self._ask(_flags(places, len(self.targets.exact)), capped=True, upwards=upwards)
            size //= 4

    def single_out(self, *, upwards: bool) -> None:
        """Ask for the exact bound of each open target, one at a time."""
        for target in np.flatnonzero(self.open(upwards=upwards)):
            if self.open(upwards=upwards)[target]:
                self._ask(_flags(np.array([target]), len(self.targets.exact)), capped=False, upwards=upwards)
                if self.open(upwards=upwards)[target]:
                    raise DisclosureError("DIS-023", "the audit found a withheld cell that can be told too well")

    def _ask(self, chosen: Flags, *, capped: bool, upwards: bool) -> None:
        size, count, sign = self.known.shape[1], int(chosen.sum()), 1.0 if upwards else -1.0
        ends = (self.targets.high if upwards else self.targets.low)[chosen]
        room = np.abs(ends - self.targets.exact[chosen])
        sums = self.targets.sums.take(chosen)
        away = beside([sums, Matrix.diagonal(count, -sign)])
        far = room if capped else np.full(count, 10 * float(np.abs(ends).max()) + 10)
        program = Program(
            cost=np.concatenate([np.zeros(size), -1 / np.maximum(room, 1.0)]),
            matrix=stack([self.known, away]),
            row_lower=np.concatenate([self.floor, self.targets.exact[chosen]]),
            row_upper=np.concatenate([self.ceiling, self.targets.exact[chosen]]),
            lower=np.concatenate([np.zeros(size), np.full(count, -np.inf)]),
            upper=np.concatenate([np.full(size, np.inf), far]),
        )
        answer = self.solve.audit(program)
        if answer is not None:
            self.consider(answer[:size])


def _flags(places: Indices, size: int) -> Flags:
    flags = np.zeros(size, np.bool_)
    flags[places] = True
    return flags


def audit(joint: Joint, targets: Targets, shown: Matrix, totals: Floats, solve: Meter) -> float:
    """Attack a pattern; return the least width, in persons, that was found to be possible for any target.

    Args:
        joint: the joint system of all prints.
        targets: what must stay possible.
        shown: the sums that are, or already were, published.
        totals: what they came to.
        solve: the metered solver.

    Raises:
        DisclosureError: DIS-023, a target cannot be at its low or its high end; DIS-022, too much work.
    """
    nothing = np.zeros(len(joint.slack))
    floor, ceiling = np.concatenate([nothing, totals]), np.concatenate([joint.slack, totals])
    attack = _Attack(stack([joint.balance, shown]), floor, ceiling, targets, solve)
    for upwards in (True, False):
        attack.push(upwards=upwards)
        attack.single_out(upwards=upwards)
    return float((attack.most - attack.least).min(initial=np.inf))
