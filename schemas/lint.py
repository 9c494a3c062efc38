"""Which schemas are safe to decode with: refused at registration and again when loaded from the registry.

Decides the bounds of a writer schema. Does not judge a schema's meaning or its compatibility (`schemas.evolution`).

- No recursion: a five-kilobyte message of a self-referencing record ends a process.
- No array or map whose items may cost no bytes: five bytes would claim twenty million of them.
- Depth, number of fields and length of the text are bounded.

Source: the Avro bombs measured against fastavro 1.13.1, see `docs/reference/contracts.md`.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from schemas import limits
from schemas.errors import ContractError

__all__ = ["MOST_CHARACTERS", "MOST_DEPTH", "MOST_FIELDS", "check", "findings"]

MOST_CHARACTERS = 256 * 1024
MOST_DEPTH = 16
MOST_FIELDS = 512


def check(schema: Any, named: Mapping[str, Any]) -> None:  # noqa: ANN401 - an Avro schema is any JSON value
    """Refuse an unsafe schema; `schema` and `named` as fastavro parses them (full names).

    Raises:
        ContractError: CON-005, with the first finding.
    """
    for finding in findings(schema, named):
        raise ContractError("CON-005", f"the schema is unsafe to decode with: {finding}")


def findings(schema: Any, named: Mapping[str, Any]) -> Iterator[str]:  # noqa: ANN401 - as above
    """Yield one sentence per unsafe place."""
    fields = sum(len(one["fields"]) for one in named.values() if "fields" in one)
    if fields > MOST_FIELDS:
        yield f"{fields} fields, at most {MOST_FIELDS} are allowed"
    yield from _visit(schema, named, ())


def _visit(schema: Any, named: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:  # noqa: ANN401 - as above
    if len(path) > MOST_DEPTH:
        yield f"nested deeper than {MOST_DEPTH}"
        return
    if isinstance(schema, list):
        for branch in schema:
            yield from _visit(branch, named, path)
    elif isinstance(schema, dict):
        yield from _inside(schema, named, path)
    elif schema in named:
        if schema in path:
            yield f"{schema} contains itself"
        else:
            yield from _visit(named[schema], named, path)


def _inside(schema: Mapping[str, Any], named: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    kind = schema["type"]
    if kind in ("record", "error"):
        for field in schema["fields"]:
            yield from _visit(field["type"], named, (*path, schema["name"]))
    elif kind in ("array", "map"):
        items = schema["items" if kind == "array" else "values"]
        if kind == "array" and limits.least_size(items, named) == 0:
            yield "an array whose items may cost no bytes"
        yield from _visit(items, named, (*path, kind))
    elif kind not in ("enum", "fixed"):
        yield from _visit(kind, named, path)
