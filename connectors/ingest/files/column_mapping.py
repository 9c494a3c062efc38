"""Column mappings: the meaning of the columns of a known kind of file, as versioned data files.

Purpose: define the form of a mapping file, and choose the mapping that fits a header. Values are converted elsewhere
(`connectors.ingest.files.row_to_event`).
Called by: `connectors.ingest.file_publisher`, `connectors.ingest.files.row_to_event`.

Invariants:
- Every column of a file is mapped or declared as ignored; any other column refuses the whole file, by its name.
- A value that a mapping adds to every row stands in the mapping file (`defaults`), never in code.
"""

import functools
import tomllib
from importlib import resources
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from connectors.ingest.files.row_reader import SourceFile, column_name
from schemas.errors import ConfigurationError, ContractError

__all__ = ["NAMES", "ColumnMapping", "choose", "load", "tidy"]

_FILES = resources.files("connectors.ingest.files") / "mappings"

NAMES = ("ctdc-derived", "ctdc-later", "ctdc-2020", "htcds")
"""The shipped mappings, in the order in which a header is tried against them; the last one fits every header."""


class ColumnMapping(BaseModel):
    """One mapping file.

    Args:
        name: name of the mapping; with `version`, it is written to reports and journals.
        version: raised with every change of meaning.
        note: source of the file's form, for people.
        kinds: kinds of events that such files hold.
        identity: `record` where each row brings the agency's own record id; `row` where there is none, so that file
            and line take its place and each row is a person of its own.
        delimiter: of the CSV file; empty for any.
        signature: columns that tell this form from the others.
        missing: cells that mean no value.
        ignored: columns that are not read.
        columns: column -> field.
        kind_columns: kind -> column -> field, before `columns`.
        defaults: field -> value where the file gives none.
        yes: cells of a flag column that mean yes.
        no: cells of a flag column that mean no.
        codes: field -> cell -> code, before the code list.
        unknown: field -> cells that mean no value in this field.
        flags: field -> column -> codes; the field gets the codes of the columns that say yes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    version: int = Field(ge=1)
    note: str
    kinds: tuple[str, ...]
    identity: Literal["record", "row"]
    delimiter: str = ""
    signature: tuple[str, ...] = ()
    missing: tuple[str, ...] = ("",)
    ignored: tuple[str, ...] = ()
    columns: dict[str, str] = {}
    kind_columns: dict[str, dict[str, str]] = {}
    defaults: dict[str, Any] = {}
    yes: tuple[str, ...] = ()
    no: tuple[str, ...] = ()
    codes: dict[str, dict[str, str]] = {}
    unknown: dict[str, tuple[str, ...]] = {}
    flags: dict[str, dict[str, tuple[str, ...]]] = {}

    @property
    def label(self) -> str:
        """Name and version, as reports and journals keep them."""
        return f"{self.name}/{self.version}"

    def fits(self, source: SourceFile) -> bool:
        """Tell whether the file has this mapping's delimiter and all columns of its signature."""
        right_delimiter = not self.delimiter or self.delimiter == source.delimiter
        return right_delimiter and set(self.signature) <= {tidy(name) for name in source.columns}

    def field_of(self, column: str, kind: str) -> str:
        """Return the field of `column` for events of `kind`; a column without an entry names its field itself."""
        name = tidy(column)
        return self.kind_columns.get(kind, {}).get(name) or self.columns.get(name, name)

    def flag_columns(self) -> frozenset[str]:
        """Return the columns that are read as yes or no."""
        return frozenset(column for columns in self.flags.values() for column in columns)

    def refuse_unknown(self, source: SourceFile, kind: str, fields: frozenset[str]) -> None:
        """Refuse a file with a column that is neither mapped nor ignored; `fields` are those that may be given.

        Raises:
            ContractError: CON-104, naming the column; CON-105, no column is known: the file has no header line.
        """
        readable = fields | set(self.ignored) | self.flag_columns()
        is_known = [self.field_of(name, kind) in readable or tidy(name) in readable for name in source.columns]
        if not any(is_known):
            raise ContractError("CON-105", "no column is known: does the file have a header line?")
        if not all(is_known):
            position = is_known.index(False)
            # A text that does not look like a name may be a person's data, in a file without a header: its position
            # is shown instead.
            name = column_name(source.columns[position], position + 1)
            shown = name if name.startswith("column ") else f"column {name}"
            raise ContractError("CON-104", f"unknown {shown}: nothing was published; mapping {self.label}")


def tidy(text: str) -> str:
    """Return `text` without the blanks, no-break spaces and marks that spreadsheets leave around names and codes."""
    return text.replace("\u00a0", " ").strip(" \t\r\n\ufeff\u200e\u200f")


@functools.cache
def load(name: str) -> ColumnMapping:
    """Return a shipped mapping.

    Raises:
        ConfigurationError: CFG-103, no such mapping.
    """
    if name not in NAMES:
        raise ConfigurationError("CFG-103", f"no such mapping; there are {', '.join(NAMES)}")
    text = (_FILES / f"{name}.toml").read_text(encoding="utf-8")
    return ColumnMapping.model_validate(tomllib.loads(text))


def choose(source: SourceFile, kind: str, name: str | None = None) -> ColumnMapping:
    """Return the mapping called `name`, or the first whose signature is in the file's header.

    Raises:
        ConfigurationError: CFG-103, no such mapping, or it is not for events of `kind`.
    """
    mapping = load(name) if name else next(shipped for shipped in map(load, NAMES) if shipped.fits(source))
    if kind not in mapping.kinds:
        raise ConfigurationError("CFG-103", f"mapping {mapping.label} is not for events of kind {kind}")
    return mapping
