"""Schema ids of a site: the file that provisioning writes, and the allow-list that every process makes of it.

Purpose: give processes the ids of the topics' schemas without a request to the registry. An id is a label. What the
bytes under it mean is said by the shipped schema whose digest stands beside it.
Called by: `amana.provisioning` writes; workers, publishers, the feed and the services read at their start.

    allowed = schema_ids.allow_list(cluster.schema_ids, ["outcome"]).allowed("outcome")
    record = codec.decode(value, allowed)

Invariants:
- An id is readable only if the digest beside it is that of a shipped schema; any other line is ignored.
- An id keeps its schema for ever, and a schema its id: the topics hold records that were written with it, and running
  processes know no other. A registry that gives another id later changes nothing.
- The file is replaced whole or not at all.
"""

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Self

from schemas import catalogue, parsing
from schemas.errors import ConfigurationError
from schemas.parsing import Parsed

__all__ = ["FILE", "AllowList", "allow_list", "lacking", "record"]

FILE: Final = ("public", "schema-ids.json")
"""Place of the file below a site's folder; an agency's machine has a copy beside its other public files."""

_LARGEST_ID: Final = (1 << 32) - 1  # the wire format has four bytes for it
_CURE: Final = "run `amana provision` for an existing cluster, `amana up` for a local one, or copy the file anew"


@dataclass(frozen=True, slots=True)
class AllowList:
    """Schema ids that a process may write and read; made once at start.

    Args:
        current: stem -> id of the shipped schema.
        readable: stem -> id -> writer schema.
    """

    current: Mapping[str, int]
    readable: Mapping[str, Mapping[int, Parsed]]

    def id_of(self, stem: str) -> int:
        """Return the id under which records of the shipped schema `stem` are written."""
        return self.current[stem]

    def allowed(self, stem: str) -> Mapping[int, Parsed]:
        """Return the writer schemas that `codec.decode` may use on a topic whose schema is `stem`, by id."""
        return self.readable[stem]


@dataclass(frozen=True, slots=True)
class _RegisteredSchema:
    """One line of the file: the id that a registry gave to a schema of a subject, by the digest of its text."""

    subject: str
    id: int
    sha256: str

    @classmethod
    def of(cls, line: Mapping[str, Any]) -> Self:
        """Read a line; a TypeError or a ValueError where its types or its range are others."""
        subject, number, sha256 = line["subject"], line["id"], line["sha256"]
        if not isinstance(subject, str) or not isinstance(sha256, str) or type(number) is not int:
            raise TypeError
        if not 0 <= number <= _LARGEST_ID:
            raise ValueError
        return cls(subject, number, sha256)


def allow_list(file: Path, stems: Iterable[str] = catalogue.STEMS) -> AllowList:
    """Return the allow-list for `stems`: the recorded ids of the shipped schemas.

    Args:
        file: the file of schema ids.
        stems: stems of the schemas that the caller writes or reads.

    Raises:
        ConfigurationError: CFG-042, the file has no id of a shipped schema, or is not there; CFG-250, it is no such
            file.
    """
    recorded = _ids(_read(file))
    current: dict[str, int] = {}
    readable: dict[str, Mapping[int, Parsed]] = {}
    for schema in map(catalogue.load, stems):
        number = recorded.get(_key(schema))
        if number is None:
            message = f"{file} holds no id of the shipped schema {schema.subject}: {_CURE}"
            raise ConfigurationError("CFG-042", message, field=schema.subject)
        current[schema.stem] = number
        readable[schema.stem] = MappingProxyType({number: schema.parsed})
    return AllowList(MappingProxyType(current), MappingProxyType(readable))


def lacking(file: Path) -> tuple[str, ...]:
    """List the subjects of the shipped schemas of which the file has no id; raises CFG-250 as `allow_list`."""
    recorded = _ids(_read(file))
    schemas = map(catalogue.load, catalogue.STEMS)
    return tuple(schema.subject for schema in schemas if _key(schema) not in recorded)


def record(file: Path, ids: Mapping[str, int]) -> None:
    """Add the ids that a registry gave to shipped schemas of which the file has none yet.

    Args:
        file: the file of schema ids; made if it is not there.
        ids: stem -> id.

    Raises:
        ConfigurationError: CFG-250, the file is no such file; CFG-251, an id stands for another schema of its subject
            already; CFG-004, the file cannot be written.
    """
    lines = _read(file)
    before = len(lines)
    recorded, taken = _ids(lines), {(line.subject, line.id) for line in lines}
    for stem, number in ids.items():
        schema = catalogue.load(stem)
        if _key(schema) in recorded:
            continue
        # Records of the earlier schema lie on the topic under this id, and would be read by the new one.
        if (schema.subject, number) in taken:
            message = f"the registry gives {schema.subject} the id {number}, which stands for another schema of it"
            raise ConfigurationError("CFG-251", f"{message}: use another registry", field=schema.subject)
        lines.append(_RegisteredSchema(schema.subject, number, _key(schema)[1]))
    if len(lines) == before:
        return
    try:
        _replace(file, json.dumps({"schemas": [asdict(line) for line in lines]}, indent=1) + "\n")
    except OSError as error:
        raise ConfigurationError("CFG-004", f"{file} cannot be written: {error.strerror}") from error


def _key(schema: catalogue.Schema) -> tuple[str, str]:
    """Return subject and digest; the layout of a schema's text is no part of its digest, as for a registry."""
    return schema.subject, parsing.digest(schema.text)


def _ids(lines: Iterable[_RegisteredSchema]) -> dict[tuple[str, str], int]:
    """Return (subject, digest) -> id."""
    return {(line.subject, line.sha256): line.id for line in lines}


def _read(file: Path) -> list[_RegisteredSchema]:
    """Return the lines of the file in their order; none where it does not exist."""
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        return [_RegisteredSchema.of(line) for line in document["schemas"]]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise ConfigurationError("CFG-250", f"{file} is no file of schema ids: {_CURE}") from error


def _replace(file: Path, text: str) -> None:
    """Write a public file whole or not at all."""
    temporary = file.with_name(f".{file.name}")
    with temporary.open("w", encoding="utf-8") as written:
        written.write(text)
        written.flush()
        os.fsync(written.fileno())
    temporary.chmod(0o644)
    temporary.replace(file)
