"""The encoder of output records: Avro under the schema ids of the site's file.

Purpose: the one place in which a stage gives a record its schema id.
Called by: `streams.stages.dedupe`, `streams.stages.deidentify` and `streams.stages.deidentify_outputs`.

Invariants:
- Every record of one process has the schema id that the file gave at its start.
"""

from collections.abc import Mapping
from typing import Any

from schemas import catalogue, codec

__all__ = ["RecordEncoder"]


class RecordEncoder:
    """Encodes records of this project's own schemas.

    Args:
        ids: Schema id to write with, by stem (`delta`).
    """

    def __init__(self, ids: Mapping[str, int]) -> None:
        self._ids = ids

    def encode(self, stem: str, record: Mapping[str, Any]) -> bytes:
        """Return a record of the schema `stem` in its wire form."""
        return codec.encode(self._ids[stem], catalogue.load(stem).parsed, record)
