"""Everything ever published about the same people, as one linear system: prints, and what changed between them.

Decides the variables of an attacker who remembers: of each leaf its persons when a print first counted it, and what
came and went by every later print that counts it again. Does not decide which cells are unsafe (`primary`), which are
withheld (`secondary`), or what a leaf is (`table` for a policy's tables, `offline` for a statistician's).

Between two prints persons are added by late events and taken away by corrections and withdrawals. The attacker is
given more than anyone has: that nobody left a leaf where nobody did, and that nothing changed where no leaf of the
print did. Both narrow the intervals that are computed, so no release looks safer than it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from anonymizer.tabular.linear_program import Flags, Floats, Matrix, vstack

__all__ = ["JointSystem", "Publication", "Sums", "join"]


@dataclass(frozen=True, slots=True)
class Publication:
    """One publication of sums over leaves.

    `counts` are persons per leaf and agency at that time, `touched` flags the leaves that its cells count, `members`
    has a row per cell, `shown` flags the cells that were published; None for the print that is being decided.
    `alone` flags cells that a single agency may fill.
    """

    counts: Floats
    touched: Flags
    members: Matrix
    shown: Flags | None
    alone: Flags

    @property
    def values(self) -> Floats:
        """Persons per leaf."""
        persons: Floats = self.counts.sum(axis=1)
        return persons

    def within(self, leaves: Flags, cells: Flags) -> "Publication":
        """Return the same of fewer leaves and fewer cells."""
        shown = None if self.shown is None else self.shown[cells]
        members = self.members.take(cells).pick(leaves)
        return Publication(self.counts[leaves], self.touched[leaves], members, shown, self.alone[cells])


@dataclass(frozen=True, slots=True)
class Sums:
    """What one print says or hides: rows over the variables of the joint system, and their exact values."""

    rows: Matrix
    exact: Floats

    @classmethod
    def of(cls, rows: Matrix, values: Floats) -> "Sums":
        """Return rows with what they come to."""
        return cls(rows, rows.times(values))


@dataclass(slots=True)
class JointSystem:
    """Variables with their exact `values`; `balance · x` lies between 0 and `slack`.

    `cells`, `leaves` and, from the second print that counts a leaf on, `gains` (of cells, then of leaves) hold one
    `Sums` per print.
    """

    values: Floats
    balance: Matrix
    slack: Floats
    cells: list[Sums] = field(default_factory=list)
    leaves: list[Sums] = field(default_factory=list)
    gains: list[Sums] = field(default_factory=list)


@dataclass(slots=True)
class _Variables:
    """What each leaf's persons are made of so far: rows are leaves, columns variables."""

    leaves: int
    held: Floats
    known: Flags
    parts: list[Matrix] = field(default_factory=list)
    values: list[Floats] = field(default_factory=list)

    @property
    def width(self) -> int:
        return sum(len(part) for part in self.values)

    def add(self, chosen: Flags, amounts: Floats, sign: float) -> Matrix:
        """Add a variable to each chosen leaf; return the new part alone."""
        places = np.flatnonzero(chosen)
        columns = np.arange(len(places)) + self.width
        part = Matrix(places, columns, np.full(len(places), sign), (self.leaves, self.width + len(places)))
        self.parts.append(part)
        self.values.append(amounts[chosen])
        return part

    def take(self, one: Publication) -> tuple[Flags, list[Matrix]]:
        """Let a print count its leaves; return the leaves whose make-up changed, and the parts that are changes."""
        new, again = one.touched & ~self.known, one.touched & self.known
        change = np.where(again, one.values - self.held, 0.0)
        changes: list[Matrix] = []
        if change.any():
            changes = [self.add(again, np.maximum(change, 0.0), 1.0), self.add(change < 0, -change, -1.0)]
        self.add(new, one.values, 1.0)
        self.held, self.known = np.where(one.touched, one.values, self.held), self.known | one.touched
        return (new | again) if changes else new, changes

    def united(self, parts: Sequence[Matrix]) -> Matrix:
        """Add parts up, as wide as all variables so far."""
        rows, columns, values = (
            np.concatenate([getattr(part, name) for part in parts]) for name in ("rows", "columns", "values")
        )
        return Matrix(rows, columns, values, (self.leaves, self.width))


def join(prints: Sequence[Publication], balance: Matrix, slack: Floats) -> JointSystem:
    """Put prints about the same leaves together, in their order.

    Args:
        prints: the earlier ones, and last the one to decide.
        balance: rows over leaves that hold within every print that counts all leaves of the row.
        slack: `balance · leaves` lies between 0 and this.
    """
    size = balance.shape[1]
    variables = _Variables(size, np.zeros(size), np.zeros(size, np.bool_))
    cells, leaves, gains, rows, ends = [], [], [], [], []
    for one in prints:
        renewed, changes = variables.take(one)
        now = variables.united(variables.parts)
        cells.append(one.members.through(now))
        leaves.append(_touched(one, now))
        if changes:
            gained = variables.united(changes)
            gains.append(vstack([one.members.through(gained), _touched(one, gained)]))
        held = _within(balance, one.touched, renewed)
        rows.append(balance.take(held).through(now))
        ends.append(slack[held])
    values = np.concatenate(variables.values)
    joint = JointSystem(values, vstack(rows).widened(len(values)), np.concatenate(ends))
    for found, into in ((cells, joint.cells), (leaves, joint.leaves), (gains, joint.gains)):
        into.extend(Sums.of(matrix.widened(len(values)), values) for matrix in found)
    return joint


def _touched(one: Publication, now: Matrix) -> Matrix:
    return now.take(one.touched)


def _within(balance: Matrix, touched: Flags, renewed: Flags) -> Flags:
    """Flag the rows all of whose leaves are counted, and some of them not as before."""
    outside = np.zeros(balance.shape[0], np.bool_)
    outside[balance.rows[~touched[balance.columns]]] = True
    fresh = np.zeros(balance.shape[0], np.bool_)
    fresh[balance.rows[renewed[balance.columns]]] = True
    return ~outside & fresh
