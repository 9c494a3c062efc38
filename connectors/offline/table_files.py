"""Tables of a statistician as CSV files: counts and groups to read, protected tables to write.

Purpose: decide what a file of rows, of groups and of levels says, and how a released row is spelt. Rows are read by
`count_rows`, levels are found by `anonymizer.tabular.levels`, protection is decided by `anonymizer.tabular.standalone`.
Called by: `amana protect`, `amana attack`, `connectors.offline.publication_history`.

Invariants:
- A message holds a line number or the name of a dimension, never a code or a count.
- A total that the file states is checked against its rows: a wrong one would bound the wrong cells.

Source: SDMX, content-oriented guidelines, for `_T` as the code of a total.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from anonymizer.tabular.crosstab import CrossTable
from anonymizer.tabular.levels import recognise
from anonymizer.tabular.standalone import ReleasedTable
from anonymizer.tabular.stated_levels import StatedLevels
from connectors.adapters import local_files
from connectors.offline import count_rows
from connectors.offline.count_rows import InputForm, PersonRows
from schemas import formulas
from schemas.errors import ConfigurationError, ContractError

__all__ = ["TableRead", "flat_of", "groups", "levels", "margins_of", "read", "rows", "unguarded", "write"]

_CELLS: Final = InputForm()


@dataclass(frozen=True, slots=True)
class TableRead:
    """A table as it was read: its leaves and groups, notes on the levels found, and the cells that one person is in."""

    table: CrossTable
    notes: tuple[str, ...]
    cells_of_one: int


def read(
    path: Path,
    dims: Sequence[str],
    margins: Sequence[frozenset[str]],
    stated: StatedLevels,
    form: InputForm = _CELLS,
    *,
    demanding: bool = True,
) -> TableRead:
    """Read a table of counts or of persons.

    Args:
        path: CSV with a column per dimension and the column `count`; other columns are passed over.
        dims: dimensions of the table, in order.
        margins: sets of dimensions whose sums are to be published.
        stated: groups of codes whose sums are to be published, and what else the user says about levels.
        form: cells or persons.
        demanding: whether the statement is about this table alone.

    Raises:
        ContractError: CON-080, not such a file; CON-081, a count that is no whole number of persons; CON-082, codes
            that occur twice or are missing; CON-083, a total that is not the sum of its rows; CON-085, two spellings
            of one code; CON-086, codes that may be sums of others; CON-087, a group smaller than its parts; CON-088, a
            row without a person.
        ConfigurationError: CFG-080, a dimension that the file does not have; CFG-087, a stated total that it has not,
            where `demanding`.
    """
    for dim in (*stated.groups, *stated.flat):
        if dim not in dims:
            raise ConfigurationError("CFG-080", "levels are of a dimension that --dims does not name", field=dim)
    if form.persons:
        tallied = count_rows.person_rows(path, dims, form)
    else:
        tallied = PersonRows(count_rows.count_rows(path, dims, merge=form.merge))
    if not tallied.rows:
        raise ContractError("CON-080", "the table has no rows")
    if form.persons and tallied.cells_of_one(tallied.members) == 1:
        stated = replace(stated, flat=frozenset(dims))  # nobody is in two rows, so no code holds another's persons
    codes = {dim: dict.fromkeys(row.codes[place] for row in tallied.rows) for place, dim in enumerate(dims)}
    if demanding:
        stated.demand_totals(code for named in codes.values() for code in named)
    found = recognise(tallied.rows, dims, stated.spelt_as(codes))
    if not found.counts:
        raise ContractError("CON-080", "the table has no rows but totals")
    table = CrossTable(tuple(dims), tuple(margins), found.counts, found.groups)
    return TableRead(table, found.notes, tallied.cells_of_one(found.counts))


def margins_of(text: str, dims: Sequence[str]) -> tuple[frozenset[str], ...]:
    """Return the margins in a text as `a,b;a,c`; an empty text is the cross of all dimensions.

    Raises:
        ConfigurationError: CFG-080, a dimension that --dims does not name; CFG-081, an empty margin or one named twice.
    """
    margins = [tuple(name.strip() for name in part.split(",")) for part in text.split(";")] if text else [tuple(dims)]
    for margin in margins:
        if unknown := [name for name in margin if name not in dims]:
            raise ConfigurationError("CFG-080", "a margin has a dimension that --dims does not name", field=unknown[0])
        if len(set(margin)) < len(margin):
            raise ConfigurationError("CFG-081", "a margin names a dimension twice", field="margins")
    return tuple(dict.fromkeys(frozenset(margin) for margin in margins))


def flat_of(text: str, dims: Sequence[str]) -> frozenset[str]:
    """Return the dimensions in a text as `a,b`.

    Raises:
        ConfigurationError: CFG-080, a dimension that --dims does not name.
    """
    names = [name.strip() for name in text.split(",")] if text else []
    if unknown := [name for name in names if name not in dims]:
        raise ConfigurationError("CFG-080", "--flat has a dimension that --dims does not name", field=unknown[0])
    return frozenset(names)


def groups(path: Path) -> dict[str, dict[str, frozenset[str]]]:
    """Read groups of codes from a CSV file with the columns dimension, group and code.

    Returns:
        Dimension -> group -> codes.

    Raises:
        ContractError: CON-080.
    """
    try:
        text = local_files.read_text(path, "utf-8-sig", most=count_rows.MOST_BYTES)
        reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        lines = [(row["dimension"], row["group"], row["code"]) for row in map(unguarded, reader)]
    except (OSError, UnicodeDecodeError, csv.Error, KeyError) as error:
        raise ContractError("CON-080", "groups need the columns dimension, group and code") from error
    by_dimension: dict[str, dict[str, frozenset[str]]] = {}
    for line, names in enumerate(lines, 2):
        if not all(names):
            raise ContractError("CON-080", f"line {line} of the groups lacks a dimension, a group or a code")
        dimension, group, code = (name.strip() for name in names)
        codes_of = by_dimension.setdefault(dimension, {})
        codes_of[group] = codes_of.get(group, frozenset()) | {code}
    return by_dimension


def rows(released: ReleasedTable) -> Iterator[tuple[str, ...]]:
    """Yield a row per cell: its codes, its value, its status."""
    for key, value in released.values.items():
        yield (*key, "", "suppressed") if value is None else (*key, str(value), "published")
    for key in released.withheld:
        yield (*key, "", "withheld")


def write(lines: Iterable[Sequence[str]], dims: Sequence[str], columns: Sequence[str]) -> str:
    """Return rows as CSV text, lines ended by a line feed; names and codes are guarded against formulas.

    Args:
        lines: codes of the dimensions, then the values of the other columns.
        dims: names of the dimensions.
        columns: names of the other columns.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*map(formulas.guarded, dims), *columns])
    # A number is none of the guarded texts, although a noisy one may begin with a minus sign.
    writer.writerows([*map(formulas.guarded, line[: len(dims)]), *line[len(dims) :]] for line in lines)
    return text.getvalue()


def levels(grouped: Mapping[str, Mapping[str, frozenset[str]]]) -> str:
    """Return groups as CSV text in the form that `groups` reads, so that others can attack the table."""
    lines = [
        [formulas.guarded(name) for name in (dim, group, code)]
        for dim, names in sorted(grouped.items())
        for group in sorted(names)
        for code in sorted(names[group])
    ]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([["dimension", "group", "code"], *lines])
    return text.getvalue()


def unguarded(row: Mapping[str, str]) -> dict[str, str]:
    """Return a row of a published table, names and codes as they were before `write` guarded them."""
    return {_unguarded(name): _unguarded(value) for name, value in row.items()}


def _unguarded(cell: Any) -> Any:  # noqa: ANN401 - a reader of CSV puts surplus cells as a list under None, and None for missing ones
    """Unguard a text; what is none is for whoever reads the row to refuse."""
    return formulas.unguarded(cell) if isinstance(cell, str) else cell
