"""Catalogue of the shipped Avro schemas: each by its stem, its fields with their privacy roles, its earlier versions.

Purpose: make `schemas/avro/*.avsc`, the source of truth, available as values. A stem is a file's name without its
ending (`raw.case`, `delta`); the subject in the registry is the stem and `-value`. `schemas/avro/earlier/` holds every
version that a stem had before, `raw.referral.1` the first: records that were written with it stay readable.
Called by: in this room `codec` and `raw`; `anonymizer.policy` and `anonymizer.microdata.field_mapping`;
`streams.broker.topics` (`KINDS`) and `streams.stages`; `connectors.adapters`, `connectors.ingest`,
`connectors.console.reconciliation` and `connectors.operations.quarantine_entries`; `amana.publisher`, `amana schemas`
and the demonstration.

Invariants:
- Every field names its role, or loading fails.
- A schema is parsed and checked once per process.
- An earlier version is read as the version of today: a field that it lacks has its default.

>>> [field.name for field in load("raw.activity").by_role(FieldRole.STAFF_IDENTIFIER, FieldRole.FREE_TEXT)]
['facilitator', 'notes']
"""

import functools
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final, Literal, get_args

from schemas import parsing
from schemas.parsing import Parsed
from schemas.roles import FieldRole

__all__ = ["KINDS", "PERSONAL", "STEMS", "FieldSpec", "Kind", "Schema", "fields_of", "load", "versions"]

Kind = Literal["case", "referral", "assistance", "indicator", "activity", "justice"]
"""A kind of event."""

KINDS: Final[tuple[str, ...]] = get_args(Kind)
"""The six kinds of event, in the order in which they are listed everywhere."""

PERSONAL: Final[frozenset[str]] = frozenset({"case", "referral", "assistance"})
"""Kinds of event about one person; the others are an agency's own aggregates."""

_FILES = resources.files("schemas") / "avro"
_EARLIER = _FILES / "earlier"

STEMS = tuple(sorted(file.name.removesuffix(".avsc") for file in _FILES.iterdir() if file.name.endswith(".avsc")))
"""The stem of every shipped schema, sorted."""


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One field of a schema: its role and its type.

    `type` is the Avro type without null. `codelist` names a list of `schemas.codelists`; in an array it is the list of
    the items.
    """

    name: str
    role: FieldRole
    type: Any
    nullable: bool
    codelist: str | None
    has_default: bool
    default: Any
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
    """One shipped schema.

    Args:
        stem: The file's name without its ending.
        text: As in the file.
        digest: SHA-256 of the text, 32 bytes.
        parsed: For the codec.
        fields: In the order of the file.
        sealed: How its records travel: `envelope` from an agency to the de-identifier, `hub` between processes of the
            hub, None in clear.
    """

    stem: str
    text: str
    digest: bytes
    parsed: Parsed
    fields: tuple[FieldSpec, ...]
    sealed: str | None

    @property
    def subject(self) -> str:
        """The subject under which the registry has the schema."""
        return f"{self.stem}-value"

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
    return _schema(stem, (_FILES / f"{stem}.avsc").read_text(encoding="utf-8"), None)


@functools.cache
def versions(stem: str) -> tuple[Schema, ...]:
    """Return the shipped schema `stem`, then its earlier versions, the latest first; raises as `load`."""
    shipped = load(stem)
    earlier = [file for file in _EARLIER.iterdir() if file.name.rpartition(".avsc")[0].rpartition(".")[0] == stem]
    earlier.sort(key=lambda file: int(file.name.split(".")[-2]), reverse=True)
    return shipped, *(_schema(stem, file.read_text(encoding="utf-8"), shipped.parsed) for file in earlier)


def _schema(stem: str, text: str, reader: Parsed | None) -> Schema:
    document = json.loads(text)
    digest = hashlib.sha256(text.encode()).digest()
    parsed = parsing.parse(text, reader=reader)
    return Schema(stem, text, digest, parsed, fields_of(document), document.get("sealed"))


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
        codelist=field.get("codelist"),
        has_default="default" in field,
        default=field.get("default"),
        doc=field.get("doc", ""),
    )
