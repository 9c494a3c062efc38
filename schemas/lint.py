"""Schema lint: bounds on the writer schemas that records may be decoded with.

Purpose: refuse a schema with which a small payload could exhaust memory or stack. A schema's meaning and its
compatibility are judged by `schemas.evolution`.
Called by: `schemas.parsing`, so at registration and whenever a schema is loaded.

Rules:

- No recursion: a five-kilobyte message of a self-referencing record ends a process.
- No array whose items may cost no bytes: five bytes would claim twenty million of them. A map needs no such rule, since
  every entry has a key, which costs a byte.
- Depth, number of fields (every name written out), symbols of an enum and bytes of a fixed are bounded.

The length of a schema's text has its bound here too, but `schemas.parsing` holds the text to it, before it parses.

Invariants:
- A schema that passes nests at most half as deep as a walk may (`schemas.limits`).
- Every name is measured once, however often it is used.

Source: the Avro bombs measured against fastavro 1.13.1, see `docs/reference/contracts.md`.
"""

from collections.abc import Mapping
from typing import Any

from schemas import walk
from schemas.errors import ContractError

__all__ = ["MOST_BYTES", "MOST_CHARACTERS", "MOST_DEPTH", "MOST_NODES", "MOST_SYMBOLS", "check", "findings"]

MOST_CHARACTERS = 256 * 1024
"""Characters of a schema's text, checked in `schemas.parsing`."""

MOST_DEPTH = 16
"""Nested records, arrays and maps; half the depth that a walk allows (`schemas.limits`)."""

MOST_BYTES = 16 * 1024
"""Bytes of a fixed: as many as a text may have."""

MOST_SYMBOLS = 1024
"""Symbols of an enum: four times the list of countries."""

MOST_NODES = 1024
"""Fields of one record when every name in it is written out. Names can double at every link: thirty of them in a row
would stand for a thousand million fields."""


def check(schema: Any, named: Mapping[str, Any]) -> None:  # noqa: ANN401 - an Avro schema is any JSON value
    """Refuse an unsafe schema; `schema` and `named` as fastavro parses them (full names).

    Raises:
        ContractError: CON-005, with the first finding.
    """
    for finding in findings(schema, named):
        raise ContractError("CON-005", f"the schema is unsafe to decode with: {finding}")


def findings(schema: Any, named: Mapping[str, Any]) -> tuple[str, ...]:  # noqa: ANN401 - as above
    """Return one sentence for every unsafe place of a schema."""
    survey = _Survey(named)
    depth, nodes = survey.measure(schema)
    if depth > MOST_DEPTH:
        survey.findings.append(f"nested deeper than {MOST_DEPTH}")
    if nodes > MOST_NODES:
        survey.findings.append(f"more than {MOST_NODES} fields when written out")
    return tuple(survey.findings)


class _Survey:
    """Measures a schema; every name is measured once, however often it is used."""

    def __init__(self, named: Mapping[str, Any]) -> None:
        self.named = named
        self.findings: list[str] = []
        self.measured: dict[str, tuple[int, int]] = {}
        self.open: set[str] = set()  # names within whose definition the survey is

    def measure(self, schema: Any) -> tuple[int, int]:  # noqa: ANN401 - as above
        """Return (depth, fields) of a value of `schema`, arrays and maps with one item."""
        if isinstance(schema, list):
            measured = [self.measure(branch) for branch in schema]
            return max((depth for depth, _ in measured), default=0), sum(nodes for _, nodes in measured)
        if isinstance(schema, dict):
            return self._complex(schema)
        if schema in self.open:
            self.findings.append(f"{schema} contains itself")
            return 0, 0
        if schema in self.named and schema not in self.measured:
            self.measured[schema] = self._complex(self.named[schema])
        return self.measured.get(schema, (0, 0))

    def _complex(self, schema: Mapping[str, Any]) -> tuple[int, int]:
        match schema["type"]:
            case "record" | "error":
                return self._record(schema)
            case "array":
                return self._items(schema["items"], may_be_empty=walk.least_size(schema["items"], self.named) == 0)
            case "map":
                return self._items(schema["values"], may_be_empty=False)
            case "enum" | "fixed":
                if len(schema.get("symbols", ())) > MOST_SYMBOLS:
                    self.findings.append(f"an enum of more than {MOST_SYMBOLS} symbols")
                if schema.get("size", 0) > MOST_BYTES:
                    self.findings.append(f"a fixed of more than {MOST_BYTES} bytes")
                return 0, 0
            case other:
                return self.measure(other)

    def _record(self, schema: Mapping[str, Any]) -> tuple[int, int]:
        name = schema["name"]
        self.open.add(name)
        measured = [self.measure(field["type"]) for field in schema["fields"]]
        self.open.remove(name)
        depth = 1 + max((depth for depth, _ in measured), default=0)
        self.measured[name] = depth, len(measured) + sum(nodes for _, nodes in measured)
        return self.measured[name]

    def _items(self, items: Any, *, may_be_empty: bool) -> tuple[int, int]:  # noqa: ANN401 - as above
        if may_be_empty:
            self.findings.append("an array whose items may cost no bytes")
        depth, nodes = self.measure(items)
        return depth + 1, nodes + 1
