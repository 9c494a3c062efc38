"""The files of the release process, at a site and in a backup: ledger, budget and audit log, and what they tell.

Purpose: one layout for both, so that one may take the place of the other.
Called by: `connectors.operations.release_backup` and `release_restore`.

Invariants:
- Reading changes nothing.
"""

from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from connectors.adapters.budget_store import SITE_FILE, BudgetStore
from connectors.adapters.release_ledger import LEDGER_FILE, ReleaseLedger
from streams.core.releasing.release_comparison import BudgetAnchor, BudgetBooks, Claim
from streams.release import agreement
from streams.transparency import log_verification
from streams.transparency.decision import Decision, release_identity
from streams.transparency.log_files import AuditFiles

__all__ = ["LogRecords", "ReleaseFiles"]


@dataclass(frozen=True, slots=True)
class LogRecords:
    """What a log tells of releases: the record of each entry, and the last record about the budget.

    Args:
        releases: `release|withheld table` -> its record.
        budget: the last record of the budget's state, None if there was none.
    """

    releases: Mapping[str, Decision]
    budget: Decision | None

    @classmethod
    def of(cls, decisions: Iterable[Decision]) -> "LogRecords":
        """Return what decisions tell, in the order of the log."""
        releases, budget = {}, None
        for one in decisions:
            if identity := release_identity(one):
                releases[identity] = one
            elif one.action == "budget" and one.source is None:
                budget = one
        return cls(releases, budget)

    @property
    def claims(self) -> dict[str, Claim]:
        """The digests of each entry."""
        return agreement.log_claims(self.releases.values())

    @property
    def anchor(self) -> BudgetAnchor | None:
        """The budget's state that the log was told last."""
        return agreement.anchor_of(self.budget)

    @property
    def draws(self) -> dict[str, str]:
        """The SHA-256 of the draw of every noisy release, by its name in the budget."""
        return agreement.noisy_draws(self.releases.values())


@dataclass(frozen=True, slots=True)
class ReleaseFiles:
    """The files below one folder, a data directory or a backup."""

    home: Path

    @property
    def ledger(self) -> Path:
        """Path of the release ledger."""
        return self.home.joinpath(*LEDGER_FILE)

    @property
    def budget(self) -> Path:
        """Path of the privacy budget; there is none if nothing was ever released under differential privacy."""
        return self.home.joinpath(*SITE_FILE)

    @property
    def log(self) -> AuditFiles:
        """Paths of the audit log."""
        return AuditFiles(self.home / "audit")

    def ledger_claims(self) -> dict[str, Claim]:
        """Return the digests of every entry of the ledger.

        Raises:
            IntegrityError: INT-100, there is no ledger, or it cannot be read.
        """
        with closing(ReleaseLedger.read(self.ledger)) as ledger:
            return ledger.claims()

    def books(self) -> BudgetBooks:
        """Return the state of the budget, an empty one if there is no file; raises as `BudgetStore.books`."""
        if not self.budget.exists():
            return BudgetBooks()
        with closing(BudgetStore.read(self.budget)) as budget:
            return budget.books()

    def log_records(self, public: bytes) -> LogRecords:
        """Verify the log against its public key, and return what it tells.

        Raises:
            IntegrityError: INT-112 to INT-127, the log is not whole.
        """
        log_verification.verify(self.log.directory, public)
        return LogRecords.of(entry for _, entry in log_verification.entries(self.log.directory))
