"""Tables of a statistician as CSV files: counts and groups to read, protected tables to write.

Purpose: decide which files are refused, and how a released row is spelt. Protection is decided by
`anonymizer.tabular.standalone`.
Called by: `amana protect`, `amana attack`, `connectors.offline.publication_history`.

Invariants:
- A message holds a line number or the name of a dimension, never a code or a count.
- A total that the file states is checked against its rows: a wrong one would bound the wrong cells.

Source: SDMX, content-oriented guidelines, for `_T` as the code of a total.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from anonymizer.tabular.crosstab import Codes, CrossTable
from anonymizer.tabular.standalone import ReleasedTable
from connectors.adapters import local_files
from schemas import formulas
from schemas.errors import ConfigurationError, ContractError
from schemas.trend import TOTAL

__all__ = ["groups", "margins_of", "read", "rows", "unguarded", "write"]

_COUNT = "count"
_WHOLE = re.compile(r"[0-9]{1,12}")


def read(
    path: Path,
    dims: Sequence[str],
    margins: Sequence[frozenset[str]],
    grouped: Mapping[str, Mapping[str, frozenset[str]]],
) -> CrossTable:
    """Read a table of counts.

    Args:
        path: CSV with a column per dimension and the column `count`; other columns are passed over.
        dims: dimensions of the table, in order.
        margins: sets of dimensions whose sums are to be published.
        grouped: dimension -> group -> codes, whose sums are to be published.

    Raises:
        ContractError: CON-080, not such a file; CON-081, a count that is no whole number of persons; CON-082, codes
            that occur twice or are missing; CON-083, a total that is not the sum of its rows.
        ConfigurationError: CFG-080, a dimension that the file does not have; CFG-082, a group with the name of a code.
    """
    counts: dict[Codes, int] = {}
    totals: dict[Codes, tuple[int, int]] = {}
    for line, record in _records(path, dims):
        key = tuple((record[dim] or "").strip() for dim in dims)
        if not all(key):
            raise ContractError("CON-082", f"line {line} has no code for a dimension")
        if key in counts or key in totals:
            raise ContractError("CON-082", f"line {line} repeats the codes of another line")
        if TOTAL in key:
            totals[key] = line, _whole(record[_COUNT], line)
        else:
            counts[key] = _whole(record[_COUNT], line)
    if not counts:
        raise ContractError("CON-080", "the table has no rows")
    for key, (line, total) in totals.items():
        # A row is part of a total if each of its codes is the total's own, or is summed by it.
        parts = (
            count
            for codes, count in counts.items()
            if all(summed in {TOTAL, code} for summed, code in zip(key, codes, strict=True))
        )
        if total != sum(parts):
            raise ContractError("CON-083", f"line {line} is a total, but not the sum of its rows")
    return CrossTable(tuple(dims), tuple(margins), counts, _checked_groups(grouped, counts, dims))


def _checked_groups(
    grouped: Mapping[str, Mapping[str, frozenset[str]]], counts: Iterable[Codes], dims: Sequence[str]
) -> Mapping[str, Mapping[str, frozenset[str]]]:
    for dim, names in grouped.items():
        if dim not in dims:
            raise ConfigurationError("CFG-080", "groups are of a dimension that --dims does not name", field=dim)
        if set(names) & {key[dims.index(dim)] for key in counts} or TOTAL in names:
            raise ConfigurationError("CFG-082", "a group has the name of a code", field=dim)
    return grouped


def _records(path: Path, dims: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        text = local_files.read_text(path, "utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ContractError("CON-080", "the table cannot be read as UTF-8 text") from error
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        names = reader.fieldnames or []
        for dim in dims:
            if dim not in names:
                raise ConfigurationError("CFG-080", "the table has no such dimension", field=dim)
        if _COUNT not in names or len(set(names)) < len(names):
            raise ContractError("CON-080", "the table needs a column `count`, and no column twice")
        for record in reader:
            # The reader puts surplus fields under the key None, and None in the place of missing ones.
            if None in record or None in record.values():
                raise ContractError("CON-080", f"line {reader.line_num} does not have as many fields as the header")
            yield reader.line_num, record
    except csv.Error as error:
        raise ContractError("CON-080", f"line {reader.line_num} is not CSV") from error


def _whole(text: str, line: int) -> int:
    if not _WHOLE.fullmatch(text.strip()):
        raise ContractError("CON-081", f"line {line} has a count that is no whole number of persons, 0 or more")
    return int(text)


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


def groups(path: Path) -> dict[str, dict[str, frozenset[str]]]:
    """Read groups of codes from a CSV file with the columns dimension, group and code.

    Returns:
        Dimension -> group -> codes.

    Raises:
        ContractError: CON-080.
    """
    try:
        text = local_files.read_text(path, "utf-8-sig")
        reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        lines = [(row["dimension"], row["group"], row["code"]) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error, KeyError) as error:
        raise ContractError("CON-080", "groups need the columns dimension, group and code") from error
    by_dimension: dict[str, dict[str, frozenset[str]]] = {}
    for dimension, group, code in lines:
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


def unguarded(row: Mapping[str, str]) -> dict[str, str]:
    """Return a row of a published table, names and codes as they were before `write` guarded them."""
    return {_unguarded(name): _unguarded(value) for name, value in row.items()}


def _unguarded(cell: Any) -> Any:  # noqa: ANN401 - a reader of CSV puts surplus cells as a list under None, and None for missing ones
    """Unguard a text; what is none is for whoever reads the row to refuse."""
    return formulas.unguarded(cell) if isinstance(cell, str) else cell
