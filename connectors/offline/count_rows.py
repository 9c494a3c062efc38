"""Rows of a statistician's CSV file: counts of persons, or one person each.

Purpose: decide which files and rows are refused before anything is made of them, and tally rows of persons.
Called by: `connectors.offline.table_files`.

Invariants:
- A message holds a line number or the name of a column, never a code, a count or a person's id.
- Codes that differ only in what no reader sees, or that are one number, are refused, or merged if the user says so:
  apart, they would be two cells of the same persons.
- A column of the output is never taken for a dimension.
"""

import csv
import io
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from anonymizer.tabular.crosstab import Codes
from anonymizer.tabular.stated_levels import CountRow
from connectors.adapters import local_files
from schemas.code_names import folded, same_code
from schemas.errors import ConfigurationError, ContractError

__all__ = ["COUNT", "MOST_BYTES", "OUTPUT", "InputForm", "PersonRows", "checked_names", "count_rows", "person_rows"]

COUNT = "count"
OUTPUT = frozenset({"value", "status", "sd", "lo90", "hi90", "display", COUNT})
"""Columns that a dimension may not be called by: those of the published table, and the count."""

_WHOLE = re.compile(r"[0-9]{1,12}", re.ASCII)
MOST_BYTES = 64 * 1024 * 1024
"""Size of the largest file that is read; a table with so many rows could not be protected."""


@dataclass(frozen=True, slots=True)
class InputForm:
    """What the rows of a file are: cells with a count, or persons; and whether equal codes are merged.

    `person_column` names the column with the person's id; without one, every row is another person.
    """

    persons: bool = False
    person_column: str = ""
    merge: bool = False


@dataclass(frozen=True, slots=True)
class PersonRows:
    """Rows of persons, tallied by codes: `members` maps codes to the persons, as numbers without meaning."""

    rows: list[CountRow]
    members: Mapping[Codes, frozenset[int]] = field(default_factory=dict)

    def cells_of_one(self, kept: Collection[Codes]) -> int:
        """Return the most of the kept combinations of codes in which one person is counted."""
        times: dict[int, int] = {}
        for codes in kept:
            for person in self.members.get(codes, ()):
                times[person] = times.get(person, 0) + 1
        return max(times.values(), default=1)


def checked_names(dims: Sequence[str]) -> tuple[str, ...]:
    """Return the names of dimensions.

    Raises:
        ConfigurationError: CFG-081, a name is empty or there twice; CFG-085, it is that of a column of the output.
    """
    names = tuple(name.strip() for name in dims)
    if not all(names) or len({folded(name) for name in names}) < len(names):
        raise ConfigurationError("CFG-081", "--dims names a dimension twice or not at all", field="dims")
    if taken := [name for name in names if folded(name) in OUTPUT]:
        message = f"the column {taken[0]} has the name of a column of the published table: rename it in the file"
        raise ConfigurationError("CFG-085", message, field="dims")
    return names


def count_rows(path: Path, dims: Sequence[str], *, merge: bool) -> list[CountRow]:
    """Return the rows of a file of counts.

    Raises:
        ContractError: CON-080, CON-081, CON-082, CON-085.
        ConfigurationError: CFG-080.
    """
    first: dict[Codes, CountRow] = {}
    exact: set[Codes] = set()
    spelling = _Spelling(dims, merge=merge)
    for line, record in _records(path, dims, COUNT):
        codes = spelling.codes(record, line)
        count = _whole(record[COUNT], line)
        as_spelt = tuple(record[dim].strip() for dim in dims)
        if as_spelt in exact:
            raise ContractError("CON-082", f"line {line} repeats the codes of another line")
        exact.add(as_spelt)
        # Equal codes in another spelling are merged: their persons are counted together.
        first[codes] = CountRow(line, codes, count + (first[codes].count if codes in first else 0))
    return [*first.values()]


def person_rows(path: Path, dims: Sequence[str], form: InputForm) -> PersonRows:
    """Return the rows of a file of persons, tallied.

    Raises:
        ContractError: CON-080, CON-082, CON-085, CON-088.
        ConfigurationError: CFG-080.
    """
    numbers: dict[str, int] = {}
    members: dict[Codes, set[int]] = {}
    lines: dict[Codes, int] = {}
    spelling = _Spelling(dims, merge=form.merge)
    for line, record in _records(path, dims, form.person_column):
        codes = spelling.codes(record, line)
        person = folded(record[form.person_column]) if form.person_column else str(line)
        if not person:
            raise ContractError("CON-088", f"line {line} has no id of a person", field=form.person_column)
        members.setdefault(codes, set()).add(numbers.setdefault(person, len(numbers)))
        lines.setdefault(codes, line)
    rows = [CountRow(lines[codes], codes, len(persons)) for codes, persons in members.items()]
    return PersonRows(rows, {codes: frozenset(persons) for codes, persons in members.items()})


class _Spelling:
    """The codes met so far, by what their spellings have in common."""

    def __init__(self, dims: Sequence[str], *, merge: bool) -> None:
        self._dims, self._merge = dims, merge
        self._first: dict[tuple[str, str], tuple[str, int]] = {}

    def codes(self, record: Mapping[str, str], line: int) -> Codes:
        """Return the codes of a row, each in its first spelling."""
        return tuple(self._code(dim, record[dim].strip(), line) for dim in self._dims)

    def _code(self, dim: str, code: str, line: int) -> str:
        plain = same_code(code)
        if not plain:
            raise ContractError("CON-082", f"line {line} has no code for a dimension", field=dim)
        known, before = self._first.setdefault((dim, plain), (code, line))
        if known != code and not self._merge:
            message = f"{dim}, lines {before} and {line}: two spellings of one code; correct one, or add --merge"
            raise ContractError("CON-085", message, field=dim)
        return known


def _records(path: Path, dims: Sequence[str], needed: str) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        text = local_files.read_text(path, "utf-8-sig", most=MOST_BYTES)
    except (OSError, UnicodeDecodeError) as error:
        raise ContractError("CON-080", "the table cannot be read as UTF-8 text of at most 64 MiB") from error
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        names = reader.fieldnames or []
        for dim in dims:
            if dim not in names:
                raise ConfigurationError("CFG-080", "the table has no such dimension", field=dim)
        if needed and needed not in names:
            hint = "a column `count`" if needed == COUNT else "the column of persons that the option names"
            raise ContractError("CON-080", f"the table needs {hint}")
        if len({folded(name) for name in names}) < len(names):
            raise ContractError("CON-080", "the table has two columns of one name")
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
