"""Restore of the release process: what was lost is rebuilt equal to what is out, or the restore is refused.

Purpose: choose, for ledger and log, between the file of the site and that of a backup; rebuild a budget from the ledger
and the log; send again what the topics lost. A choice that forgets anything that any place knows is never made.
Called by: `amana restore`, tests.

1. Take the lock of the release files and the fence at the broker: nobody releases meanwhile.
2. Read the site, the backup and the topics; choose ledger and log.
3. Choose the budget, or rebuild it.
4. Put the chosen files in place; those that they replace are kept in `replaced/`.
5. Record in the audit log what was restored.
6. Send to the topics what they lost.

What cannot be rebuilt: the exact counts behind a release are in the ledger alone, and later releases cannot be
protected without them. The log's entries cannot be written anew under the old checkpoints. Both come from a backup that
knows every release that is out, or not at all.

Invariants:
- Every entry that the site, the backup or a topic knows is in the chosen ledger, with the same rows.
- No draw is made, and no budget is less charged than the releases that are out.
- A restore that was interrupted is done again from the beginning.
"""

import itertools
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, Final

from anonymizer.budget.account import BudgetScope, Charge, Opened
from connectors.adapters import release_ledger
from connectors.adapters.budget_store import BudgetStore
from connectors.adapters.release_ledger import ReleaseLedger
from connectors.operations.release_backup import Backup, copy_log
from connectors.operations.release_files import LogRecords, ReleaseFiles
from connectors.operations.restore_choice import ReleaseSource, RestoreChoice, choose, read_source
from schemas.errors import AmanaError, IntegrityError
from schemas.identifiers import Rho
from streams.core.releasing import release_comparison
from streams.core.releasing.release_comparison import Claim, Places, budget_id
from streams.core.releasing.release_decision import Publish
from streams.release import agreement
from streams.release.release_ports import ReleaseBus
from streams.transparency.decision import Decision
from streams.transparency.log_storage import AuditStorage

__all__ = ["Restorer"]

_LOCK_SECONDS: Final = 30.0
"""Longest wait for the lock: a release process that refuses its files holds it for a few seconds at each start."""

