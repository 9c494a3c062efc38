"""The report of the demonstration: every row from an agency's file to its outcome, reconciled.

Purpose: hold the figures and check that they add up; `amana.demo.run` gathers them.
Called by: `amana.demo.run`, `amana demo`.

Invariants:
- Rows read = refused + published, and published = the sum of all outcomes; `difference` says by how much this fails.
- Totals may be shown to anybody; the figures of one agency are for the operator alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from amana.publisher import PublishSummary

__all__ = ["FIGURES", "AgencyAccount", "DemoReport"]

FIGURES: Mapping[str, str] = {
    "counted": "counted",
    "duplicate": "duplicates",
    "superseded": "superseded",
    "withdrawn": "withdrawn",
    "out_of_scope": "out_of_scope",
    "late": "late",
    "quarantined": "quarantined",
}
"""Outcome of a record → its figure in the report, in the order in which people ask for them."""


@dataclass(slots=True)
class AgencyAccount:
    """The figures of one agency, in rows or records."""

    rows_read: int = 0
    refused: int = 0
    published: int = 0
    outcomes: dict[str, int] = field(default_factory=lambda: dict.fromkeys(FIGURES, 0))

    def add_publication(self, summary: PublishSummary) -> None:
        """Add one file's publication."""
        self.rows_read += summary.rows
        self.refused += summary.refused
        self.published += summary.accepted + summary.already

    def add_outcomes(self, outcomes: Mapping[str, int]) -> None:
        """Add the outcomes of published records."""
        for outcome, count in outcomes.items():
            self.outcomes[outcome] += count

    def add(self, other: "AgencyAccount") -> None:
        """Add another agency's figures."""
        self.rows_read += other.rows_read
        self.refused += other.refused
        self.published += other.published
        self.add_outcomes(other.outcomes)

    @property
    def admitted(self) -> int:
        """Return the number of records that contract, consent and calendar admitted."""
        return self.published - self.outcomes["quarantined"] - self.outcomes["late"]

    @property
    def difference(self) -> int:
        """Return the number of rows and records without exactly one outcome; unless it is 0, the demo has failed."""
        return abs(self.rows_read - self.refused - self.published) + abs(self.published - sum(self.outcomes.values()))

    def as_dict(self) -> dict[str, int]:
        """Return the figures under the names of the report."""
        return {
            "rows_read": self.rows_read,
            "refused": self.refused,
            "published": self.published,
            "admitted": self.admitted,
            **{FIGURES[outcome]: count for outcome, count in self.outcomes.items()},
            "difference": self.difference,
        }


@dataclass(slots=True)
class DemoReport:
    """The figures of the whole demo: accounts by agency, counts of the release, and seconds by stage."""

    accounts: dict[str, AgencyAccount] = field(default_factory=dict)
    deidentified: int = 0
    cells: int = 0
    released: int = 0
    suppressed: int = 0
    withheld: int = 0
    seconds: dict[str, float] = field(default_factory=dict)

    def account(self, agency: str) -> AgencyAccount:
        """Return the account of an agency, opened at its first use."""
        return self.accounts.setdefault(agency, AgencyAccount())

    @property
    def total(self) -> AgencyAccount:
        """Return the sum over all agencies."""
        total = AgencyAccount()
        for account in self.accounts.values():
            total.add(account)
        return total

    def as_dict(self) -> dict[str, Any]:
        """Return the totals, as `report.json` holds them."""
        return {
            **self.total.as_dict(),
            "deidentified": self.deidentified,
            "cells": self.cells,
            "released": self.released,
            "suppressed": self.suppressed,
            "withheld": self.withheld,
            "seconds": {stage: round(taken, 2) for stage, taken in self.seconds.items()},
        }

    def by_agency(self) -> dict[str, Any]:
        """Return the figures of each agency, for the operator alone."""
        return {agency: account.as_dict() for agency, account in sorted(self.accounts.items())}
