"""The evolution gate: which change of a schema may be made while old records, readers and promises are still there.

Decides, for an old and a new version of one schema, what is wrong with the change. Does not talk to the registry, whose
own rule FULL_TRANSITIVE knows nothing about privacy.

- Avro, both ways: the new version reads what the old one wrote, and the old one reads what the new one writes.
- Every field names its role, and a role may only get stricter.
- What was sealed stays sealed, and a new field that names a person or holds free text is sealed from its first day;
  only free text after de-identification may say `masked` instead.
- Every version is safe to decode with (`schemas.lint`).

Source: Avro 1.12 specification, "Schema Resolution"; compatibility by the official `avro` package, which ignores
namespaces, so those are compared here.
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


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing wrong with a change: where in the schema, and a sentence."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path or 'schema'}: {self.message}"


@dataclass(frozen=True, slots=True)
class _Promise:
    """What a field says about privacy; `role` is None where it names none that exists."""

    role: FieldRole | None
    sealed: bool
    masked: bool

    @property
    def guarded(self) -> bool:
        return self.sealed or (self.masked and self.role is FieldRole.FREE_TEXT)


def violations(old: str | None, new: str) -> tuple[Violation, ...]:
    """Return what is wrong with replacing the schema `old` (JSON text; None: there was none) by `new`.

    Raises:
        ContractError: CON-005, `old` is not an Avro schema; a `new` that is not one, or is unsafe, is a violation.
    """
    try:
        parsing.parse(new)
    except ContractError as error:
        return (Violation("", error.message),)
    if old is None:
        return tuple(_privacy({}, _promises(new)))
    parsing.parse(old, safe=False)
    return (*_privacy(_promises(old), _promises(new)), *_compatibility(old, new))


def _promises(text: str) -> dict[str, _Promise]:
    """Return path → promise of every field of every record in a schema."""
    return {
        path: _Promise(
            _KNOWN.get(str(field.get("role"))),
            sealed="sealed" in field and field["type"] in ("bytes", ["null", "bytes"]),  # text cannot be sealed
            masked="masked" in field,
        )
        for path, field in _fields(json.loads(text), "")
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
    """Yield what is wrong with the promises of the fields."""
    for path, now in after.items():
        if now.role is None:
            yield Violation(path, "names no privacy role")
        elif (then := before.get(path)) is None:
            if now.role in SEALED_ROLES and not now.guarded:
                yield Violation(path, f"a new field of role {now.role} must be sealed")
        else:
            yield from _weaker(path, then, now)


def _weaker(path: str, then: _Promise, now: _Promise) -> Iterator[Violation]:
    """Yield what a field promised and no longer does."""
    if (then.sealed and not now.sealed) or (then.guarded and not now.guarded):
        yield Violation(path, "was sealed or masked and would lie in clear")
    if then.role and now.role and not stricter_or_same(then.role, now.role):
        yield Violation(path, f"a role may only get stricter: {then.role} became {now.role}")


def _compatibility(old: str, new: str) -> Iterator[Violation]:
    """Yield what Avro readers of either version would stumble over."""
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
            kinds = ", ".join(sorted(str(getattr(one, "value", one)) for one in result.incompatibilities))
            yield Violation(", ".join(sorted(result.locations)), f"not compatible ({way}): {kinds}")
