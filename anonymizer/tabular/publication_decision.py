"""One print decided beside all earlier ones: primary, complementary suppression, audit, in that order.

Decides the order of the rules, whoever's tables they are, and that large systems are protected part by part: first
each part's own cells, then those that sum over several parts, beside what the parts show. What the audit can tell is
mended in whole numbers and audited again. Does not decide what gives way where the rules cannot be kept.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from anonymizer.policy import Suppression
from anonymizer.tabular import complementary, primary, protection_audit
from anonymizer.tabular.joint_system import JointSystem, Publication, join
from anonymizer.tabular.linear_program import Flags, Floats, Indices, Matrix, WorkMeter, vstack
from schemas.errors import DisclosureError

__all__ = ["PublicationDecision", "VariableLinks", "decide_publication"]

_TRIES = 4  # how often a pattern that fails its audit is mended


@dataclass(frozen=True, slots=True)
class VariableLinks:
    """How leaves hang together: `balance · leaves` lies between 0 and `slack`; the number of each leaf's part."""

    balance: Matrix
    slack: Floats
    parts: Indices

    def within(self, leaves: Flags) -> "VariableLinks":
        """Return the same of fewer leaves, without what links them to others."""
        linked = np.zeros(self.balance.shape[0], np.bool_)
        linked[self.balance.rows[~leaves[self.balance.columns]]] = True
        return VariableLinks(self.balance.take(~linked).pick(leaves), self.slack[~linked], self.parts[leaves])


@dataclass(frozen=True, slots=True)
class PublicationDecision:
    """Flags of the last print's cells: withheld, and those of them unsafe by themselves; the least `width` found."""

    withheld: Flags
    unsafe: Flags
    width: float


@dataclass(frozen=True, slots=True)
class _Case:
    """What is decided, and by which rules; `cost` is that of withholding each cell of the last print."""

    prints: tuple[Publication, ...]
    leaves: VariableLinks
    cost: Floats
    rules: Suppression
    solve: WorkMeter

    def marks(self, joint: JointSystem, unsafe: Flags) -> complementary.SystemCells:
        """Put the cells of all prints under each other; what an earlier print did not show is hidden for good."""
        shown = [one.shown for one in self.prints if one.shown is not None]
        out = np.concatenate([*shown, np.zeros(len(unsafe), np.bool_)])
        hidden = np.concatenate([*(~flags for flags in shown), unsafe])
        rows = vstack([sums.rows for sums in joint.cells])
        return complementary.SystemCells(rows, np.concatenate([sums.exact for sums in joint.cells]), out, hidden)

    def costs(self, cells: int) -> Floats:
        """Return the costs of all cells: earlier ones are decided."""
        return np.concatenate([np.zeros(cells - len(self.cost)), self.cost])

    def part(self, number: int) -> tuple["_Case", Flags]:
        """Return one part with its own cells alone, and flags of those among the last print's."""
        leaves = self.leaves.parts == number
        own = [_inside(one.members, leaves) for one in self.prints]
        prints = tuple(one.within(leaves, cells) for one, cells in zip(self.prints, own, strict=True))
        return _Case(prints, self.leaves.within(leaves), self.cost[own[-1]], self.rules, self.solve), own[-1]


def decide_publication(
    prints: Sequence[Publication],
    leaves: VariableLinks,
    names: Mapping[object, bool],
    rules: Suppression,
    seed: bytes,
    solve: WorkMeter,
) -> PublicationDecision:
    """Decide which cells of the last print may be shown.

    Args:
        prints: everything published about these leaves before, in order, and last the print to decide.
        leaves: how the leaves hang together.
        names: the cells of the last print by name, and whether the same cell of another period is blank: with the seed
            this makes the cell's weight.
        rules: k and the agency rules.
        seed: secret bytes.
        solve: the metered solver.

    Raises:
        DisclosureError: DIS-021, DIS-022, DIS-023.
    """
    totals = prints[-1].members.times(prints[-1].values)
    case = _Case(
        tuple(prints),
        leaves,
        complementary.suppression_costs([*names], totals, np.array([*names.values()], np.bool_), seed),
        rules,
        solve,
    )
    joint = join(case.prints, leaves.balance, leaves.slack)
    targets = primary.targets_of(case.prints, joint, rules)
    unsafe = primary.primary_suppression(prints[-1], rules)
    cells = case.marks(joint, unsafe)
    mine = len(cells.totals) - len(unsafe)
    method = complementary.protect
    for withheld in _by_part(case):
        method = complementary.protect_remaining
        cells.hidden[mine:][withheld] = True
    costs, asked = case.costs(len(cells.totals)), targets
    for _ in range(_TRIES):
        pattern = method(joint, asked, cells, costs, solve)
        found = protection_audit.audit(joint, targets, cells.rows.take(~pattern), cells.totals[~pattern], solve)
        if not found.told.any():
            return PublicationDecision(pattern[mine:], unsafe, found.width)
        cells.hidden[mine:] = pattern[mine:]
        method, asked = complementary.protect_whole_numbers, targets.take(found.told)
    raise DisclosureError("DIS-023", "the audit found a withheld cell that can be told too well")


def _by_part(case: _Case) -> Iterator[Flags]:
    """Yield, for every part of several, flags of the last print's cells that it withholds."""
    numbers = np.unique(case.leaves.parts)
    for number in numbers.tolist() if len(numbers) > 1 else ():
        part, own = case.part(number)
        joint = join(part.prints, part.leaves.balance, part.leaves.slack)
        targets = primary.targets_of(part.prints, joint, case.rules)
        cells = part.marks(joint, primary.primary_suppression(part.prints[-1], case.rules))
        pattern = complementary.protect(joint, targets, cells, part.costs(len(cells.totals)), case.solve)
        withheld = np.zeros(len(own), np.bool_)
        withheld[np.flatnonzero(own)] = pattern[len(pattern) - int(own.sum()) :]
        yield withheld


def _inside(members: Matrix, leaves: Flags) -> Flags:
    """Flag the rows that sum these leaves alone, and one of them at least."""
    outside, some = np.zeros(members.shape[0], np.bool_), np.zeros(members.shape[0], np.bool_)
    outside[members.rows[~leaves[members.columns]]] = True
    some[members.rows] = True
    return some & ~outside
