"""The attack that must fail before anything is published: what do the published cells say about the withheld ones?

Decides pass or fail. Its programs are not those of `secondary`: here nothing is cheap or dear, an attacker knows the
balances, every published cell and that nobody counts less than nothing, and looks for the least and the most that each
target can be. A target passes once tables are at hand that put it at its low end or below and at its high end or
above; every such table is checked against what is published, whatever the solver says of it, and counts for all
targets. A target that no table certifies is asked alone, for its exact bound, before the release is refused.
"""

from dataclasses import dataclass, field

import numpy as np

from anonymizer.tabular.primary import Targets
from anonymizer.tabular.program import Flags, Floats, Matrix, Meter, Program, beside, stack
from anonymizer.tabular.table import System
from schemas.errors import DisclosureError

__all__ = ["audit"]

_TOLERANCE = 1e-5


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
        """Move all open targets as far as possible at once, none further than it needs, until that gains no more."""
        while (before := self.open(upwards=upwards)).any():
            self._ask(before, capped=True, upwards=upwards)
            if self.open(upwards=upwards).sum() == before.sum():
                return

    def single_out(self, *, upwards: bool) -> None:
        """Ask for the exact bound of each open target, one at a time."""
        for target in np.flatnonzero(self.open(upwards=upwards)):
            if self.open(upwards=upwards)[target]:
                alone = np.zeros(len(self.targets.exact), np.bool_)
                alone[target] = True
                self._ask(alone, capped=False, upwards=upwards)
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
        answer = self.solve(program)
        if answer is not None:
            self.consider(answer[:size])


def audit(system: System, targets: Targets, withheld: Flags, solve: Meter) -> float:
    """Attack a pattern; return the least width, in persons, that was found to be possible for any target.

    Args:
        system: the joint system with all cells that are, or already were, published.
        targets: what must stay possible.
        withheld: flags of the cells that the attacker does not see.
        solve: the metered solver.

    Raises:
        DisclosureError: DIS-023, a target cannot be at its low or its high end; DIS-022, too much work.
    """
    shown = system.members.take(~withheld)
    totals = system.totals[~withheld]
    nothing = np.zeros(len(system.slack))
    floor, ceiling = np.concatenate([nothing, totals]), np.concatenate([system.slack, totals])
    attack = _Attack(stack([system.balance, shown]), floor, ceiling, targets, solve)
    for upwards in (True, False):
        attack.push(upwards=upwards)
        attack.single_out(upwards=upwards)
    return float((attack.most - attack.least).min(initial=np.inf))
