"""Which schemas are safe to decode with: refused at registration and again when loaded from the registry.

Decides the bounds of a writer schema. Does not judge a schema's meaning or its compatibility (`schemas.evolution`).

- No recursion: a five-kilobyte message of a self-referencing record ends a process.
- No array or map whose items may cost no bytes: five bytes would claim twenty million of them.
- Depth, number of fields (names written out), symbols, bytes of a fixed and length of the text are bounded.

Source: the Avro bombs measured against fastavro 1.13.1, see `docs/reference/contracts.md`.
"""

from collections.abc import Mapping
from typing import Any

from schemas import walk
from schemas.errors import ContractError

__all__ = ["MOST_BYTES", "MOST_CHARACTERS", "MOST_DEPTH", "MOST_NODES", "MOST_SYMBOLS", "check", "findings"]

MOST_CHARACTERS = 256 * 1024
MOST_DEPTH = 16
MOST_BYTES = 16 * 1024
"""Bytes of a fixed: no more than a text may have."""

MOST_SYMBOLS = 1024
"""Symbols of an enum: several times the longest list of countries."""

MOST_NODES = 1024
"""Fields that one record may show when every name in it is written out; a chain of names doubles at each link."""


def check(schema: Any, named: Mapping[str, Any]) -> None:  # noqa: ANN401 - an Avro schema is any JSON value
    """Refuse an unsafe schema; `schema` and `named` as fastavro parses them (full names).

    Raises:
        ContractError: CON-005, with the first finding.
    """
    for finding in findings(schema, named):
        raise ContractError("CON-005", f"the schema is unsafe to decode with: {finding}")


def findings(schema: Any, named: Mapping[str, Any]) -> tuple[str, ...]:  # noqa: ANN401 - as above
    """Return one sentence per unsafe place."""
    survey = _Survey(named)
    depth, nodes = survey.measure(schema)
    if depth > MOST_DEPTH:
        survey.found.append(f"nested deeper than {MOST_DEPTH}")
    if nodes > MOST_NODES:
        survey.found.append(f"more than {MOST_NODES} fields when written out")
    return tuple(survey.found)


class _Survey:
    """Measures a schema; every name is measured once, however often it is used."""

    def __init__(self, named: Mapping[str, Any]) -> None:
        self.named = named
        self.found: list[str] = []
        self.known: dict[str, tuple[int, int]] = {}
        self.open: set[str] = set()

    def measure(self, schema: Any) -> tuple[int, int]:  # noqa: ANN401 - as above
        """Return (depth, fields) of a value of `schema`, arrays and maps with one item."""
        if isinstance(schema, list):
            measured = [self.measure(branch) for branch in schema]
            return max((depth for depth, _ in measured), default=0), sum(nodes for _, nodes in measured)
        if isinstance(schema, dict):
            return self._complex(schema)
        if schema in self.open:
            self.found.append(f"{schema} contains itself")
            return 0, 0
        if schema in self.named and schema not in self.known:
            self.known[schema] = self._complex(self.named[schema])
        return self.known.get(schema, (0, 0))

    def _complex(self, schema: Mapping[str, Any]) -> tuple[int, int]:
        match schema["type"]:
            case "record" | "error":
                return self._record(schema)
            case "array":
                return self._items(schema["items"], may_be_empty=walk.least_size(schema["items"], self.named) == 0)
            case "map":
                return self._items(schema["values"], may_be_empty=False)
            case "enum" | "fixed":
                return self._named(schema)
            case other:
                return self.measure(other)

    def _named(self, schema: Mapping[str, Any]) -> tuple[int, int]:
        """Hold an enum or a fixed to its bound; neither adds depth."""
        if len(schema.get("symbols", ())) > MOST_SYMBOLS:
            self.found.append(f"an enum of more than {MOST_SYMBOLS} symbols")
        if schema.get("size", 0) > MOST_BYTES:
            self.found.append(f"a fixed of more than {MOST_BYTES} bytes")
        return 0, 0

    def _record(self, schema: Mapping[str, Any]) -> tuple[int, int]:
        name = schema["name"]
        self.open.add(name)
        measured = [self.measure(field["type"]) for field in schema["fields"]]
        self.open.remove(name)
        depth = 1 + max((depth for depth, _ in measured), default=0)
        self.known[name] = depth, len(measured) + sum(nodes for _, nodes in measured)
        return self.known[name]

    def _items(self, items: Any, *, may_be_empty: bool) -> tuple[int, int]:  # noqa: ANN401 - as above
        if may_be_empty:
            self.found.append("an array whose items may cost no bytes")
        depth, nodes = self.measure(items)
        return depth + 1, nodes + 1
