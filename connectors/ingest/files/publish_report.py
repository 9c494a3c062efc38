"""The report of one publication: a line of JSON per row, and the counts.

Decides the words: `accepted` (published now), `already` (published by an earlier run), `refused`. A row's entry holds
its line, status, place on the broker, and for a refusal the field and the code, never a value.
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from schemas.errors import ContractError

__all__ = ["PublishReport", "PublishSummary"]


@dataclass(frozen=True, slots=True)
class PublishSummary:
    """What became of a file's rows; `refusals` counts them by code and field, `seconds` is the time it took."""

    agency: str
    kind: str
    mapping: str
    digest: str
    rows: int
    accepted: int
    already: int
    refused: int
    refusals: Mapping[str, int]
    report: Path
    seconds: float = 0.0

    @property
    def complete(self) -> bool:
        """Tell whether every row went through."""
        return not self.refused

    def as_dict(self) -> dict[str, Any]:
        """Return the summary as JSON takes it."""
        names = ("agency", "kind", "mapping", "digest", "rows", "accepted", "already", "refused")
        taken = {name: getattr(self, name) for name in names}
        rest = {"refusals": dict(self.refusals), "report": str(self.report), "seconds": round(self.seconds, 3)}
        return taken | rest


@dataclass(slots=True)
class PublishReport:
    """Collects the rows of one publication and writes them, whole, at its end."""

    path: Path
    statuses: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    _lines: list[tuple[int, str]] = field(default_factory=list)

    def refused(self, line: int, fault: ContractError) -> None:
        """Note a row that stays at the agency."""
        self.refusals[f"{fault.code} {fault.field}" if fault.field else fault.code] += 1
        self._note(line, "refused", field=fault.field, code=fault.code)

    def published(self, line: int, partition: int, offset: int, *, already: bool) -> None:
        """Note a row that is on the broker."""
        self._note(line, "already" if already else "accepted", partition=partition, offset=offset)

    def write(self) -> None:
        """Write the report in the order of the file, in one step."""
        temporary = self.path.with_name(f".{self.path.name}")
        with temporary.open("w", encoding="utf-8") as out:
            out.writelines(text + "\n" for _, text in sorted(self._lines))
        temporary.replace(self.path)

    def _note(self, line: int, status: str, **rest: object) -> None:
        self.statuses[status] += 1
        self._lines.append((line, json.dumps({"line": line, "status": status, **rest})))
