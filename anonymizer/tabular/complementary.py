"""Complementary suppression: which further cells must go so that the unsafe ones cannot be computed.

Decides the pattern. What can be moved far enough under the pattern as it is needs nothing: programs that push all
targets at once find that out. The rest are taken one at a time, smallest first: a linear program looks for the
cheapest table, other than the true one, that agrees with everything still published and moves the target as far as it
must be able to go; the cells it changes are withheld. Patterns only grow, so what was protected stays so. Every table
found is a certificate for all targets that it moves far enough. A second round, where the limits have one, begins
again inside the pattern of the first, in the opposite order, and finds cells that need not have gone. Does not
certify the result: `audit` does, its own way.

One at a time is what keeps cells: moving the targets of several blocks with one program withheld three times as much
of a year beside its quarters.

Source: Fischetti and Salazar 2001 for the programs.
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from anonymizer.tabular.joint_system import JointSystem
from anonymizer.tabular.linear_program import (
    Flags,
    Floats,
    Indices,
    Matrix,
    Program,
    Session,
    WorkMeter,
    hstack,
    vstack,
)
from anonymizer.tabular.primary import Targets
from schemas.errors import DisclosureError

__all__ = ["SystemCells", "protect", "protect_remaining", "protect_whole_numbers", "suppression_costs"]

_TOLERANCE = 1e-4  # of a person: more than a solver is off by, less than any change that it means
_AT_ONCE = 64  # targets that one program tries to move without withholding anything
_GAIN = 0.7  # the share of targets that must be left, at most, for another try with fewer at once


@dataclass(frozen=True, slots=True)
class SystemCells:
    """The cells of a joint system: `rows` with their `totals`; `shown` are out already, `hidden` must not be."""

    rows: Matrix
    totals: Floats
    shown: Flags
    hidden: Flags


def suppression_costs(names: Sequence[object], totals: Floats, blank: Flags, seed: bytes) -> Floats:
    """Return what withholding each cell costs: its persons and five, times 1 to 1.25 drawn from the secret seed.

    Half as much where the same cell of another period is `blank` already: a year can be told beside its quarters where
    these are blank together (194 of 228 cells of a year, against 156), and no quarter loses by it.

    Weights that grow with the count choose the same small cells as cover in every quarter, so that less of the year is
    lost beside its quarters: 91 of 147 cells of six countries stayed, against 79 by a logarithm and 70 by none.
    """
    draws = [hmac.digest(seed, repr(name).encode(), hashlib.sha256)[:4] for name in names]
    cost: Floats = (
        (5 + totals) * np.where(blank, 0.5, 1.0) * (1 + np.array([int.from_bytes(draw) / 2**34 for draw in draws]))
    )
    return cost


@dataclass(slots=True)
class _State:
    """The pattern so far, the session whose rows are cells, then targets, and the targets without a certificate yet."""

    joint: JointSystem
    cells: SystemCells
    targets: Targets
    withheld: Flags
    session: Session
    solve: WorkMeter
    order: Indices
    open: tuple[Flags, Flags]

    @classmethod
    def of(
        cls,
        joint: JointSystem,
        targets: Targets,
        cells: SystemCells,
        cost: Floats,
        solve: WorkMeter,
        *,
        whole: bool = False,
    ) -> "_State":
        """Begin with what is hidden, and with the smallest target; in fractions, or in `whole` numbers."""
        everyone = np.ones(len(targets.exact), np.bool_)
        order = np.lexsort((np.arange(len(targets.exact)), np.abs(targets.exact)))
        session = solve.open(_program(joint, targets, cells, cost), whole=len(joint.values) if whole else 0)
        return cls(joint, cells, targets, cells.hidden.copy(), session, solve, order, (everyone, everyone.copy()))

    def free(self, rows: Indices) -> None:
        """Let rows be anything."""
        nothing = np.full(len(rows), np.inf)
        self.session.bound(rows, -nothing, nothing)

    def repair(self, target: int, upwards: int) -> Floats | None:
        """Look for the cheapest table in which a target reaches its end."""
        row, far = np.array([len(self.joint.slack) + len(self.cells.totals) + target]), np.array([np.inf])
        if upwards:
            self.session.bound(row, self.targets.high[[target]], far)
        else:
            self.session.bound(row, -far, self.targets.low[[target]])
        answer = self.session.solve()
        self.free(row)
        return None if answer is None else answer[: len(self.joint.values)]

    def learn(self, table: Floats) -> None:
        """Withhold the cells that a table changes, and strike out the ends that it certifies."""
        changed = np.abs(self.cells.rows.times(table) - self.cells.totals) > _TOLERANCE
        self.free(len(self.joint.slack) + np.flatnonzero(changed & ~self.withheld))
        self.withheld |= changed
        moved = self.targets.sums.times(table)
        low, high = self.open
        low &= moved > self.targets.low + _TOLERANCE
        high &= moved < self.targets.high - _TOLERANCE


def protect(joint: JointSystem, targets: Targets, cells: SystemCells, cost: Floats, solve: WorkMeter) -> Flags:
    """Return the pattern: flags of all cells that are withheld, those already hidden among them.

    Args:
        joint: the joint system.
        targets: what must stay possible.
        cells: all cells, of all prints.
        cost: what withholding each cell costs.
        solve: the metered solver.

    Raises:
        DisclosureError: DIS-021, some target cannot be protected; DIS-022, too much work.
    """
    withheld = _round(_State.of(joint, targets, cells, cost, solve))
    if solve.limits.rounds == 1:
        return withheld
    again = _State.of(joint, targets, replace(cells, shown=~withheld), cost, solve)
    return _round(replace(again, order=again.order[::-1]))


def protect_remaining(
    joint: JointSystem, targets: Targets, cells: SystemCells, cost: Floats, solve: WorkMeter
) -> Flags:
    """Return the pattern where nearly everything is settled: what can be moved as it is needs no program of its own.

    Arguments, result and errors are those of `protect`.
    """
    state = _State.of(joint, targets, cells, cost, solve)
    for upwards in (1, 0):
        _certify(state, upwards)
    return _round(state)


def protect_whole_numbers(
    joint: JointSystem, targets: Targets, cells: SystemCells, cost: Floats, solve: WorkMeter
) -> Flags:
    """Return the pattern in which these targets are protected from an attacker who knows that people come whole.

    Arguments, result and errors are those of `protect`.
    """
    return _round(_State.of(joint, targets, cells, cost, solve, whole=True))


def _round(state: _State) -> Flags:
    for target in state.order.tolist():
        for upwards in (1, 0):
            _protect(state, target, upwards)
    return state.withheld


def _certify(state: _State, upwards: int) -> None:
    """Move open targets some at a time without withholding anything; ever fewer at a time while that gains."""
    size = _AT_ONCE
    while size and state.open[upwards].any():
        before = int(state.open[upwards].sum())
        for start in range(0, len(state.order), size):
            chosen = np.zeros(len(state.order), np.bool_)
            chosen[state.order[start : start + size]] = True
            chosen &= state.open[upwards]
            answer = state.solve(_all_at_once(state, chosen, upwards)) if chosen.any() else None
            if answer is not None:
                state.learn(answer[: len(state.joint.values)])
        size = size // 4 if state.open[upwards].sum() < _GAIN * before else 0


def _protect(state: _State, target: int, upwards: int) -> None:
    """Withhold the cheapest cells that let a target reach its end."""
    if not state.open[upwards][target]:
        return
    answer = state.repair(target, upwards)
    if answer is None:
        raise DisclosureError("DIS-021", "a cell cannot be protected beside what is already published")
    state.learn(answer)
    state.open[upwards][target] = False


def _all_at_once(state: _State, chosen: Flags, upwards: int) -> Program:
    """Maximise how far the chosen targets get towards their ends, none further; columns: the table, then the ways."""
    joint, targets, size, count = state.joint, state.targets.take(chosen), len(state.joint.values), int(chosen.sum())
    room = np.abs((targets.high if upwards else targets.low) - targets.exact)
    fixed = state.cells.rows.take(~state.withheld)
    totals = state.cells.totals[~state.withheld]
    ways = hstack([targets.sums, Matrix.diagonal(count, -1.0 if upwards else 1.0)])
    return Program(
        cost=np.concatenate([np.zeros(size), -1 / np.maximum(room, 1.0)]),
        matrix=vstack([joint.balance, fixed, ways]),
        row_lower=np.concatenate([np.zeros(len(joint.slack)), totals, targets.exact]),
        row_upper=np.concatenate([joint.slack, totals, targets.exact]),
        lower=np.zeros(size + count),
        upper=np.concatenate([np.full(size, np.inf), room]),
    )


def _program(joint: JointSystem, targets: Targets, cells: SystemCells, cost: Floats) -> Program:
    """Minimise the weighted change of published cells; rows: balances, cells, targets.

    Columns: the table, then ups and downs of each cell that may still be withheld.
    """
    size, loose = len(joint.values), ~cells.shown & ~cells.hidden
    moving, places = int(loose.sum()), np.flatnonzero(loose)
    steps = np.arange(moving)
    up = Matrix(places, steps, np.full(moving, -1.0), (len(loose), moving))
    down = Matrix(places, steps, np.full(moving, 1.0), (len(loose), moving))
    free = np.full(len(targets.exact), np.inf)
    total = np.where(cells.hidden, np.inf, cells.totals)
    return Program(
        cost=np.concatenate([np.zeros(size), cost[loose], cost[loose]]),
        matrix=vstack([joint.balance, hstack([cells.rows, up, down]), targets.sums]),
        row_lower=np.concatenate([np.zeros(len(joint.slack)), np.where(cells.hidden, -np.inf, cells.totals), -free]),
        row_upper=np.concatenate([joint.slack, total, free]),
        lower=np.zeros(size + 2 * moving),
        upper=np.full(size + 2 * moving, np.inf),
    )
