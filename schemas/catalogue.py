"""Catalogue of the shipped Avro schemas: each by its stem, and its fields with their privacy roles.

Purpose: make `schemas/avro/*.avsc`, the source of truth, available as values. A stem is a file's name without its
ending (`raw.case`, `delta`); the subject in the registry is the stem and `-value`.
Called by: in this room `raw`, `sealing` and `opening`; `anonymizer.policy` and `anonymizer.microdata.field_mapping`;
`streams.broker.topics` (`KINDS`) and `streams.stages`; `connectors.adapters`, `connectors.ingest`,
`connectors.console.reconciliation` and `connectors.operations.quarantine_entries`; `amana.publisher`, `amana schemas`
and the demonstration.

Invariants:
- Every field names its role, or loading fails.
- A schema is parsed and checked once per process.

>>> [field.name for field in load("raw.activity").fields if field.sealed]
['facilitator', 'notes']
"""

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final, Literal, get_args

from schemas import parsing
from schemas.parsing import Parsed
from schemas.roles import FieldRole

__all__ = ["KINDS", "STEMS", "FieldSpec", "Kind", "Schema", "fields_of", "load"]

Kind = Literal["case", "referral", "assistance", "indicator", "activity"]
"""A kind of event."""

KINDS: Final[tuple[str, ...]] = get_args(Kind)
"""The five kinds of event, in the order in which they are listed everywhere."""

_FILES = resources.files("schemas") / "avro"

STEMS = tuple(sorted(file.name.removesuffix(".avsc") for file in _FILES.iterdir() if file.name.endswith(".avsc")))
"""The stem of every shipped schema, sorted."""


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One field of a schema: its role and its type.

    `type` is the Avro type without null. A `sealed` field is text at the agency and bytes on the wire. `codelist` names
    a list of `schemas.codelists`; in an array it is the list of the items.
    """

    name: str
    role: FieldRole
    type: Any
    nullable: bool
    sealed: bool
    codelist: str | None
    has_default: bool
    doc: str

    @property
    def repeated(self) -> bool:
        """True for an array."""
        return isinstance(self.type, dict) and self.type["type"] == "array"

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols of an enum, in order; empty for any other type."""
        return tuple(self.type.get("symbols", ())) if isinstance(self.type, dict) else ()


@dataclass(frozen=True, slots=True, eq=False)
class Schema:
    """One shipped schema: `text` as in the file, `parsed` for the codec, `fields` in the order of the file."""

    stem: str
    text: str
    parsed: Parsed
    fields: tuple[FieldSpec, ...]

    @property
    def subject(self) -> str:
        """The subject under which the registry has the schema."""
        return f"{self.stem}-value"

    @property
    def sealed(self) -> tuple[str, ...]:
        """Names of the fields that are sealed on the wire, in order."""
        return tuple(field.name for field in self.fields if field.sealed)

    def by_role(self, *roles: FieldRole) -> tuple[FieldSpec, ...]:
        """Return the fields with one of `roles`, in order."""
        return tuple(field for field in self.fields if field.role in roles)


@functools.cache
def load(stem: str) -> Schema:
    """Return the shipped schema `stem`, for instance `raw.case`.

    Raises:
        KeyError: no such schema is shipped; a programmer's mistake.
    """
    if stem not in STEMS:
        raise KeyError(stem)
    text = (_FILES / f"{stem}.avsc").read_text(encoding="utf-8")
    return Schema(stem, text, parsing.parse(text), fields_of(json.loads(text)))


def fields_of(document: Mapping[str, Any]) -> tuple[FieldSpec, ...]:
    """Return the fields of a record schema, given as its JSON document.

    Raises:
        ValueError: a field names no role or one that does not exist.
    """
    return tuple(_field(field) for field in document["fields"])


def _field(field: Mapping[str, Any]) -> FieldSpec:
    declared = field["type"]
    branches = [branch for branch in declared if branch != "null"] if isinstance(declared, list) else [declared]
    return FieldSpec(
        name=field["name"],
        role=FieldRole(field.get("role", "")),  # a field without a role is a ValueError, not a default
        type=branches[0] if len(branches) == 1 else branches,
        nullable=isinstance(declared, list) and "null" in declared,
        sealed="sealed" in field,
        codelist=field.get("codelist"),
        has_default="default" in field,
        doc=field.get("doc", ""),
    )
