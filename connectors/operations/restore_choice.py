"""The choice of a restore: which ledger and which log keep everything that any place knows.

Purpose: decide between the files of a site and those of a backup, or say why neither will do.
Called by: `connectors.operations.release_restore`.

Invariants:
- The site's own file is chosen wherever it is as good as that of the backup.
- A file that would forget an entry that the site, the backup or a topic knows is never chosen.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from connectors.operations.release_files import LogRecords, ReleaseFiles
from schemas.errors import IntegrityError
from streams.core.releasing import release_comparison
from streams.core.releasing.release_comparison import Claim, Places

__all__ = ["ReleaseSource", "RestoreChoice", "choose", "read_source"]


@dataclass(frozen=True, slots=True)
class ReleaseSource:
    """One folder with release files, and what it tells; None for a file that is missing or damaged."""

    name: str
    files: ReleaseFiles
    ledger: Mapping[str, Claim] | None
    log: LogRecords | None


@dataclass(frozen=True, slots=True)
class RestoreChoice:
    """The sources of ledger and log, and the regions of each entry that the topics lost."""

    ledger: ReleaseSource
    log: ReleaseSource
    lost: Mapping[str, frozenset[str]]


def read_source(name: str, files: ReleaseFiles, public: bytes) -> ReleaseSource:
    """Read one folder; what cannot be read is as if it were lost."""
    try:
        ledger: Mapping[str, Claim] | None = files.ledger_claims()
    except IntegrityError:
        ledger = None
    try:
        log: LogRecords | None = files.log_records(public)
    except (IntegrityError, OSError):
        log = None
    return ReleaseSource(name, files, ledger, log)


def choose(sources: Sequence[ReleaseSource], topics: Places) -> RestoreChoice:
    """Choose ledger and log, the site's own where possible.

    Raises:
        IntegrityError: INT-176, no choice keeps everything that is known.
    """
    reasons = []
    # The ledger of the site with each log, then that of the backup.
    for ledger, log in itertools.product(sources, sources):
        if ledger.ledger is None or log.log is None:
            lacking = "ledger" if ledger.ledger is None else "log"
            reasons.append(f"{(ledger if ledger.ledger is None else log).name} has no {lacking} that can be read")
            continue
        places = Places(ledger.ledger, log.log.claims, topics.announced, topics.feeds)
        if reason := _forgotten(places, sources):
            reasons.append(f"with the ledger of {ledger.name} and the log of {log.name}: {reason}")
            continue
        lost = release_comparison.sendable_again(places)
        if lost is not None:
            return RestoreChoice(ledger, log, lost)
        found = release_comparison.first_difference(places)
        reasons.append(f"with the ledger of {ledger.name} and the log of {log.name}: {found}")
    raise IntegrityError("INT-176", f"nothing is restored: {'; '.join(dict.fromkeys(reasons))}")


def _forgotten(places: Places, sources: Sequence[ReleaseSource]) -> str:
    """Return the sentence about an entry that some place knows and that this choice would forget; empty for none."""
    for source in sources:
        for entry, claim in (source.ledger or {}).items():
            if entry not in places.ledger or places.ledger[entry].rows != claim.rows:
                return f"release {entry.rstrip('|')} of the ledger of {source.name} would be forgotten"
        for entry, claim in (source.log.claims if source.log else {}).items():
            if entry not in places.log or places.log[entry].rows != claim.rows:
                return f"release {entry.rstrip('|')} of the log of {source.name} would be forgotten"
    return ""
