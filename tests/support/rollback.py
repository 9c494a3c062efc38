"""A small site in memory and on disk, whose every release would have other numbers if it were made again.

Each state of its files and topics is kept, so that a test can lose them or put them back in any combination.
"""

import copy
import datetime as dt
import hashlib
import itertools
import shutil
import threading
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Self

from anonymizer.budget.account import BudgetScope, Charge, Opened
from connectors.adapters.budget_store import BudgetStore, SiteBudget
from connectors.adapters.release_ledger import ReleaseLedger
from connectors.operations.release_backup import make_backup
from connectors.operations.release_files import ReleaseFiles
from schemas.identifiers import ReleaseId, Rho
from schemas.trend import TrendRow
from streams.core.releasing.release_comparison import budget_id
from streams.core.releasing.release_decision import Cells, EarlierRelease, Publish, ReleaseDecision
from streams.core.releasing.released_rows import ReleaseHeader
from streams.release import release_process
from streams.release.release_ports import ReleaseDeps, Tick
from streams.transparency.decision import Decision
from streams.transparency.log_storage import AuditStorage
from tests.support.audit import PRIVATE
from tests.support.bus import MemoryBus
from tests.support.releases import a_row, a_withhold

__all__ = ["NOW", "Broker", "Process", "States", "day", "history"]

POLICY: Final = "policy"
GRANTED: Final = 1_000
NOW: Final = 3
"""Number of ticks that were served."""

_DRAWN = itertools.count(100)
"""No two decisions have the same numbers: a release that is made again shows."""


def day(tick: int) -> dt.date:
    """Return the date of a tick, counted from 1."""
    return dt.date(2024, tick, 20)


class Broker(MemoryBus):
    """Topics in memory on which the process's reports come back, as on the real topic `audit`."""

    def report(self, decision: Decision) -> None:
        super().report(decision)
        self.audit.append(replace(decision, source=f"audit/0/{len(self.audit)}"))

    def beside(self) -> "Broker":
        other = Broker(())
        for name in ("calendar", "audit", "feeds_by_region", "announcements", "reports", "_epochs"):
            setattr(other, name, getattr(self, name))
        return other

    def rows(self) -> dict[tuple[str, bytes], set[str]]:
        """Return every text of every row by its region and key."""
        found: dict[tuple[str, bytes], set[str]] = {}
        for region, records in self.feeds_by_region.items():
            for key, row in records:
                found.setdefault((region, key), set()).add(repr(row))
        return found

    def draws(self) -> dict[str, set[str]]:
        """Return the digests of draws that were announced, by release."""
        found: dict[str, set[str]] = {}
        for release, pattern in self.announcements:
            found.setdefault(release, set()).add(pattern)
        return found


@dataclass(slots=True)
class Process:
    """One release process on the files of `home`; `begin`, then `serve`."""

    home: Path
    bus: MemoryBus
    _deps: ReleaseDeps = field(init=False)

    def __enter__(self) -> Self:
        files = ReleaseFiles(self.home)
        ledger = ReleaseLedger.open(files.ledger)
        log = AuditStorage.open(files.log.directory, PRIVATE)
        self._deps = ReleaseDeps(self.bus, log, ledger, SiteBudget(files.budget), self._plan, POLICY, "code")
        return self

    def __exit__(self, *_: object) -> None:
        self.bus.close()
        self._deps.ledger.close()
        self._deps.log.close()

    def begin(self) -> None:
        """Start the process."""
        release_process.begin(self._deps, threading.Event())

    def serve(self, tick: int) -> None:
        """Read the topic `audit` to its end, and serve a tick."""
        release_process._drain(self._deps)
        release_process.serve(self._deps, Tick(tick - 1, f"t{tick}", day(tick), 5.0), threading.Event())

    def _plan(self, _: Cells, as_of: dt.date, earlier: Sequence[EarlierRelease]) -> Sequence[ReleaseDecision]:
        known = {row.release for one in earlier for row in one.rows}
        planned: list[ReleaseDecision] = []
        with closing(BudgetStore.open(ReleaseFiles(self.home).budget)) as budget:
            for tick in range(1, as_of.month + 1):
                if f"r{tick}" not in known:
                    planned += [_exact(tick), a_withhold(f"r{tick}", window=f"{2000 + tick}"), _noisy(tick, budget)]
        return planned


def _exact(tick: int) -> Publish:
    header = ReleaseHeader(ReleaseId(f"r{tick}"), day(tick), "cases", f"{2000 + tick}", 0)
    return Publish(header, "suppression", f"{next(_DRAWN):064x}", _feeds(header, next(_DRAWN)), {})


def _noisy(tick: int, budget: BudgetStore) -> Publish:
    header = ReleaseHeader(ReleaseId(f"n{tick}"), day(tick), "referrals", f"{2000 + tick}", 0)
    scope = BudgetScope("referral", header.year)
    charge = Charge(budget_id("referral", header.window, 0), scope, POLICY, 0, header.window, Rho(7))
    drawn = budget.spend(Opened(scope, POLICY, Rho(GRANTED), 1), charge, lambda _: str(next(_DRAWN)).encode())
    certificate = {"kind": "referral", "rho_ppb": "7", "granted_ppb": str(GRANTED), "windows": "1", "policy": POLICY}
    return Publish(header, "dp", hashlib.sha256(drawn).hexdigest(), _feeds(header, int(drawn)), certificate)


def _feeds(header: ReleaseHeader, value: int) -> Mapping[str, tuple[TrendRow, ...]]:
    row = a_row(release=header.release, population=header.population, period=header.window, value=value)
    return {region: (a_row(**{**row.record(), "scheme": region, "region": region}),) for region in ("levant", "pave")}


@dataclass(frozen=True, slots=True)
class States:
    """Files and topics after 0, 1, … ticks; a backup was made after each of them but the first."""

    folder: Path
    topics: Sequence[Broker]

    def files(self, tick: int) -> Path:
        """Return the data directory as it was after a tick."""
        return self.folder / str(tick)

    def backup(self, tick: int) -> Path:
        """Return the backup that was made after a tick."""
        return self.folder / f"backup-{tick}"

    def assemble(self, home: Path, *, ledger: int | None, log: int | None, budget: int | None) -> Path:
        """Make a data directory of files from different states; None is a file that is lost."""
        (home / "ledger").mkdir(parents=True)
        for name, tick in (("ledger", ledger), ("budget", budget)):
            if tick is not None:
                for path in (self.files(tick) / "ledger").glob(f"{name}.sqlite*"):
                    shutil.copy(path, home / "ledger")
        if log is not None:
            shutil.copytree(self.files(log) / "audit", home / "audit")
        return home

    def broker(self, feeds: int | None) -> Broker:
        """Return the topics of today, with feeds and announcements as they were after a tick, or without them."""
        now = copy.deepcopy(self.topics[NOW])
        past = Broker(()) if feeds is None else copy.deepcopy(self.topics[feeds])
        now.feeds_by_region, now.announcements = past.feeds_by_region, past.announcements
        return now


def history(folder: Path) -> States:
    """Let a process serve its ticks, and keep every state."""
    home, bus, topics = folder / "live", Broker(()), []
    (home / "ledger").mkdir(parents=True)
    for tick in range(NOW + 1):
        if tick:
            with Process(home, bus) as process:
                process.begin()
                process.serve(tick)
            make_backup(home, folder / f"backup-{tick}", PRIVATE)
        shutil.copytree(home, folder / str(tick))
        topics.append(copy.deepcopy(bus))
    return States(folder, topics)
