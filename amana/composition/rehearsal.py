"""A rehearsal of a release: planned and attacked on the real state, and nothing of it kept or published.

Purpose: what a date, or a policy that is not in force yet, would release. It needs the secrets of the release process;
the release ledger and the budget are copied, so that that process goes on meanwhile and no charge or draw remains.
Called by: `amana release --rehearsal`, `amana policy propose`.

1. Copy the ledger and the budget into a folder of their own inside the site's, readable by its owner alone.
2. Read the exact cells.
3. Plan and attack as the release process does, with the copied budget.
4. Delete the copies.

Invariants:
- Ledger, budget, log and topics are as they were.
- A copy that was taken while the release process wrote is taken again.
"""

import datetime as dt
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from amana.composition.release_connection import PRINCIPAL
from amana.composition.release_parts import planner
from amana.site import Site
from anonymizer.governance.policy_timeline import PolicyTimeline
from connectors.adapters.budget_store import SITE_FILE
from connectors.adapters.release_ledger import ReleaseLedger
from connectors.operations import exact_cells
from connectors.operations.calendar_tick import TickAnswer
from schemas.errors import ConfigurationError, DisclosureError
from streams.core.releasing.release_decision import Cells, Publish, ReleaseDecision
from streams.release import release_process

__all__ = ["Rehearsal", "rehearse", "rehearse_on"]

_LEDGER: Final = "ledger.sqlite"
_COPIES: Final = 20
_PAUSE_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """A release that is not made: the answer of the release process, and the verdict of the attacks on it.

    Args:
        answer: cells by population and year, or the refusal.
        attacks: number of attacks on what would be released.
        recovered: number of withheld counts that they told.
        names: the kinds of attacks, `insider` among them where every agency attacked as one.
    """

    answer: TickAnswer
    attacks: int = 0
    recovered: int = 0
    names: tuple[str, ...] = ()


def rehearse(site: Site, as_of: dt.date, policies: PolicyTimeline | None = None) -> Rehearsal:
    """Plan and attack what would be released as of a date.

    Args:
        site: the site, whose stages need not be idle: the cells are those of now.
        as_of: the date, which may lie ahead.
        policies: policies that are not in force; None for those that are.

    Raises:
        ConfigurationError: CFG-243, the ledger is being written all the time; as `Site.policies`.
        TransportError: TRA-030, the broker is out of reach.
    """
    chosen, key = policies or site.policies(), site.party("release").key("suppression")
    # 2. The others are the steps of `rehearse_on`.
    cells = exact_cells.by_agency(site.cluster(PRINCIPAL))
    return rehearse_on(site.path("ledger"), cells, as_of, (chosen, key))


def rehearse_on(folder: Path, cells: Cells, as_of: dt.date, rules: tuple[PolicyTimeline, bytes]) -> Rehearsal:
    """Plan and attack what would be released of these cells.

    Args:
        folder: the folder of ledger and budget.
        cells: cell key → persons by agency.
        as_of: the date.
        rules: the policies, and the release process's key of suppression.

    Raises:
        ConfigurationError: CFG-243, the ledger is being written all the time.
    """
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(dir=folder, prefix="rehearsal-") as name:
        # 1. A database of SQLite and its write-ahead log belong together.
        for file in (_LEDGER, SITE_FILE[-1]):
            _copy(folder, file, Path(name))
        ledger = ReleaseLedger.open(Path(name) / _LEDGER)
        earlier = ledger.earlier()
        ledger.close()
        # 3.
        try:
            decisions = planner(*rules, Path(name) / SITE_FILE[-1])(cells, as_of, earlier)
        except DisclosureError as fault:
            refusal = {"tick": "", "outcome": "refused", "code": fault.code, "reason": fault.message}
            return Rehearsal(TickAnswer.of(refusal, time.monotonic() - begun))
    done = {"tick": "", "outcome": "done", **release_process.counts_of(decisions)}
    return Rehearsal(TickAnswer.of(done, time.monotonic() - begun), *_verdict(decisions))


def _copy(folder: Path, name: str, to: Path) -> None:
    """Copy a database that another process may be writing."""
    for _ in range(_COPIES):
        files = [file for file in (folder / name, folder / f"{name}-wal") if file.exists()]
        before = _state(files)
        for file in files:
            shutil.copyfile(file, to / file.name)
        if files == [file for file in (folder / name, folder / f"{name}-wal") if file.exists()] and (
            _state(files) == before
        ):
            return
        time.sleep(_PAUSE_SECONDS)
    raise ConfigurationError("CFG-243", f"{folder / name} is being written all the time: rehearse again later")


def _state(files: Sequence[Path]) -> Mapping[str, tuple[int, int]]:
    """Return size and time of the last change by file; empty if one of them went away meanwhile."""
    try:
        return {file.name: (file.stat().st_size, file.stat().st_mtime_ns) for file in files}
    except FileNotFoundError:
        return {}


def _verdict(decisions: Sequence[ReleaseDecision]) -> tuple[int, int, tuple[str, ...]]:
    """Return the numbers of attacks and recovered counts, and the kinds; windows of one year share their attacks."""
    reports = {
        (one.header.population, one.header.year): one.certificate
        for one in decisions
        if isinstance(one, Publish) and "attack.attacks" in one.certificate
    }
    attacks = sum(int(report["attack.attacks"]) for report in reports.values())
    names = dict.fromkeys(name for report in reports.values() for name in report["attack.names"].split(", "))
    return attacks, sum(int(report["attack.recovered"]) for report in reports.values()), tuple(names)
