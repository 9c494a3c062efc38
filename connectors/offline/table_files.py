"""Tables as a statistician has them: CSV files of counts, and what is published of them.

Decides which files are refused, and how published rows are spelt: `_T` is a total, as in SDMX. Does not protect.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from anonymizer.tabular.crosstab import Codes, CrossTable
from anonymizer.tabular.standalone import ReleasedTable
from schemas.errors import ConfigurationError, ContractError
from schemas.trend import TOTAL

__all__ = ["groups", "margins_of", "read", "rows", "write"]

_COUNT = "count"
_WHOLE = re.compile(r"[0-9]{1,12}")


def read(
    path: Path,
    dims: Sequence[str],
    margins: Sequence[frozenset[str]],
    grouped: Mapping[str, Mapping[str, frozenset[str]]],
) -> CrossTable:
    """Read a table of counts; rows with `_T` are checked against the rows that they sum.

    Raises:
        ContractError: CON-080, not such a file; CON-081, a count that is no whole number of persons; CON-082, codes
            that stand twice or are missing; CON-083, a total that is not the sum.
        ConfigurationError: CFG-080, a dimension that the file has not.
    """
    counts: dict[Codes, int] = {}
    totals: dict[Codes, tuple[int, int]] = {}
    for line, record in _records(path, dims):
        key = tuple((record[dim] or "").strip() for dim in dims)
        if not all(key):
            raise ContractError("CON-082", f"line {line} has no code for a dimension")
        if key in counts or key in totals:
            raise ContractError("CON-082", f"line {line} has codes that stand on another line too")
        if TOTAL in key:
            totals[key] = line, _whole(record[_COUNT], line)
        else:
            counts[key] = _whole(record[_COUNT], line)
    if not counts:
        raise ContractError("CON-080", "the table has no rows")
    for key, (line, total) in totals.items():
        if total != sum(n for codes, n in counts.items() if _sums(key, codes)):
            raise ContractError("CON-083", f"line {line} is a total, but not the sum of its rows")
    return CrossTable(tuple(dims), tuple(margins), counts, _of(grouped, counts, dims))


def _sums(total: Codes, codes: Codes) -> bool:
    return all(one in {TOTAL, other} for one, other in zip(total, codes, strict=True))


def _of(
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
        text = path.read_text(encoding="utf-8-sig")
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
            if None in record or None in record.values():
                raise ContractError("CON-080", f"line {reader.line_num} has not as many fields as the header")
            yield reader.line_num, record
    except csv.Error as error:
        raise ContractError("CON-080", f"line {reader.line_num} is not CSV") from error


def _whole(text: str, line: int) -> int:
    if not _WHOLE.fullmatch(text.strip()):
        raise ContractError("CON-081", f"line {line} has a count that is no whole number of persons, 0 or more")
    return int(text)


def margins_of(text: str, dims: Sequence[str]) -> tuple[frozenset[str], ...]:
    """Read `a,b;a,c`; nothing means the whole cross.

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
    """Read groups of codes: a CSV file with the columns dimension, group and code.

    Raises:
        ContractError: CON-080.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = [(r["dimension"], r["group"], r["code"]) for r in csv.DictReader(file, strict=True)]
    except (OSError, UnicodeDecodeError, csv.Error, KeyError) as error:
        raise ContractError("CON-080", "groups need the columns dimension, group and code") from error
    found: dict[str, dict[str, frozenset[str]]] = {}
    for dimension, group, code in lines:
        names = found.setdefault(dimension, {})
        names[group] = names.get(group, frozenset()) | {code}
    return found


def rows(released: ReleasedTable) -> Iterator[tuple[str, ...]]:
    """Yield a row per cell: its codes, its value, its status."""
    for key, value in released.values.items():
        yield (*key, "", "suppressed") if value is None else (*key, str(value), "published")
    for key in released.withheld:
        yield (*key, "", "withheld")


def write(lines: Iterable[Sequence[str]], header: Sequence[str]) -> str:
    """Return rows as CSV text."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(lines)
    return text.getvalue()
