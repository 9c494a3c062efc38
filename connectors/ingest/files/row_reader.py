"""Reader of an agency's file, row by row: CSV or JSON lines, plain or gzip.

Purpose: decide whether a file is readable, and give its rows. The meaning of its columns is decided by
`connectors.ingest.files.column_mapping`, whether a row is good by the contract.
Called by: `connectors.ingest.file_publisher`, `connectors.ingest.files.column_mapping`,
`connectors.ingest.files.row_to_event`.

    source = survey(path)          # reads the file once: digest, columns, number of lines
    for row in rows(source):       # reads it again
        ...

Invariants:
- The digest is of the unpacked bytes, so that a file and its gzip are one file.
- A line that is not UTF-8 refuses the whole file, by its number; a line that is no row is refused alone.
- No message holds a cell. A column name is shown only if it looks like one: in a file without a header line, a person's
  data is in its place.

Source: RFC 4180 for CSV, RFC 1952 for gzip; JSON lines as in jsonlines.org.
"""

import csv
import gzip
import hashlib
import io
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal

from connectors.adapters import local_files
from schemas import json_objects
from schemas.errors import ConfigurationError, ContractError

__all__ = ["SourceFile", "SourceRow", "column_name", "rows", "survey"]

_GZIP = b"\x1f\x8b"
_DELIMITERS = (",", ";", "\t")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_ .-]{0,63}")
_LONGEST_LINE = 4 * 1024 * 1024  # bytes; a small gzip may unpack to a line that fills the memory
_FILE_FAULTS = (OSError, EOFError, zlib.error)  # of the disk, of a gzip that ends early, of a damaged one


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file that can be read.

    Args:
        path: the file.
        digest: SHA-256 of the unpacked bytes, in hex.
        form: CSV or JSON lines.
        delimiter: between cells; empty for JSON lines.
        columns: names of the header, or all keys of all objects.
        lines: number of physical lines; a CSV row may span several.
    """

    path: Path
    digest: str
    form: Literal["csv", "jsonl"]
    delimiter: str
    columns: tuple[str, ...]
    lines: int


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One row: the line on which it begins, from 1, and its cells by column; or the fault that makes it no row."""

    line: int
    cells: Mapping[str, Any]
    fault: ContractError | None = None


def column_name(name: str, position: int) -> str:
    """Return the name of a column for messages, or `column N`, from 1, where the name does not look like one."""
    return name.strip() if _NAME.fullmatch(name.strip()) else f"column {position}"


