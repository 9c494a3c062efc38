"""Report of one publication: one JSON line per row, and the counts.

Purpose: tell the agency about each row whether it was `accepted` (published by this run), `already` published by an
earlier run, or `refused`.
Called by: `connectors.ingest.file_publisher`; `amana.publisher` hands the summary out, and `amana publish` prints it.

Invariants:
- An entry holds the row's line and status, its partition and offset, or the field and code of the refusal; never a
  value.
- The report appears whole at the end of a run, in the order of the file, or not at all.
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from connectors.adapters import local_files
from schemas.errors import ContractError

__all__ = ["PublishReport", "PublishSummary"]


@dataclass(frozen=True, slots=True)
class PublishSummary:
    """Result of one publication: counts of rows by status, of refusals by code and field, and the time it took.

    Args:
        agency: id of the agency.
        kind: kind of the events.
        mapping: name and version of the column mapping.
        digest: SHA-256 of the unpacked file, in hex.
        rows: rows of the file.
        accepted: rows that this run published.
        already: rows that an earlier run published.
        refused: rows that stay at the agency.
        refusals: code and field -> refused rows.
        report: path of the report.
        seconds: time from the start to the end of the run.
    """

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
        """True if every row is published."""
        return not self.refused

    def as_dict(self) -> dict[str, Any]:
        """Return the summary as a JSON object."""
        names = ("agency", "kind", "mapping", "digest", "rows", "accepted", "already", "refused")
        plain = {name: getattr(self, name) for name in names}
        return plain | {
            "refusals": dict(self.refusals),
            "report": str(self.report),
            "seconds": round(self.seconds, 3),
        }


@dataclass(slots=True)
class PublishReport:
    """Collects the entries of one publication; `statuses` and `refusals` count them."""

    path: Path
    statuses: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    _lines: list[tuple[int, str]] = field(default_factory=list)

    def refused(self, line: int, fault: ContractError) -> None:
        """Add a row that stays at the agency."""
        self.refusals[f"{fault.code} {fault.field}" if fault.field else fault.code] += 1
        self._add(line, "refused", field=fault.field, code=fault.code)

    def published(self, line: int, partition: int, offset: int, *, already: bool) -> None:
        """Add a row that is on the broker; `already` if an earlier run published it."""
        self._add(line, "already" if already else "accepted", partition=partition, offset=offset)

    def write(self) -> None:
        """Write the report in the order of the file, in one step.

        Raises:
            OSError: the disk refuses.
        """
        temporary = self.path.with_name(f".{self.path.name}")
        with open(temporary, "w", encoding="utf-8", opener=local_files.create_private) as out:
            out.writelines(text + "\n" for _, text in sorted(self._lines))
        temporary.replace(self.path)  # a reader sees the old report or the new one

    def _add(self, line: int, status: str, **details: object) -> None:
        self.statuses[status] += 1
        self._lines.append((line, json.dumps({"line": line, "status": status, **details})))
