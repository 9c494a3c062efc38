"""Evolution gate: the rules by which a new version of a schema may replace an old one.

Purpose: find the faults of a change, while old records, old readers and old promises of privacy are still in use.
The registry's own rule, FULL_TRANSITIVE, knows nothing of privacy.
Called by: `connectors.adapters.schema_registry` before it registers a version, and `amana schemas check`.

Rules:

- Avro, both ways: the new version reads what the old one wrote, and the old one reads what the new one writes.
- Every field names its role, and a role may only get stricter.
- What is sealed stays sealed: a field as bytes, or a whole record in an envelope. A new field that names a person or
  holds free text is sealed from the first; only free text after de-identification may say `masked` instead.
- Every version is safe to decode with (`schemas.lint`).

Invariants:
- The old version is not held to the lint: only the new one must be safe to decode with.
- An unsafe or unreadable new version is a violation; an old text that is no schema is an error (CON-005).

Source: Avro 1.12 specification, "Schema Resolution". Compatibility is decided by the official `avro` package, which
ignores namespaces, so those are compared here.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import avro.errors
import avro.schema
from avro.compatibility import ReaderWriterCompatibilityChecker, SchemaCompatibilityType

from schemas import parsing
from schemas.errors import ContractError
from schemas.roles import SEALED_ROLES, FieldRole, stricter_or_same

__all__ = ["Violation", "violations"]

_KNOWN = {str(role): role for role in FieldRole}
_ENVELOPE = "envelope"  # records that leave the agency only within one; the hub's seal is no reason to name a person


@dataclass(frozen=True, slots=True)
class Violation:
    """One fault of a change: the path of the field, empty for the whole schema, and a sentence."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path or 'schema'}: {self.message}"


@dataclass(frozen=True, slots=True)
class _Promise:
    """The properties of a field that concern privacy; `role` is None where it names none that exists."""

    role: FieldRole | None
    sealed: bool
    masked: bool

    @property
    def guarded(self) -> bool:
        """True where no one can read the field in clear on the broker, or only with its findings masked."""
        return self.sealed or (self.masked and self.role is FieldRole.FREE_TEXT)


def violations(old: str | None, new: str) -> tuple[Violation, ...]:
    """Return the faults of a change from the schema `old` (JSON text, None for a first version) to `new`.

    Raises:
        ContractError: CON-005, `old` is not an Avro schema; a `new` that is not one, or is unsafe, is a violation.
    """
    try:
        parsing.parse(new)
    except ContractError as error:
        return (Violation("", error.message),)
    if old is None:
        return tuple(_privacy({}, _promises(new)))
    parsing.parse(old, safe=False)  # an unsafe old version is no reason to refuse a safe new one
    return (*_privacy(_promises(old), _promises(new)), *_compatibility(old, new))


def _promises(text: str) -> dict[str, _Promise]:
    """Return path → promise of every field of every record in a schema."""
    document = json.loads(text)
    return {
        path: _Promise(
            _KNOWN.get(str(field.get("role"))),
            # the property of a field alone is no seal: a field of type string would lie in clear
            sealed=document.get("sealed") == _ENVELOPE
            or ("sealed" in field and field["type"] in ("bytes", ["null", "bytes"])),
            masked="masked" in field,
        )
        for path, field in _fields(document, "")
    }


def _fields(schema: Any, path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:  # noqa: ANN401 - an Avro schema is any JSON value
    if isinstance(schema, list):
        for branch in schema:
            yield from _fields(branch, path)
    elif isinstance(schema, dict):
        for field in schema.get("fields", ()):
            here = f"{path}.{field['name']}" if path else field["name"]
            yield here, field
            yield from _fields(field["type"], here)
        for inner in ("type", "items", "values"):
            yield from _fields(schema.get(inner), path)


def _privacy(before: Mapping[str, _Promise], after: Mapping[str, _Promise]) -> Iterator[Violation]:
    """Yield the faults of every field of the new version."""
    for path, now in after.items():
        if now.role is None:
            yield Violation(path, "names no privacy role")
        elif (then := before.get(path)) is None:
            if now.role in SEALED_ROLES and not now.guarded:
                yield Violation(path, f"a new field of role {now.role} must be sealed")
        else:
            if (then.sealed and not now.sealed) or (then.guarded and not now.guarded):
                yield Violation(path, "was sealed or masked and would be in clear")
            if then.role and not stricter_or_same(then.role, now.role):
                yield Violation(path, f"a role may only get stricter: {then.role} became {now.role}")


def _compatibility(old: str, new: str) -> Iterator[Violation]:
    """Yield the faults that Avro readers of either version would meet."""
    try:
        versions = avro.schema.parse(old), avro.schema.parse(new)
    except (avro.errors.AvroException, ValueError) as error:
        yield Violation("", f"the official parser refuses it: {type(error).__name__}")
        return
    if versions[0].props.get("namespace") != versions[1].props.get("namespace"):
        yield Violation("", "another namespace is another record")
    for reader, writer, way in ((versions[1], versions[0], "new reads old"), (*versions, "old reads new")):
        checker = ReaderWriterCompatibilityChecker()  # type: ignore[no-untyped-call] # avro annotates all but this
        result = checker.get_compatibility(reader, writer)
        if result.compatibility is not SchemaCompatibilityType.compatible:
            kinds = ", ".join(sorted(str(getattr(kind, "value", kind)) for kind in result.incompatibilities))
            yield Violation(", ".join(sorted(result.locations)), f"not compatible ({way}): {kinds}")