_PAUSE_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class Restorer:
    """The restore of one site.

    Args:
        home: the data directory.
        key: the raw signing key of the audit log (32 bytes).
        public: its public key.
        bus: the topics, as the principal `worker.release`.
        record: the record of the restore in the audit log, without its details.
    """

    home: Path
    key: bytes
    public: bytes
    bus: ReleaseBus
    record: Decision

    def restore(self, backup: Backup | None) -> tuple[str, ...]:
        """Restore what was lost, and return a sentence for each thing that was done; empty if nothing was lost.

        Args:
            backup: a checked backup; without one, what the site itself and the topics hold must do.

        Raises:
            IntegrityError: INT-176, it cannot be rebuilt, with the reason; INT-100, a release process is at work.
            TransportError: the brokers do not answer.
        """
        # 1. Lock and fence.
        with closing(self._locked()):
            self.bus.fence()
            # 2. Read and choose.
            topics = Places({}, {}, self.bus.announced(), self.bus.feeds())
            sources = self._sources(backup)
            choice = choose(sources, topics)
            # 3. Before anything is replaced: a budget that cannot be rebuilt refuses the restore.
            budget = self._budget(sources, choice)
            # 4. Put the files in place.
            done = [*self._place_ledger_and_log(choice), *self._place_budget(budget)]
            lost = [f"{len(choice.lost)} entries sent to the topics again"] if choice.lost else []
            if done or lost:
                # 5. Record.
                self._note([*done, *lost])
                # 6. Send.
                self._send_again(choice, topics.announced or {})
            return (*done, *lost)

    def _locked(self) -> BinaryIO:
        deadline = time.monotonic() + _LOCK_SECONDS
        while True:
            try:
                return release_ledger.lock(ReleaseFiles(self.home).ledger)
            except IntegrityError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(_PAUSE_SECONDS)

    def _sources(self, backup: Backup | None) -> tuple[ReleaseSource, ...]:
        """Read the site and the backup."""
        site = ReleaseFiles(self.home)
        # Opened as the release process does, so that what a crash left at its end is settled.
        with suppress(IntegrityError):  # damaged: `read_source` says so
            AuditStorage.open(site.log.directory, self.key).close()
        named = [("the site", site)] + ([("the backup", backup.files)] if backup else [])
        return tuple(read_source(name, files, self.public) for name, files in named)

    def _place_ledger_and_log(self, choice: RestoreChoice) -> Iterator[str]:
        site = ReleaseFiles(self.home)
        if choice.ledger.files.home != self.home:
            self._keep(site.ledger, *_beside(site.ledger))
            _put(choice.ledger.files.ledger, site.ledger)
            yield f"the release ledger of {choice.ledger.name}"
        if choice.log.files.home != self.home:
            log = site.log
            self._keep(log.entries, log.leaves, log.checkpoints, log.key)
            copied = ReleaseFiles(self.home / ".restore").log
            shutil.rmtree(copied.directory.parent, ignore_errors=True)
            copy_log(choice.log.files.log, copied, self.public)
            for source in (copied.key, copied.entries, copied.leaves, copied.checkpoints):
                _put(source, log.directory / source.name)
            shutil.rmtree(copied.directory.parent)
            yield f"the audit log of {choice.log.name}"

    def _budget(self, sources: Sequence[ReleaseSource], choice: RestoreChoice) -> tuple[Path, str] | None:
        """Return the file of a budget that agrees, with the sentence about it; None if it is the site's own.

        The first that agrees is taken; if none does, one is rebuilt of what the chosen ledger holds.
        """
        records = choice.log.log or LogRecords({}, None)
        noisy = _noisy(choice.ledger.files)
        needed = {**records.draws, **agreement.noisy_decisions(one for _, one in noisy)}
        for source in sources:
            is_own = source.files.home == self.home
            if (is_own or source.files.budget.exists()) and _agrees(source.files, records, needed):
                return None if is_own else (source.files.budget, f"the privacy budget of {source.name}")
        rebuilt = ReleaseFiles(self.home).budget.with_name(".rebuilt.sqlite")
        for left in (rebuilt, *_beside(rebuilt)):
            left.unlink(missing_ok=True)
        try:
            _rebuild(rebuilt, noisy, records)
        except AmanaError as error:
            raise IntegrityError("INT-176", f"the budget cannot be rebuilt: {error}") from error
        return rebuilt, f"the privacy budget, rebuilt from {len(noisy)} noisy releases"

    def _place_budget(self, chosen: tuple[Path, str] | None) -> Iterator[str]:
        if chosen is None:
            return
        source, sentence = chosen
        site = ReleaseFiles(self.home)
        self._keep(site.budget, *_beside(site.budget))
        _put(source, site.budget)
        if source.parent == site.budget.parent:  # a rebuilt one, which was made here
            source.unlink()
        yield sentence

    def _note(self, done: Sequence[str]) -> None:
        """Record the restore, with the budget's state where it was rebuilt."""
        log = AuditStorage.open(self.home / "audit", self.key)
        with closing(log):
            decisions = [replace(self.record, details={"restored": "; ".join(done)})]
            books = ReleaseFiles(self.home).books()
            if books.anchor.events and agreement.anchor_of(log.last.get("budget")) != books.anchor:
                decisions.append(replace(self.record, action="budget", details=agreement.anchor_details(books)))
            log.append(decisions)

    def _send_again(self, choice: RestoreChoice, announced: Mapping[str, Claim]) -> None:
        """Send the rows and announcements that the topics lost, in the order of the ledger."""
        records = choice.log.log
        known = {entry.partition("|")[0] for entry in announced}
        with closing(ReleaseLedger.read(ReleaseFiles(self.home).ledger)) as ledger:
            found = [(entry, decision) for entry, decision in ledger.decisions() if entry in choice.lost]
        # Each release is announced under the policy that it was recorded with.
        for policy, group in itertools.groupby(found, lambda one: records.releases[one[0]].policy if records else ""):
            again = [
                replace(decision, feeds={r: rows for r, rows in decision.feeds.items() if r in choice.lost[entry]})
                for entry, decision in group
            ]
            self.bus.publish(again, policy, announced=known)

    def _keep(self, *paths: Path) -> None:
        """Move files that are to be replaced to a new folder below `replaced/`."""
        present = [path for path in paths if path.exists()]
        if not present:
            return
        folder = next(one for n in itertools.count(1) if not (one := self.home / "replaced" / str(n)).exists())
        folder.mkdir(mode=0o700, parents=True)
        for path in present:
            path.replace(folder / path.name)


def _agrees(files: ReleaseFiles, records: LogRecords, needed: Mapping[str, str]) -> bool:
    """Tell whether the budget of a folder is the one that the log was told of."""
    try:
        return release_comparison.budget_difference(files.books(), records.anchor, needed) is None
    except IntegrityError:
        return False


def _noisy(files: ReleaseFiles) -> list[tuple[str, Publish]]:
    with closing(ReleaseLedger.read(files.ledger)) as ledger:
        return [(entry, one) for entry, one in ledger.decisions() if isinstance(one, Publish) and one.mode == "dp"]


def _rebuild(path: Path, noisy: Sequence[tuple[str, Publish]], records: LogRecords) -> None:
    """Make a budget of noisy releases of the ledger; the bytes of the draws are lost, their digests are known.

    Raises:
        AmanaError: a release was not recorded, or exceeds its grant.
    """
    with closing(BudgetStore.open(path)) as budget:
        for entry, one in noisy:
            if entry not in records.releases:
                raise IntegrityError("INT-176", f"release {one.header.release} is not in the audit log yet")
            terms, of = one.certificate, one.header
            # The policy of the year, not that of the day; the budget hangs on the kind of event.
            policy, scope = terms["policy"], BudgetScope(terms["kind"], of.year)
            release = budget_id(terms["kind"], of.window, of.revision)
            charge = Charge(release, scope, policy, of.revision, of.window, Rho(int(terms["rho_ppb"])))
            opened = Opened(scope, policy, Rho(int(terms["granted_ppb"])), int(terms["windows"]))
            budget.adopt(opened, charge, one.pattern)


def _beside(database: Path) -> tuple[Path, Path]:
    """Return the paths of the files that SQLite keeps beside a database in WAL mode."""
    return database.with_name(database.name + "-wal"), database.with_name(database.name + "-shm")


def _put(source: Path, target: Path) -> None:
    """Copy a file into place, whole or not at all."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.restored")
    shutil.copyfile(source, temporary)
    temporary.chmod(0o600)
    with temporary.open("rb") as content:
        os.fsync(content.fileno())
    temporary.replace(target)