def survey(path: Path) -> SourceFile:
    """Read the whole file once, for its digest, form, columns and number of lines.

    Raises:
        ConfigurationError: CFG-100, the file cannot be read; CFG-101, it is empty.
        ContractError: CON-100, a line is not UTF-8; CON-101, a column name occurs twice; CON-105, the header line
            cannot be read; CON-107, a line is longer than 4 MiB.
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
                columns.update(dict.fromkeys(_object(text)[0] or {}))
    if not first:
        raise ConfigurationError("CFG-101", "the file is empty")
    if is_json:
        return SourceFile(path, digest.hexdigest(), "jsonl", "", tuple(columns), lines)
    delimiter = max(_DELIMITERS, key=first.count)  # of a header; cells of rows may hold any of them
    return SourceFile(path, digest.hexdigest(), "csv", delimiter, _header(first, delimiter), lines)


def rows(source: SourceFile) -> Iterator[SourceRow]:
    """Yield the rows of `source` in their order; blank lines are passed over.

    Raises:
        ConfigurationError: CFG-100, the file cannot be read any more.
        ContractError: CON-100 or CON-107, the file has changed since `survey`.
    """
    with _opened(source.path) as file:
        if source.form == "jsonl":
            yield from _json_rows(file)
        else:
            yield from _csv_rows(file, source)


def _opened(path: Path) -> BinaryIO:
    if path.is_dir():
        raise ConfigurationError("CFG-100", "the file is a directory")
    try:
        file = local_files.open_regular(path)
        packed = file.read(2) == _GZIP
        file.seek(0)
    except OSError as error:
        raise ConfigurationError("CFG-100", f"the file cannot be read: {error.strerror}") from None
    return gzip.GzipFile(fileobj=file) if packed else file  # type: ignore[return-value] # reads like any binary file


def _raw_lines(file: BinaryIO) -> Iterator[bytes]:
    """Yield physical lines with their ends, each read up to the limit and no further."""
    try:
        while raw := file.readline(_LONGEST_LINE):
            if len(raw) == _LONGEST_LINE and not raw.endswith(b"\n"):
                raise ContractError("CON-107", f"a line is longer than {_LONGEST_LINE >> 20} MiB")
            yield raw
    except _FILE_FAULTS:
        raise ConfigurationError("CFG-100", "the file cannot be read to its end") from None


def _text(raw: bytes, line: int) -> str:
    try:
        # UTF-16 without a byte order mark decodes as UTF-8, into text with a NUL after each letter.
        if b"\x00" in raw:
            raise ContractError("CON-100", f"line {line} is not text in UTF-8")
        return raw.decode("utf-8-sig" if line == 1 else "utf-8")
    except UnicodeDecodeError:
        raise ContractError("CON-100", f"line {line} is not text in UTF-8") from None


def _is_json(path: Path, first: str) -> bool:
    suffixes = set(path.suffixes)
    if suffixes & {".jsonl", ".ndjson"}:
        return True
    # A header may begin with a brace only in a file whose name says that it is CSV.
    return not suffixes & {".csv", ".tsv"} and first.lstrip().startswith("{")


def _object(text: str) -> tuple[dict[str, Any] | None, str]:
    """Return the JSON object in `text`, or None and the reason why there is none."""
    try:
        value = json_objects.loads(text)
    except json_objects.RepeatedKeyError:  # its meaning would depend on the reader
        return None, "a key occurs twice in the JSON object"
    except (ValueError, RecursionError):  # arrays nested a thousand deep exhaust the parser's stack
        return None, "not a JSON object"
    return (value, "") if isinstance(value, dict) else (None, "not a JSON object")


def _header(first: str, delimiter: str) -> tuple[str, ...]:
    try:
        names = next(csv.reader([first], delimiter=delimiter))
    except csv.Error:  # its message may quote the line
        raise ContractError("CON-105", "the first line is not a header of columns") from None
    seen: set[str] = set()
    for position, name in enumerate(names, start=1):
        if name.strip() and name in seen:
            raise ContractError("CON-101", f"{column_name(name, position)} occurs twice in the header")
        seen.add(name)
    return tuple(name.rstrip("\r\n") for name in names)


def _json_rows(file: BinaryIO) -> Iterator[SourceRow]:
    for number, raw in enumerate(_raw_lines(file), start=1):
        text = _text(raw, number)
        if not text.strip():
            continue
        cells, reason = _object(text)
        fault = ContractError("CON-102", reason) if cells is None else None
        yield SourceRow(number, cells or {}, fault)


def _csv_rows(file: BinaryIO, source: SourceFile) -> Iterator[SourceRow]:
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    reader = csv.reader(text, delimiter=source.delimiter)
    header_passed, line_before = False, 0
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield SourceRow(reader.line_num, {}, ContractError("CON-102", "not a row of CSV"))
            line_before = reader.line_num
            continue
        # `line_num` is the last physical line of the row; a quoted cell may hold line ends.
        line, line_before = line_before + 1, reader.line_num
        if not any(cells):
            continue
        if not header_passed:
            header_passed = True
        elif len(cells) == len(source.columns):
            yield SourceRow(line, dict(zip(source.columns, cells, strict=True)))
        else:
            fault = ContractError("CON-103", f"{len(cells)} cells under {len(source.columns)} columns")
            yield SourceRow(line, {}, fault)
