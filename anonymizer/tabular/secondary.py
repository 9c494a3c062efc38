"""Complementary suppression: which further cells must go so that the unsafe ones cannot be computed.

Decides the pattern. Targets are taken smallest first, some at a time: a linear program looks for the cheapest table,
other than the true one, that agrees with everything still published and moves them as far as they must be able to
go; the cells it changes are withheld. Patterns only grow, so what was protected stays so. Every table found is a
certificate for all targets that it moves far enough. Does not certify the result: `audit` does, its own way.

Taking one target at a time withholds fewer cells but takes thousands of programs: on a block of 1,000 cells one at a
time published 498 of them in 38 s; 24 batches 390 in 1.2 s; 6 batches 351 in 0.8 s.

Source: Fischetti and Salazar 2001 for the programs; weights 1 + log(1 + a), zeros 1.5, times 1 to 1.5 drawn from a
secret seed, so that the pattern tells less about the counts.
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from anonymizer.tabular.primary import Targets
from anonymizer.tabular.program import Flags, Floats, Indices, Matrix, Meter, Program, beside, stack
from anonymizer.tabular.table import CellKey, System
from schemas.errors import DisclosureError

__all__ = ["protect", "weights"]

_TOLERANCE = 1e-6
_ROUNDS = 8  # batches that the targets of a system are split into; more of them withhold less and take longer
_REWARD = 1000.0  # for a target that reaches its end within a batch; one that costs more is taken alone later


def weights(cells: Sequence[CellKey], totals: Floats, seed: bytes) -> Floats:
    """Return what withholding each cell costs, from its size and the secret seed."""
    draws = [hmac.digest(seed, repr(key).encode(), hashlib.sha256)[:4] for key in cells]
    secret = np.array([int.from_bytes(draw) / 2**32 for draw in draws])
    return np.where(totals > 0, 1 + np.log1p(totals), 1.5) * (1 + secret / 2)


@dataclass(slots=True)
class _State:
    """The pattern so far, and the targets without a certificate yet for their low (0) or high (1) end."""

    system: System
    targets: Targets
    frozen: Flags
    withheld: Flags
    cost: Floats
    open: tuple[Flags, Flags]

    def ends(self, upwards: int) -> Floats:
        """Return how far every target must be able to go in one direction."""
        return self.targets.high if upwards else self.targets.low

    def learn(self, table: Floats) -> None:
        """Withhold the cells that a table changes, and strike out the ends that it certifies."""
        self.withheld |= np.abs(self.system.members.times(table) - self.system.totals) > _TOLERANCE
        moved = self.targets.sums.times(table)
        low, high = self.open
        low &= moved > self.targets.low + _TOLERANCE
        high &= moved < self.targets.high - _TOLERANCE


def protect(system: System, targets: Targets, marks: tuple[Flags, Flags], seed: bytes, solve: Meter) -> Flags:
    """Return the pattern: flags of all cells that are withheld, primary ones among them.

    Args:
        system: the joint system.
        targets: what must stay possible.
        marks: flags of primary cells, withheld from the start; and of frozen ones, already published with today's
            value, which cannot be taken back.
        seed: secret bytes for the weights.
        solve: the metered solver.

    Raises:
        DisclosureError: DIS-021, some target cannot be protected; DIS-022, too much work.
    """
    primary, frozen = marks
    everyone = np.ones(len(targets.exact), np.bool_)
    cost = weights(system.cells, system.totals, seed)
    state = _State(system, targets, frozen, primary & ~frozen, cost, (everyone, everyone.copy()))
    order = np.lexsort((np.arange(len(targets.exact)), targets.exact))
    size = max(1, -(-len(order) // _ROUNDS))
    for upwards in (1, 0):
        for start in range(0, len(order), size):
            _repair(state, order[start : start + size], upwards, alone=False, solve=solve)
    for target in range(len(order)):
        for upwards in (1, 0):
            _repair(state, order[target : target + 1], upwards, alone=True, solve=solve)
    return state.withheld


def _repair(state: _State, batch: Indices, upwards: int, *, alone: bool, solve: Meter) -> None:
    """Withhold the cheapest cells that let the open targets of a batch reach their ends; alone, it must."""
    batch = batch[state.open[upwards][batch]]
    if not len(batch):
        return
    chosen = np.zeros(len(state.targets.exact), np.bool_)
    chosen[batch] = True
    answer = solve(_cheapest(state, chosen, upwards, alone=alone))
    if answer is not None:
        state.learn(answer[: len(state.system.values)])
    elif alone:
        raise DisclosureError("DIS-021", "a cell cannot be protected beside what is already published")
    if alone:
        state.open[upwards][chosen] = False


def _cheapest(state: _State, chosen: Flags, upwards: int, *, alone: bool) -> Program:
    """Minimise the weighted change of published cells less a reward for every target's way towards its end.

    Columns: the table, ups and downs of each published cell that is not frozen, the way of each target.
    """
    system, size = state.system, len(state.system.values)
    fixed, loose = state.frozen & ~state.withheld, ~state.frozen & ~state.withheld
    moving, count = int(loose.sum()), int(chosen.sum())
    held, totals, exact = system.totals[fixed], system.totals[loose], state.targets.exact[chosen]
    way = np.abs(state.ends(upwards)[chosen] - exact)
    parts = [system.members.take(loose), Matrix.diagonal(moving, -1.0), Matrix.diagonal(moving, 1.0)]
    still = Matrix(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0), (count, 2 * moving))
    steps = [state.targets.sums.take(chosen), still, Matrix.diagonal(count, -1.0 if upwards else 1.0)]
    free, changes, zero = np.full(count, np.inf), np.zeros(2 * moving), np.zeros(size)
    cost = state.cost[loose]
    return Program(
        cost=np.concatenate([zero, cost, cost, -_REWARD / np.maximum(way, 1.0)]),
        matrix=stack([system.balance, system.members.take(fixed), beside(parts), beside(steps)]),
        row_lower=np.concatenate([np.zeros(len(system.slack)), held, totals, exact if upwards else -free]),
        row_upper=np.concatenate([system.slack, held, totals, free if upwards else exact]),
        lower=np.concatenate([zero, changes, way if alone else np.zeros(count)]),
        upper=np.concatenate([zero + np.inf, changes + np.inf, way]),
    )
