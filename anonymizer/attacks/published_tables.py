"""Published tables as an attacker reads them: cells with or without a value, in the order of publication.

Purpose: it decides the meaning of a row: `_T` is the sum over all codes of a dimension, and a group the sum over its
own. Reads no files.
Called by: the attacks of this room (`exact`, `families`, `knowledge`, `noise_attacks`, `pattern`, `records`); `amana
attack`, `streams.core.releasing.pre_release_attack` and `streams.core.releasing.attacker_view`.

Invariants:
- A row is read strictly: one that is no published cell is refused (CON-084), since an attack on misread values would
  mean nothing.
- Codes occur once in a table (CON-082).
- An exact value is a whole number, 0 or more; no number is beyond 10^12, more than any count of persons.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product

from schemas.code_names import REST
from schemas.errors import ContractError
from schemas.trend import TOTAL

__all__ = ["Codes", "Groups", "PublishedCell", "PublishedTable", "read"]


# As our own files spell it; float() alone would also take "nan", "inf" and "1_0".
_NUMBER = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?(e[+-]?[0-9]{1,2})?", re.ASCII | re.IGNORECASE)
_LARGEST = 1e12

Codes = tuple[str, ...]
Groups = Mapping[str, Mapping[str, frozenset[str]]]
"""Dimension → group → codes."""


@dataclass(frozen=True, slots=True)
class PublishedCell:
    """One row: its codes, its value or None, and the standard deviation of a noisy value, 0 of an exact one."""

    codes: Codes
    value: float | None
    sd: float = 0.0


@dataclass(frozen=True)
class PublishedTable:
    """One table; `universe` maps each dimension to its leaves, each of which `_T` sums once.

    `repeated` maps the dimensions in which `_T` sums something else to the codes that it sums there: codes, and groups
    that hold some of them again.
    """

    name: str
    dims: Codes
    cells: tuple[PublishedCell, ...]
    universe: Mapping[str, Codes]
    groups: Groups
    repeated: Mapping[str, Codes] = field(default_factory=dict)

    @property
    def noisy(self) -> bool:
        """True if any value is noisy."""
        return any(cell.sd > 0 for cell in self.cells)

    @cached_property
    def elements(self) -> tuple[Codes, ...]:
        """Every combination of codes that the table counts."""
        return tuple(product(*(self.universe[d] for d in self.dims)))

    def counted(self, codes: Codes) -> tuple[Codes, ...]:
        """Return the elementary cells that a cell sums, one that it counts several times as often."""
        return tuple(product(*(self.under(d, code) for d, code in zip(self.dims, codes, strict=True))))

    def under(self, dim: str, code: str) -> Codes:
        """Return the codes that a code, a group or `_T` of a dimension sums."""
        if code == TOTAL:
            return (
                tuple(c for shown in self.repeated.get(dim, ()) for c in self.under(dim, shown)) or self.universe[dim]
            )
        group = self.groups.get(dim, {}).get(code)
        return (code,) if group is None else tuple(c for c in self.universe[dim] if c in group)


def read(
    tables: Sequence[tuple[str, Sequence[str], Iterable[Mapping[str, str]]]], groups: Groups
) -> list[PublishedTable]:
    """Read tables, each a name, a header and rows.

    A dimension of which a table shows only totals has there the codes of the other tables with the same dimensions.

    Raises:
        ContractError: CON-084, a row that is not a published cell; CON-082, codes that occur twice.
    """
    parsed = [_cells(name, header, rows) for name, header, rows in tables]
    named: dict[tuple[frozenset[str], str], set[str]] = {}
    for dims, cells in parsed:
        for i, dim in enumerate(dims):
            named.setdefault((frozenset(dims), dim), set()).update(_leaves(cells, i, groups.get(dim, {})))
    made = []
    for (name, *_), (dims, cells) in zip(tables, parsed, strict=True):
        universe = {}
        for i, dim in enumerate(dims):
            own = _leaves(cells, i, groups.get(dim, {}))
            universe[dim] = tuple(sorted(own or named[frozenset(dims), dim] or {TOTAL}))
        made.append(PublishedTable(name, dims, cells, universe, groups))
    return made


def _leaves(cells: Iterable[PublishedCell], place: int, groups: Mapping[str, frozenset[str]]) -> set[str]:
    """Return the codes that a table counts in a dimension.

    These are the codes that it shows, the rests of its groups, and all codes of a group of which it shows none.
    """
    shown = {cell.codes[place] for cell in cells} - {TOTAL}
    codes = shown - set(groups)
    held = [groups[name] for name in shown & set(groups)]
    rests = {code for group in held for code in group if code.endswith(f":{REST}")}
    return codes | rests | {code for group in held if not group & codes for code in group}


def _cells(
    name: str, header: Sequence[str], rows: Iterable[Mapping[str, str]]
) -> tuple[Codes, tuple[PublishedCell, ...]]:
    """Return the dimensions and the cells of one table."""
    if "value" not in header:
        raise ContractError("CON-084", f"{name} has no column `value`: not a published table")
    if len(set(header)) < len(header):
        raise ContractError("CON-084", f"{name} has two columns of one name: not a published table")
    extra = {"value", "status", "sd", "lo90", "hi90", "display"}
    dims = tuple(column for column in header if column not in extra)
    cells = tuple(_cell(name, dims, row) for row in rows)
    if len({cell.codes for cell in cells}) < len(cells):
        raise ContractError("CON-082", f"{name} has the same codes on two lines")
    return dims, cells


def _cell(name: str, dims: Codes, row: Mapping[str, str]) -> PublishedCell:
    """Read one row strictly: an attack on misread values would report nothing and mean nothing."""
    try:
        codes = tuple(row[d] for d in dims)
        value = _number(row["value"]) if row["value"] else None
        cell = PublishedCell(codes, value, _number(row.get("sd") or "0"))
    except (KeyError, TypeError, ValueError) as error:
        raise ContractError("CON-084", f"{name} has a row that is not a published cell") from error
    if not all(codes) or cell.sd < 0 or row.get("status") not in {None, "", "published", "suppressed", "withheld"}:
        raise ContractError("CON-084", f"{name} has a row that is not a published cell")
    if value is not None and not cell.sd and (value < 0 or value != int(value)):
        raise ContractError("CON-084", f"{name} has a count that is no whole number, 0 or more")
    return cell


def _number(text: str) -> float:
    """Read a number that a solver can take.

    Raises:
        ValueError: the text is none, or beyond the largest.
    """
    number = float(text) if _NUMBER.fullmatch(text) else _LARGEST + 1
    if abs(number) > _LARGEST:
        raise ValueError
    return number
