"""Rows of an agency's file, one by one: CSV or JSON lines, plain or gzip.

Decides what a readable file is. Does not decide what its columns mean (`connectors.ingest.files.mapping`) or whether a
row is good (`connectors.ingest.event.row_to_event`).

- A file is read twice: `survey` finds its digest, columns and line count before anything is sent; `rows` yields rows.
- The digest is of the unpacked bytes, so a file and its gzip are one file.
- A text that is not UTF-8 refuses the whole file, with its line; a row that is not a row is refused alone.
- No message holds a cell. Column names are told only where they look like names: a file without a header line has a
  person's data there.
"""

import csv
import gzip
import hashlib
import io
import json
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal

from schemas.errors import ConfigurationError, ContractError

__all__ = ["SourceFile", "SourceRow", "column_name", "rows", "survey"]

_GZIP = b"\x1f\x8b"
_DELIMITERS = (",", ";", "\t")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_ .-]{0,63}")
_LONGEST_LINE = 4 * 1024 * 1024
_FILE_FAULTS = (OSError, EOFError, zlib.error)  # of opening, of a gzip that ends early, of a damaged one


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file that can be read: `digest` is its SHA-256 in hex, `delimiter` empty for JSON lines, `lines` physical."""

    path: Path
    digest: str
    form: Literal["csv", "jsonl"]
    delimiter: str
    columns: tuple[str, ...]
    lines: int


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One row: the line it begins on (from 1), and its cells by column, or the fault that makes it none."""

    line: int
    cells: Mapping[str, Any]
    fault: ContractError | None = None


def column_name(name: str, position: int) -> str:
    """Return how a column is spoken of: its name where it looks like one, else its position (from 1)."""
    return name.strip() if _NAME.fullmatch(name.strip()) else f"column {position}"


def survey(path: Path) -> SourceFile:
    """Read the whole file once: digest, form, columns.

    Raises:
        ConfigurationError: CFG-100, not a readable file; CFG-101, nothing in it.
        ContractError: CON-100, not UTF-8, with the line; CON-101, a column name twice; CON-107, a line too
            long to be a row: a bomb would be read whole later.
    """
    digest, lines, first, columns = hashlib.sha256(), 0, "", {}
    is_json: bool | None = None
    with _opened(path) as file:
        for number, raw in enumerate(_raw_lines(file), start=1):
            digest.update(raw)
            text, lines = _text(raw, number), number
            if not text.strip():
                continue
            first = first or text
            if is_json is None:
                is_json = _is_json(path, text)
            if is_json:
                columns.update(dict.fromkeys(_keys(text)))
    if not first:
        raise ConfigurationError("CFG-101", "the file is empty")
    if is_json:
        return SourceFile(path, digest.hexdigest(), "jsonl", "", tuple(columns), lines)
    delimiter = max(_DELIMITERS, key=first.count)
    return SourceFile(path, digest.hexdigest(), "csv", delimiter, _header(first, delimiter), lines)


def rows(source: SourceFile) -> Iterator[SourceRow]:
    """Yield the rows of `source` in order; blank lines are none."""
    with _opened(source.path) as file:
        if source.form == "jsonl":
            yield from _json_rows(file)
        else:
            yield from _csv_rows(file, source)


def _opened(path: Path) -> BinaryIO:
    if path.is_dir():
        raise ConfigurationError("CFG-100", "the file is a directory")
    try:
        file = path.open("rb")
        packed = file.read(2) == _GZIP
        file.seek(0)
    except OSError as error:
        raise ConfigurationError("CFG-100", f"the file cannot be read: {error.strerror}") from None
    return gzip.GzipFile(fileobj=file) if packed else file  # type: ignore[return-value] # reads like any binary file


def _raw_lines(file: BinaryIO) -> Iterator[bytes]:
    try:
        while raw := file.readline(_LONGEST_LINE):
            if len(raw) == _LONGEST_LINE and not raw.endswith(b"\n"):
                raise ContractError("CON-107", f"a line is longer than {_LONGEST_LINE >> 20} MiB")
            yield raw
    except _FILE_FAULTS:
        raise ConfigurationError("CFG-100", "the file cannot be read to its end") from None


def _text(raw: bytes, line: int) -> str:
    try:
        if b"\x00" in raw:
            raise ContractError("CON-100", f"line {line} is not text in UTF-8")
        return raw.decode("utf-8-sig" if line == 1 else "utf-8")
    except UnicodeDecodeError:
        raise ContractError("CON-100", f"line {line} is not text in UTF-8") from None


def _is_json(path: Path, first: str) -> bool:
    suffixes = set(path.suffixes)
    if suffixes & {".jsonl", ".ndjson"}:
        return True
    return not suffixes & {".csv", ".tsv"} and first.lstrip().startswith("{")


def _keys(text: str) -> tuple[str, ...]:
    found = _object(text)
    return () if found is None else tuple(found)


def _object(text: str) -> dict[str, Any] | None:
    """Return the JSON object in `text`, None where there is none; a key said twice makes it none."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _header(first: str, delimiter: str) -> tuple[str, ...]:
    try:
        names = next(csv.reader([first], delimiter=delimiter))
    except csv.Error:  # its message may quote what stands there
        raise ContractError("CON-105", "the first line is not a header of columns") from None
    seen: set[str] = set()
    for position, name in enumerate(names, start=1):
        if name.strip() and name in seen:
            raise ContractError("CON-101", f"{column_name(name, position)} stands twice in the header")
        seen.add(name)
    return tuple(name.rstrip("\r\n") for name in names)


def _json_rows(file: BinaryIO) -> Iterator[SourceRow]:
    for number, raw in enumerate(_raw_lines(file), start=1):
        text = _text(raw, number)
        if not text.strip():
            continue
        found = _object(text)
        fault = ContractError("CON-102", "not a JSON object") if found is None else None
        yield SourceRow(number, found or {}, fault)


def _csv_rows(file: BinaryIO, source: SourceFile) -> Iterator[SourceRow]:
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    reader = csv.reader(text, delimiter=source.delimiter)
    headed, before = False, 0
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield SourceRow(reader.line_num, {}, ContractError("CON-102", "not a row of CSV"))
            before = reader.line_num
            continue
        line, before = before + 1, reader.line_num
        if not any(cells):
            continue
        if headed:
            yield _csv_row(line, cells, source.columns)
        headed = True


def _csv_row(line: int, cells: list[str], columns: tuple[str, ...]) -> SourceRow:
    if len(cells) != len(columns):
        fault = ContractError("CON-103", f"{len(cells)} cells under {len(columns)} columns")
        return SourceRow(line, {}, fault)
    return SourceRow(line, dict(zip(columns, cells, strict=True)))
