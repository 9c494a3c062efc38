"""Decision of one publication beside all earlier ones: primary suppression, complementary suppression, audit.

Purpose: the order of the rules, for the tables of a policy and for those of a statistician alike.

1. Join all publications into one linear system, and find its targets and the unsafe cells (`joint_system`, `primary`).
2. If the elementary cells fall into several parts, protect each part's own cells by itself.
3. Protect the targets of the whole system (`complementary`).
4. Audit the pattern (`protection_audit`). Targets that fail are protected in whole numbers, and the audit is repeated.

Called by: `block_protection` and `standalone`, which decide what gives way if the rules cannot be kept; `policy_tables`
and `crosstab` make its `VariableLinks`.

Invariants:
- A pattern is returned only after its audit passed.
- A cell that an earlier publication suppressed stays suppressed, and counts as unknown.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from anonymizer.policy import Suppression
from anonymizer.tabular import complementary, protection_audit
from anonymizer.tabular.complementary import UnprotectableError
from anonymizer.tabular.joint_system import JointSystem, Publication, join
from anonymizer.tabular.linear_program import WorkMeter
from anonymizer.tabular.primary import primary_suppression, targets_of
from anonymizer.tabular.sparse_matrix import Flags, Floats, Indices, Matrix, vstack
from schemas.errors import DisclosureError

__all__ = ["GIVES_WAY", "AuditFailedError", "PublicationDecision", "VariableLinks", "decide_publication"]

_TRIES = 4  # how often a pattern is audited before it is given up


class AuditFailedError(DisclosureError):
    """The audit can tell `targets` withheld sums too closely, and mending did not help. Code DIS-023."""

    def __init__(self, targets: int) -> None:
        """Keep the number of targets that failed; the message does not tell it."""
        super().__init__("DIS-023", "the audit found a withheld cell that can be estimated too closely")
        self.targets = targets

    def __reduce__(self) -> tuple[type["AuditFailedError"], tuple[int]]:
        """Travel between processes whole: pickle must call this constructor, not that of the family."""
        return type(self), (self.targets,)


GIVES_WAY: Final = (UnprotectableError, AuditFailedError)
"""Faults after which less detail may still be published; after any other fault nothing may."""


@dataclass(frozen=True, slots=True)
class VariableLinks:
    """Rows that link the elementary cells: `balance @ elements` lies between 0 and `slack`; `parts` numbers them."""

    balance: Matrix
    slack: Floats
    parts: Indices

    def within(self, elements: Flags) -> "VariableLinks":
        """Return the links of the flagged elementary cells, without the rows that link them to others."""
        linked = np.zeros(self.balance.shape[0], np.bool_)
        linked[self.balance.rows[~elements[self.balance.columns]]] = True  # rows with an entry outside
        balance = self.balance.select_rows(~linked).select_columns(elements)
        return VariableLinks(balance, self.slack[~linked], self.parts[elements])


@dataclass(frozen=True, slots=True)
class PublicationDecision:
    """Flags of the last publication's cells: `withheld`, and of these `unsafe` by themselves.

    `width` is the least interval, in persons, that the audit found to be possible for any target.
    """

    withheld: Flags
    unsafe: Flags
    width: float


@dataclass(frozen=True, slots=True)
class _Case:
    """Publications to decide, with their links and rules; `cost` is that of withholding each cell of the last one."""

    publications: tuple[Publication, ...]
    links: VariableLinks
    cost: Floats
    rules: Suppression
    solve: WorkMeter

    def system_cells(self, joint: JointSystem, unsafe: Flags) -> complementary.SystemCells:
        """Put the cells of all publications under each other; cells that were suppressed before stay hidden."""
        shown = [publication.shown for publication in self.publications if publication.shown is not None]
        out = np.concatenate([*shown, np.zeros(len(unsafe), np.bool_)])
        hidden = np.concatenate([*(~flags for flags in shown), unsafe])
        rows = vstack([sums.rows for sums in joint.cells])
        return complementary.SystemCells(rows, np.concatenate([sums.exact for sums in joint.cells]), out, hidden)

    def costs(self, cells: int) -> Floats:
        """Return the costs of all cells: those of earlier publications are decided and cost nothing."""
        return np.concatenate([np.zeros(cells - len(self.cost)), self.cost])

    def part(self, number: int) -> tuple["_Case", Flags]:
        """Return one part with its own cells alone, and flags of these among the last publication's cells."""
        elements = self.links.parts == number
        own: list[Flags] = []
        for members in (publication.members for publication in self.publications):
            # The part's own cells sum its elementary cells only, and at least one of them.
            outside, filled = np.zeros(members.shape[0], np.bool_), np.zeros(members.shape[0], np.bool_)
            outside[members.rows[~elements[members.columns]]] = True
            filled[members.rows] = True
            own.append(filled & ~outside)
        publications = tuple(
            publication.within(elements, cells) for publication, cells in zip(self.publications, own, strict=True)
        )
        case = _Case(publications, self.links.within(elements), self.cost[own[-1]], self.rules, self.solve)
        return case, own[-1]


