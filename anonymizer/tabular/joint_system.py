"""Everything ever published about the same people, as one linear system.

Purpose: the variables of an attacker who remembers. Each elementary cell has a variable for its persons when a
publication first counted it, and two more for the persons who came and who left before every later publication that
counts it again. The elementary cells are those of a policy's tables or of a statistician's.
Called by: `publication_decision`, which joins; `primary`, `complementary` and `protection_audit` read the system;
`policy_tables` and `crosstab` make the publications.

Invariants:
- Persons are added between two publications by late events, and taken away by corrections and withdrawals.
- The attacker is given more than anybody has: that nobody left an elementary cell where nobody did, and that nothing
  changed if no elementary cell of a publication did. Both narrow the intervals that are computed, so no release looks
  safer than it is. Who asks whether anything changed cannot be given the second (`moving`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from anonymizer.tabular.sparse_matrix import Flags, Floats, Matrix, vstack

__all__ = ["JointSystem", "Publication", "Sums", "join"]


@dataclass(frozen=True, slots=True)
class Publication:
    """One publication of sums over elementary cells.

    `counts` are persons per elementary cell (rows) and group of agencies that reported them (columns) at that time;
    `knows` flags the groups (columns) that each agency (rows) is in. `touched` flags the elementary
    cells that its cells count. `members` has a row per published cell over the elementary cells. `shown` flags the
    cells with a value, and is None for the publication that is being decided. `alone` flags the cells that a single
    agency may fill.
    """

    counts: Floats
    knows: Flags
    touched: Flags
    members: Matrix
    shown: Flags | None
    alone: Flags

    @property
    def values(self) -> Floats:
        """Persons per elementary cell."""
        persons: Floats = self.counts.sum(axis=1)
        return persons

    def within(self, elements: Flags, cells: Flags) -> "Publication":
        """Return the publication reduced to the flagged elementary cells and the flagged cells."""
        return replace(
            self,
            counts=self.counts[elements],
            touched=self.touched[elements],
            members=self.members.select_rows(cells).select_columns(elements),
            shown=None if self.shown is None else self.shown[cells],
            alone=self.alone[cells],
        )

    def without(self, agency: int) -> "Publication":
        """Return the publication as an agency (its row of `knows`) sees it: without the persons whom it reported."""
        others = ~self.knows[agency]
        return replace(self, counts=self.counts[:, others], knows=self.knows[:, others])


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums of variables of the joint system, one per row, with their exact values in persons."""

    rows: Matrix
    exact: Floats


@dataclass(slots=True)
class JointSystem:
    """Variables with their exact `values`, and the rows that link them: `balance @ x` lies between 0 and `slack`.

    `cells` and `elements` hold one `Sums` per publication: its cells, and the elementary cells that it counts. `gains`
    holds one for every publication that found anything changed: the changes of its cells, then of its elementary cells.
    """

    values: Floats
    balance: Matrix
    slack: Floats
    cells: list[Sums] = field(default_factory=list)
    elements: list[Sums] = field(default_factory=list)
    gains: list[Sums] = field(default_factory=list)


@dataclass(slots=True)
class _Composition:
    """The variables that each elementary cell is the sum of, so far: rows are elementary cells, columns variables.

    `held` are the persons of each elementary cell as they were last counted.
    """

    height: int
    held: Floats
    counted: Flags
    parts: list[Matrix] = field(default_factory=list)
    values: list[Floats] = field(default_factory=list)

    def _width(self) -> int:
        return sum(len(values) for values in self.values)

    def _add(self, chosen: Flags, amounts: Floats, sign: float) -> Matrix:
        """Add a variable to each chosen elementary cell; return the new part alone."""
        places = np.flatnonzero(chosen)
        width = self._width()
        columns = np.arange(len(places)) + width  # new variables stand to the right of all others
        part = Matrix(places, columns, np.full(len(places), sign), (self.height, width + len(places)))
        self.parts.append(part)
        self.values.append(amounts[chosen])
        return part

    def count(self, publication: Publication, *, moving: bool) -> tuple[Flags, list[Matrix]]:
        """Add a publication's variables; `moving` if anybody may have come although nothing changed.

        The change of an elementary cell is split in two variables, who came and who left, neither of which is negative.

        Returns:
            The elementary cells whose sum may have changed, and the parts that are changes.
        """
        new, again = publication.touched & ~self.counted, publication.touched & self.counted
        persons = publication.values
        change = np.where(again, persons - self.held, 0.0)
        changes: list[Matrix] = []
        if change.any() or (moving and again.any()):
            # Anybody may have come anywhere, once something changed; but people left only where they did.
            changes = [self._add(again, np.maximum(change, 0.0), 1.0), self._add(change < 0, -change, -1.0)]
        self._add(new, persons, 1.0)
        self.held = np.where(publication.touched, persons, self.held)
        self.counted = self.counted | publication.touched
        return (new | again) if changes else new, changes

    def sum_of(self, parts: Sequence[Matrix]) -> Matrix:
        """Return the sum of parts, as wide as all variables so far."""
        # Triplets of the same place count as their sum, so adding matrices is putting their entries together.
        rows, columns, values = (
            np.concatenate([getattr(part, name) for part in parts]) for name in ("rows", "columns", "values")
        )
        return Matrix(rows, columns, values, (self.height, self._width()))


def join(publications: Sequence[Publication], balance: Matrix, slack: Floats, *, moving: bool = False) -> JointSystem:
    """Join publications over the same elementary cells into one system.

    Args:
        publications: the earlier ones in order, and last the one to decide.
        balance: rows over elementary cells that hold within every publication that counts all cells of the row.
        slack: `balance @ elements` lies between 0 and this.
        moving: whether persons may have come to cells in which nothing changed.
    """
    size = balance.shape[1]
    composition = _Composition(size, np.zeros(size), np.zeros(size, np.bool_))
    cells, elements, rows, ends = [], [], [], []
    gains: list[Matrix] = []
    for publication in publications:
        changed, changes = composition.count(publication, moving=moving)
        now = composition.sum_of(composition.parts)
        # A sum of elementary cells becomes a sum of variables: members (cells by elements) @ now (elements by
        # variables).
        cells.append(publication.members @ now)
        elements.append(now.select_rows(publication.touched))
        if changes:
            gained = composition.sum_of(changes)
            gains.append(vstack([publication.members @ gained, gained.select_rows(publication.touched)]))
        # The rows of which the publication counts every elementary cell, and at least one not as before.
        outside = np.zeros(balance.shape[0], np.bool_)
        outside[balance.rows[~publication.touched[balance.columns]]] = True  # rows with an entry in an uncounted column
        fresh = np.zeros(balance.shape[0], np.bool_)
        fresh[balance.rows[changed[balance.columns]]] = True  # a row without any would repeat an earlier one
        holding = ~outside & fresh
        rows.append(balance.select_rows(holding) @ now)
        ends.append(slack[holding])
    # Earlier matrices are narrower: they have no part in variables that came later.
    values = np.concatenate(composition.values)
    width = len(values)
    joint = JointSystem(values, vstack(rows).widened(width), np.concatenate(ends))
    joint.cells = [_sums(matrix, values) for matrix in cells]
    joint.elements = [_sums(matrix, values) for matrix in elements]
    joint.gains = [_sums(matrix, values) for matrix in gains]
    return joint


def _sums(matrix: Matrix, values: Floats) -> Sums:
    """Complete rows with their values."""
    rows = matrix.widened(len(values))
    return Sums(rows, rows @ values)
