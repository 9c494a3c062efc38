"""Strict JSON objects: an object that names a key twice is refused.

Purpose: the meaning of such an object depends on who reads it: most parsers take the last value, some the first, so
that a check and a later step may see two different records.
Called by: `connectors.ingest.files.row_reader`, `amana redact`.

Invariants:
- A key that occurs twice, at any depth, is an error of its own type; everything else is as `json.loads`.
"""

import json
from typing import Any

__all__ = ["RepeatedKeyError", "loads"]


class RepeatedKeyError(ValueError):
    """A JSON object names a key twice; the key is not told, as it may be a person's data."""


def loads(text: str | bytes) -> Any:  # noqa: ANN401 - JSON
    """Parse JSON.

    Raises:
        RepeatedKeyError: an object has a key twice.
        ValueError, RecursionError: as `json.loads`.
    """
    return json.loads(text, object_pairs_hook=_object)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise RepeatedKeyError("an object names a key twice")
    return made