def decide_publication(
    publications: Sequence[Publication],
    links: VariableLinks,
    names: Mapping[object, bool],
    rules: Suppression,
    seed: bytes,
    solve: WorkMeter,
) -> PublicationDecision:
    """Decide which cells of the last publication may be shown.

    Args:
        publications: everything published about these elementary cells before, in order, and last the one to decide.
        links: the rows that link the elementary cells.
        names: the cells of the last publication by name, and whether the same cell of another period is suppressed;
            with the seed this makes the cell's cost.
        rules: k and the agency rules.
        seed: secret bytes.
        solve: the metered engines.

    Raises:
        UnprotectableError: a target cannot be protected beside what is already published.
        AuditFailedError: the audit still fails after the last try.
        WorkLimitError: too much work.
    """
    last = publications[-1]
    blank = np.array([*names.values()], np.bool_)
    cost = complementary.suppression_costs([*names], last.members @ last.values, blank, seed)
    case = _Case(tuple(publications), links, cost, rules, solve)
    # 1. The joint system and its targets.
    joint = join(case.publications, links.balance, links.slack)
    targets = targets_of(case.publications, joint, rules)
    unsafe = primary_suppression(last, rules)
    cells = case.system_cells(joint, unsafe)
    first = len(cells.totals) - len(unsafe)  # the last publication's cells stand at the end of all cells
    # 2. Part by part: a program over one part is far smaller than one over all.
    method = complementary.protect
    for withheld in _withheld_by_parts(case):
        method = complementary.protect_remaining
        cells.hidden[first:][withheld] = True
    # 3. and 4. The whole system, and its audit.
    costs, open_targets = case.costs(len(cells.totals)), targets
    failed = 0
    for _ in range(_TRIES):
        pattern = method(joint, open_targets, cells, costs, solve)
        audited = protection_audit.audit(
            joint, targets, cells.rows.select_rows(~pattern), cells.totals[~pattern], solve
        )
        failed = int(audited.failed.sum())
        if not failed:
            return PublicationDecision(pattern[first:], unsafe, audited.width)
        # Patterns only grow: the next try starts from this one, for the targets that failed, in whole numbers.
        cells.hidden[first:] = pattern[first:]
        method, open_targets = complementary.protect_whole_numbers, targets.select(audited.failed)
    raise AuditFailedError(failed)


def _withheld_by_parts(case: _Case) -> Iterator[Flags]:
    """Yield, for every part if there are several, flags of the last publication's cells that it withholds."""
    numbers = np.unique(case.links.parts)
    for number in numbers.tolist() if len(numbers) > 1 else ():
        part, own = case.part(number)
        joint = join(part.publications, part.links.balance, part.links.slack)
        targets = targets_of(part.publications, joint, case.rules)
        cells = part.system_cells(joint, primary_suppression(part.publications[-1], case.rules))
        pattern = complementary.protect(joint, targets, cells, part.costs(len(cells.totals)), case.solve)
        withheld = np.zeros(len(own), np.bool_)
        # The part's last cells are the flagged ones of `own`, in the same order.
        withheld[np.flatnonzero(own)] = pattern[len(pattern) - int(own.sum()) :]
        yield withheld
