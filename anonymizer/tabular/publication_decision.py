"""Decision of one publication beside all earlier ones: primary suppression, complementary suppression, audit.

Purpose: the order of the rules, for the tables of a policy and for those of a statistician alike.

1. Join all publications into one linear system, and find its targets and the unsafe cells (`joint_system`, `primary`).
2. If the elementary cells fall into several parts, protect each part's own cells by itself.
3. Protect the targets of the whole system (`complementary`): against insiders, if the policy has a rule about them, and
   then what is left against an outsider.
4. Audit the pattern (`protection_audit`) against both. Targets that fail are protected in whole numbers, and the audit
   is repeated.

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

from anonymizer.suppression_rules import Suppression
from anonymizer.tabular import complementary, protection_audit
from anonymizer.tabular.complementary import UnprotectableError
from anonymizer.tabular.joint_system import JointSystem, Publication, join
from anonymizer.tabular.linear_program import WorkMeter
from anonymizer.tabular.primary import (
    Targets,
    insider_targets_of,
    primary_suppression,
    targets_of,
    unchanged_targets_of,
)
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
class _Attacker:
    """The joint system as one attacker knows it, and the sums that this attacker must not bound."""

    joint: JointSystem
    targets: Targets


@dataclass(frozen=True, slots=True)
class _Case:
    """Publications to decide, with their links and rules; `cost` is that of withholding each cell of the last one."""

    publications: tuple[Publication, ...]
    links: VariableLinks
    cost: Floats
    rules: Suppression
    testable: bool
    solve: WorkMeter

    def attackers(self) -> list[_Attacker]:
        """Return the attackers with their targets.

        The first is an outsider. If the policy has the rule `insider`, each agency is one, and where counts can be
        tested, each of these once more as who asks whether anything changed.
        """
        balance, slack = self.links.balance, self.links.slack
        joint = join(self.publications, balance, slack)
        attackers = [_Attacker(joint, targets_of(self.publications, joint, self.rules))]
        if self.rules.rule != "insider":
            return attackers
        # Whoever has nobody here knows no more than an outsider.
        known = np.sum([each.knows @ each.counts.sum(axis=0) for each in self.publications], axis=0)
        agencies = np.flatnonzero(known).tolist()
        others = [tuple(each.without(agency) for each in self.publications) for agency in agencies]
        for publications in others:
            joint = join(publications, balance, slack)
            attackers.append(_Attacker(joint, insider_targets_of(publications, joint, self.rules)))
        for publications in (self.publications, *others) if self.testable else ():
            joint = join(publications, balance, slack, moving=True)
            if (targets := unchanged_targets_of(joint, self.rules)) is not None:
                attackers.append(_Attacker(joint, targets))
        return attackers

    def protected(self, attackers: Sequence[_Attacker], hidden: Flags, *, begun: bool) -> Flags:
        """Return the pattern that protects the targets of all attackers; `begun` if their parts are protected.

        Raises:
            UnprotectableError, WorkLimitError: as `decide_publication`.
        """
        method = complementary.protect_remaining if begun else complementary.protect
        for attacker in attackers:
            cells, costs = self.system_cells(attacker.joint, hidden), self.costs(len(hidden))
            # What is withheld from one attacker is withheld from all, and protects most of what is left.
            hidden = method(attacker.joint, attacker.targets, cells, costs, self.solve)
            method = complementary.protect_remaining
        return hidden

    def hidden(self, unsafe: Flags) -> Flags:
        """Flag the hidden cells of all publications: the unsafe ones, and those that were suppressed before."""
        shown = (publication.shown for publication in self.publications if publication.shown is not None)
        return np.concatenate([*(~flags for flags in shown), unsafe])

    def system_cells(self, joint: JointSystem, hidden: Flags) -> complementary.SystemCells:
        """Put the cells of all publications under each other."""
        shown = [publication.shown for publication in self.publications if publication.shown is not None]
        out = np.concatenate([*shown, np.zeros(len(self.cost), np.bool_)])
        rows = vstack([sums.rows for sums in joint.cells])
        return complementary.SystemCells(rows, np.concatenate([sums.exact for sums in joint.cells]), out, hidden)

    def audited(self, attacker: _Attacker, hidden: Flags) -> protection_audit.Audited:
        """Audit a pattern against one attacker."""
        cells = self.system_cells(attacker.joint, hidden)
        shown = cells.rows.select_rows(~hidden), cells.totals[~hidden]
        return protection_audit.audit(attacker.joint, attacker.targets, *shown, self.solve)

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
        case = _Case(
            publications, self.links.within(elements), self.cost[own[-1]], self.rules, self.testable, self.solve
        )
        return case, own[-1]


def decide_publication(  # noqa: PLR0913 - what was released, what is to be, and how
    publications: Sequence[Publication],
    links: VariableLinks,
    names: Mapping[object, tuple[bool, bool]],
    rules: Suppression,
    seed: bytes,
    solve: WorkMeter,
    *,
    testable: bool = False,
) -> PublicationDecision:
    """Decide which cells of the last publication may be shown.

    Args:
        publications: everything published about these elementary cells before, in order, and last the one to decide.
        links: the rows that link the elementary cells.
        names: the cells of the last publication by name, whether the same cell of another period is suppressed, and
            whether it is a headline; with the seed this makes the cell's cost.
        rules: k and the agency rules.
        seed: secret bytes.
        solve: the metered engines.
        testable: whether an agency can report one person and look whether a count moves.

    Raises:
        UnprotectableError: a target cannot be protected beside what is already published.
        AuditFailedError: the audit still fails after the last try.
        WorkLimitError: too much work.
    """
    last = publications[-1]
    blank, headline = np.array([*names.values()], np.bool_).reshape(len(names), 2).T
    cost = complementary.suppression_costs([*names], last.members @ last.values, (blank, headline), seed)
    case = _Case(tuple(publications), links, cost, rules, testable, solve)
    # 1. The joint system and its targets.
    attackers = case.attackers()
    unsafe = primary_suppression(last, rules)
    hidden = case.hidden(unsafe)
    first = len(hidden) - len(unsafe)  # the last publication's cells stand at the end of all cells
    # 2. Part by part: a program over one part is far smaller than one over all.
    begun = False
    for withheld in _withheld_by_parts(case):
        begun = True
        hidden[first:] |= withheld
    # 3. The whole system.
    hidden = case.protected(attackers, hidden, begun=begun)
    # 4. Its audit.
    failed = 0
    for _ in range(_TRIES):
        audits = [case.audited(attacker, hidden) for attacker in attackers]
        failed = sum(int(audited.failed.sum()) for audited in audits)
        if not failed:
            # The targets of an agency have one end: the width is that of the outsider's.
            return PublicationDecision(hidden[first:], unsafe, audits[0].width)
        # Patterns only grow: the next try starts from this one, for the targets that failed, in whole numbers.
        for attacker, audited in zip(attackers, audits, strict=True):
            if audited.failed.any():
                cells, left = case.system_cells(attacker.joint, hidden), attacker.targets.select(audited.failed)
                costs = case.costs(len(hidden))
                hidden = complementary.protect_whole_numbers(attacker.joint, left, cells, costs, solve)
    raise AuditFailedError(failed)


def _withheld_by_parts(case: _Case) -> Iterator[Flags]:
    """Yield, for every part if there are several, flags of the last publication's cells that it withholds."""
    numbers = np.unique(case.links.parts)
    for number in numbers.tolist() if len(numbers) > 1 else ():
        part, own = case.part(number)
        hidden = part.hidden(primary_suppression(part.publications[-1], case.rules))
        pattern = part.protected(part.attackers(), hidden, begun=False)
        withheld = np.zeros(len(own), np.bool_)
        # The part's last cells are the flagged ones of `own`, in the same order.
        withheld[np.flatnonzero(own)] = pattern[len(pattern) - int(own.sum()) :]
        yield withheld
