"""Mappings: what the columns of a known shape of file mean, as versioned data files.

Decides the shape of a mapping file and which mapping a header fits. Does not convert
values (`connectors.ingest.event.row_to_event`).

- Every column of a file is mapped or declared ignored; any other refuses the whole file by its name.
- A mapping says what it adds (`defaults`): what a published file stands for is written down there, not in code.
"""

import functools
import tomllib
from importlib import resources
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from connectors.ingest.files.row_reader import SourceFile, column_name
from schemas.errors import ConfigurationError, ContractError

__all__ = ["NAMES", "Mapping", "choose", "load"]

_FILES = resources.files("connectors.ingest.files") / "mappings"

NAMES = ("ctdc-derived", "ctdc-later", "ctdc-2020", "htcds")
"""The shipped mappings, in the order in which a header is tried against them."""


class Mapping(BaseModel):
    """One mapping file.

    `columns`: column → field. `flags`: field → column → code; the field gets the codes of the columns that say yes.
    `codes`: field → value → code, before the code list. `missing`: values that are no value; `unknown`: field → values
    that say so. `signature`: columns that tell this shape from others. `identity`: `record` where rows bring their own
    id, `row` where line and file must do, and each row is a person of its own.
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
        """Name and version, as reports and journals keep it."""
        return f"{self.name}/{self.version}"

    def fits(self, source: SourceFile) -> bool:
        """Tell whether the header bears this shape's signature."""
        right_delimiter = not self.delimiter or self.delimiter == source.delimiter
        return right_delimiter and set(self.signature) <= {tidy(name) for name in source.columns}

    def field_of(self, column: str, kind: str) -> str:
        """Return the field that `column` holds for events of `kind`; its own tidied name where nothing else is said."""
        name = tidy(column)
        return self.kind_columns.get(kind, {}).get(name) or self.columns.get(name, name)

    def flag_columns(self) -> frozenset[str]:
        """Return the columns that are read as flags."""
        return frozenset(column for columns in self.flags.values() for column in columns)

    def refuse_unknown(self, source: SourceFile, kind: str, fields: frozenset[str]) -> None:
        """Refuse a file with a column that is neither mapped nor ignored; `fields` are those of the contract.

        Raises:
            ContractError: CON-104, naming the column; CON-105, where not one column is known: no header line.
        """
        taken = fields | set(self.ignored) | self.flag_columns()
        known = [self.field_of(name, kind) in taken or tidy(name) in taken for name in source.columns]
        if not any(known):
            raise ContractError("CON-105", "not one column is known: has the file a header line?")
        for position, (name, is_known) in enumerate(zip(source.columns, known, strict=True), start=1):
            if not is_known:
                text = f"unknown {name_of(name, position)}: nothing was published; mapping {self.label}"
                raise ContractError("CON-104", text)


def tidy(text: str) -> str:
    """Return `text` without the stray blanks, no-break spaces and marks that spreadsheets leave around names."""
    return text.replace("\u00a0", " ").strip(" \t\r\n\ufeff\u200e\u200f")


def name_of(name: str, position: int) -> str:
    """Return `column NAME`, or the position alone where the name does not look like one."""
    shown = column_name(name, position)
    return shown if shown.startswith("column ") else f"column {shown}"


@functools.cache
def load(name: str) -> Mapping:
    """Return a shipped mapping.

    Raises:
        ConfigurationError: CFG-103, no such mapping.
    """
    if name not in NAMES:
        raise ConfigurationError("CFG-103", f"no such mapping; there are {', '.join(NAMES)}")
    text = (_FILES / f"{name}.toml").read_text(encoding="utf-8")
    return Mapping.model_validate(tomllib.loads(text))


def choose(source: SourceFile, kind: str, name: str | None = None) -> Mapping:
    """Return the mapping asked for, or the first whose signature the header bears.

    Raises:
        ConfigurationError: CFG-103, no such mapping, or it is not for events of `kind`.
    """
    found = load(name) if name else next(one for one in map(load, NAMES) if one.fits(source))
    if kind not in found.kinds:
        raise ConfigurationError("CFG-103", f"mapping {found.label} is not for events of kind {kind}")
    return found
