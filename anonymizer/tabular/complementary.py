"""Complementary suppression: the further cells that are withheld so that the unsafe ones cannot be computed.

Purpose: it finds a pattern of withheld cells under which every target can be moved to both of its ends.

1. Take one target at a time, smallest first, and one end after the other.
2. A linear program looks for the cheapest table, other than the true one, that agrees with everything still published
   and moves the target to that end.
3. Withhold the cells that this table changes. The table is a certificate for every other target that it moves far
   enough: such a target needs no program.

Three methods differ in what comes first and in the numbers they allow:

- `protect` does these steps, and if the limits grant a second round, repeats them inside the pattern that was found, in
  the opposite order, to find cells that need not have been withheld.
- `protect_remaining` first moves many targets at once without withholding anything. It serves systems whose parts are
  protected already, where nearly every target can be moved as it is.
- `protect_whole_numbers` allows whole numbers only. It mends the targets that failed the audit.

Called by: `publication_decision`, which has every pattern audited.

Invariants:
- Patterns only grow within a round, so a target that was protected stays protected.
- The steps need the order: moving the targets of several blocks with one program withheld three times as many cells of
  a year beside its quarters.

Source: Fischetti and Salazar 2001 for the programs.
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from anonymizer.tabular.joint_system import JointSystem
from anonymizer.tabular.linear_program import Program, Session, WorkMeter
from anonymizer.tabular.primary import Targets
from anonymizer.tabular.sparse_matrix import Flags, Floats, Indices, Matrix, hstack, vstack
from schemas.errors import DisclosureError

__all__ = [
    "SystemCells",
    "UnprotectableError",
    "protect",
    "protect_remaining",
    "protect_whole_numbers",
    "suppression_costs",
]

_TOLERANCE = 1e-4  # of a person: above the error of a solver, below any change that is meant
_AT_ONCE = 64  # targets that one program tries to move without withholding anything
_HEADLINE = 100.0  # times the cost of another cell
_GAIN = 0.7  # the largest share of targets that may be left for another try with fewer at once


class UnprotectableError(DisclosureError):
    """No suppression protects a `target` (its number) beside what is already published. Code DIS-021."""

    def __init__(self, target: int) -> None:
        """Keep the number of the target among the targets of its joint system."""
        super().__init__("DIS-021", "a cell cannot be protected beside what is already published")
        self.target = target

    def __reduce__(self) -> tuple[type["UnprotectableError"], tuple[int]]:
        """Travel between processes whole: pickle must call this constructor, not that of the family."""
        return type(self), (self.target,)


@dataclass(frozen=True, slots=True)
class SystemCells:
    """The cells of a joint system, of all publications: `rows` over its variables, with their `totals` in persons.

    `shown` flags cells that are published already, `hidden` those that must not be.
    """

    rows: Matrix
    totals: Floats
    shown: Flags
    hidden: Flags


def suppression_costs(names: Sequence[object], totals: Floats, kinds: tuple[Flags, Flags], seed: bytes) -> Floats:
    """Return the cost of withholding each cell: its persons plus five, times a factor of 1 to 1.25.

    `kinds` flag the cells that are `blank` in another period, and the headlines. A headline costs a hundred times as
    much: it is withheld only where nothing else protects.

    The factor is drawn from the secret seed, so that an attacker cannot compute the pattern himself. The cost is halved
    where the same cell of another period is `blank` already: a year can then be published beside its quarters (194 of
    228 cells of a year, against 156), and no quarter loses by it.

    A cost that grows with the count chooses the same small cells as cover in every quarter, so that less of the year is
    lost beside its quarters: 91 of 147 cells of six countries stayed, against 79 with a logarithm and 70 with no cost.
    """
    draws = [hmac.digest(seed, repr(name).encode(), hashlib.sha256)[:4] for name in names]
    # Four bytes are below 2^32, so a draw over 2^34 is below a quarter.
    factors = 1 + np.array([int.from_bytes(draw) / 2**34 for draw in draws])
    blank, headline = kinds
    cost: Floats = (5 + totals) * np.where(blank, 0.5, 1.0) * np.where(headline, _HEADLINE, 1.0) * factors
    return cost


@dataclass(slots=True)
class _Round:
    """One round: the pattern so far, the solver's session, and the targets that have no certificate yet.

    `session` has the rows of `_program`: balances, then cells, then targets. `open` flags the targets still to be
    moved, [0] to their low and [1] to their high end.
    """

    joint: JointSystem
    cells: SystemCells
    targets: Targets
    withheld: Flags
    session: Session
    solve: WorkMeter
    order: Indices
    open: tuple[Flags, Flags]

    @classmethod
    def begin(
        cls,
        joint: JointSystem,
        targets: Targets,
        cells: SystemCells,
        cost: Floats,
        solve: WorkMeter,
        *,
        whole: bool = False,
    ) -> "_Round":
        """Begin with the hidden cells as the pattern; solve in fractions, or in `whole` numbers."""
        # The true table shows an end that the exact value is at.
        open_ = (targets.low < targets.exact, targets.high > targets.exact)
        order = np.lexsort((np.arange(len(targets.exact)), np.abs(targets.exact)))  # smallest first, ties by number
        session = solve.open(_program(joint, targets, cells, cost), whole=len(joint.values) if whole else 0)
        return cls(joint, cells, targets, cells.hidden.copy(), session, solve, order, open_)

    def run(self) -> Flags:
        """Protect every target at both ends; return the pattern.

        Raises:
            UnprotectableError: there is no table that moves a target to an end.
            WorkLimitError: too much work.
        """
        # 1. One target and one end at a time.
        for target in self.order.tolist():
            for upwards in (1, 0):
                if self.open[upwards][target]:
                    table = self._cheapest(target, upwards)
                    if table is None:
                        raise UnprotectableError(target)
                    self.learn(table)
                    self.open[upwards][target] = False
        return self.withheld

    def certify(self, upwards: int) -> None:
        """Move open targets to one end without withholding anything, some at a time, and ever fewer while it helps."""
        size = _AT_ONCE
        while size and self.open[upwards].any():
            before = int(self.open[upwards].sum())
            for start in range(0, len(self.order), size):
                chosen = np.zeros(len(self.order), np.bool_)
                chosen[self.order[start : start + size]] = True
                chosen &= self.open[upwards]
                answer = self.solve(_all_at_once(self, chosen, upwards)) if chosen.any() else None
                if answer is not None:
                    self.learn(answer[: len(self.joint.values)])
            size = size // 4 if self.open[upwards].sum() < _GAIN * before else 0

    def learn(self, table: Floats) -> None:
        """Withhold the cells that a table changes, and close the targets that it moves far enough."""
        # 3. The pattern grows, and the table is a certificate.
        changed = np.abs(self.cells.rows @ table - self.cells.totals) > _TOLERANCE
        self._free(len(self.joint.slack) + np.flatnonzero(changed & ~self.withheld))
        self.withheld |= changed
        moved = self.targets.sums @ table
        low, high = self.open
        low &= moved > self.targets.low + _TOLERANCE  # in place: `open` holds these arrays
        high &= moved < self.targets.high - _TOLERANCE

    def _cheapest(self, target: int, upwards: int) -> Floats | None:
        """Return the cheapest table in which a target is at one end or beyond, None if there is none."""
        # 2. The target's row is bounded for this one program, then free again.
        row, far = np.array([len(self.joint.slack) + len(self.cells.totals) + target]), np.array([np.inf])
        if upwards:
            self.session.bound(row, self.targets.high[[target]], far)
        else:
            self.session.bound(row, -far, self.targets.low[[target]])
        answer = self.session.solve()
        self._free(row)
        return None if answer is None else answer[: len(self.joint.values)]

    def _free(self, rows: Indices) -> None:
        """Take away both bounds of some rows."""
        nothing = np.full(len(rows), np.inf)
        self.session.bound(rows, -nothing, nothing)


def protect(joint: JointSystem, targets: Targets, cells: SystemCells, cost: Floats, solve: WorkMeter) -> Flags:
    """Return the pattern: flags of all cells that are withheld, those already hidden among them.

    Args:
        joint: the joint system of all publications.
        targets: the sums that must stay possible at both ends.
        cells: all cells, of all publications.
        cost: the cost of withholding each cell.
        solve: the metered engines.

    Raises:
        UnprotectableError: a target cannot be protected.
        WorkLimitError: too much work.
    """
    withheld = _Round.begin(joint, targets, cells, cost, solve).run()
    if solve.limits.rounds == 1:
        return withheld
    # Cells outside the pattern count as shown, so the second round cannot leave the pattern.
    second = _Round.begin(joint, targets, replace(cells, shown=~withheld), cost, solve)
    return replace(second, order=second.order[::-1]).run()


def protect_remaining(
    joint: JointSystem, targets: Targets, cells: SystemCells, cost: Floats, solve: WorkMeter
) -> Flags:
    """Return the pattern of a system in which nearly every target is protected already.

    Arguments, result and errors are those of `protect`.
    """
    only_round = _Round.begin(joint, targets, cells, cost, solve)
    for upwards in (1, 0):
        only_round.certify(upwards)
    return only_round.run()


def protect_whole_numbers(
    joint: JointSystem, targets: Targets, cells: SystemCells, cost: Floats, solve: WorkMeter
) -> Flags:
    """Return the pattern that protects targets from an attacker who knows that people come whole.

    Arguments, result and errors are those of `protect`.
    """
    return _Round.begin(joint, targets, cells, cost, solve, whole=True).run()


def _all_at_once(state: _Round, chosen: Flags, upwards: int) -> Program:
    """Maximise the way of the chosen targets to one end, under the pattern as it is.

    Columns: the table, then the way of each target. Rows: balances, published cells, `target -/+ way = exact`.
    """
    joint, targets, size, count = state.joint, state.targets.select(chosen), len(state.joint.values), int(chosen.sum())
    room = np.abs((targets.high if upwards else targets.low) - targets.exact)
    fixed = state.cells.rows.select_rows(~state.withheld)
    totals = state.cells.totals[~state.withheld]
    ways = hstack([targets.sums, Matrix.diagonal(count, -1.0 if upwards else 1.0)])
    return Program(
        cost=np.concatenate([np.zeros(size), -1 / np.maximum(room, 1.0)]),  # each way as a share of its distance
        matrix=vstack([joint.balance, fixed, ways]),
        row_lower=np.concatenate([np.zeros(len(joint.slack)), totals, targets.exact]),
        row_upper=np.concatenate([joint.slack, totals, targets.exact]),
        lower=np.zeros(size + count),
        upper=np.concatenate([np.full(size, np.inf), room]),
    )


def _program(joint: JointSystem, targets: Targets, cells: SystemCells, cost: Floats) -> Program:
    """Minimise the cost of the published cells that change.

    Columns: the table, then the rise and the fall of each cell that may still be withheld. Rows: balances, cells,
    targets. A cell's row reads `sum of its variables - rise + fall = total`: a shown cell has neither and stays, a
    hidden one has no bounds. The targets' rows are free until `_cheapest` bounds one of them.
    """
    size, loose = len(joint.values), ~cells.shown & ~cells.hidden
    moving, places = int(loose.sum()), np.flatnonzero(loose)
    steps = np.arange(moving)  # entry (places[i], i): the rise or fall i belongs to the row of the loose cell i
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
