"""A backup is consistent while the release process works, and is believed only as it was made."""

import json
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.operations.release_backup import Backup, make_backup, open_backup
from connectors.operations.release_files import ReleaseFiles
from schemas.errors import ConfigurationError, IntegrityError
from streams.core.releasing.release_comparison import Places
from streams.release import agreement, release_process
from tests.support.audit import PRIVATE, PUBLIC
from tests.support.rollback import NOW, Broker, Process, States, history

TICKS = 8


@pytest.fixture(scope="module")
def states(tmp_path_factory: pytest.TempPathFactory) -> Iterator[States]:
    """Serve two ticks without the pauses of a real pipeline."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(release_process, "_STILL_SECONDS", 0.0)
        yield history(tmp_path_factory.mktemp("history"))


def test_a_backup_holds_what_the_site_holds_and_is_its_owners_alone(states: States) -> None:
    backup = open_backup(states.backup(NOW), PUBLIC)
    site = ReleaseFiles(states.files(NOW))
    assert backup.files.ledger_claims() == site.ledger_claims()
    assert backup.files.books() == site.books()
    assert (backup.releases, len(backup.files.log_records(PUBLIC).releases)) == (3 * NOW, 3 * NOW)
    assert backup.files.home.stat().st_mode & 0o077 == 0
    assert [path.name for path in backup.files.home.rglob("*-wal")] == []


def test_backups_beside_a_process_at_work_agree(states: States, tmp_path: Path) -> None:
    """Each of them is of one moment, although releases are made all the time."""
    home = states.assemble(tmp_path / "site", ledger=NOW, log=NOW, budget=NOW)
    faults: list[BaseException] = []

    def work() -> None:
        try:
            with Process(home, states.broker(NOW)) as process:
                process.begin()
                for tick in range(NOW + 1, NOW + 1 + TICKS):
                    process.serve(tick)
        except BaseException as fault:  # noqa: BLE001 - for the main thread
            faults.append(fault)

    worker = threading.Thread(target=work)
    made: list[Backup] = []
    worker.start()
    while worker.is_alive() or not made:
        made.append(make_backup(home, tmp_path / f"backup-{len(made)}", PRIVATE))
    worker.join()
    assert faults == []
    for one in made:
        claims, records = one.files.ledger_claims(), one.files.log_records(PUBLIC)
        agreement.refuse_difference(Places(claims, records.claims))
        agreement.refuse_other_budget(one.files.books(), records.anchor, records.draws)
    assert made[-1].releases > made[0].releases or len(made) == 1


@pytest.mark.parametrize("name", ["ledger/ledger.sqlite", "ledger/budget.sqlite", "audit/entries.jsonl", "backup.note"])
def test_a_changed_byte_of_a_backup_is_noticed(states: States, tmp_path: Path, name: str) -> None:
    folder = shutil.copytree(states.backup(NOW), tmp_path / "backup")
    raw = bytearray((folder / name).read_bytes())
    raw[len(raw) // 2] ^= 1
    (folder / name).write_bytes(raw)
    with pytest.raises(IntegrityError, match="INT-177"):
        open_backup(folder, PUBLIC)


def test_a_file_too_many_or_too_few_is_noticed(states: States, tmp_path: Path) -> None:
    folder = shutil.copytree(states.backup(NOW), tmp_path / "backup")
    (folder / "audit" / "leaves").rename(folder / "audit" / "leaf")
    with pytest.raises(IntegrityError, match="INT-177"):
        open_backup(folder, PUBLIC)


def test_a_backup_of_another_site_is_refused(states: States) -> None:
    with pytest.raises(IntegrityError, match="INT-177"):
        open_backup(states.backup(NOW), bytes(32))


def test_what_is_no_place_for_a_backup_is_refused(states: States, tmp_path: Path) -> None:
    home = states.files(NOW)
    with pytest.raises(ConfigurationError, match="CFG-201"):
        make_backup(home, tmp_path, PRIVATE)
    with pytest.raises(ConfigurationError, match="CFG-201"):
        make_backup(home, states.backup(NOW) / "backup.note" / "below-a-file", PRIVATE)
    with pytest.raises(ConfigurationError, match="CFG-202"):
        make_backup(tmp_path, tmp_path / "backup", PRIVATE)
    with pytest.raises(ConfigurationError, match="CFG-203"):
        open_backup(tmp_path, PUBLIC)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("lost", ["ledger", "log", "budget"])
def test_files_that_do_not_agree_are_not_backed_up(states: States, tmp_path: Path, lost: str) -> None:
    """A backup of a site that was put back would look like one that can be trusted."""
    site = {"ledger": NOW, "log": NOW, "budget": NOW, lost: 1}
    home = states.assemble(tmp_path / "site", **site)
    with pytest.raises(IntegrityError, match=r"INT-1(40|70|73)"):
        make_backup(home, tmp_path / "backup", PRIVATE)
    assert not (tmp_path / "backup").exists()


def test_an_outsider_who_edits_the_draws_is_noticed(states: States, tmp_path: Path) -> None:
    """The draw of a release that is out, replaced together with its digest and the chain of events."""
    home = states.assemble(tmp_path / "site", ledger=NOW, log=NOW, budget=NOW)
    with sqlite3.connect(ReleaseFiles(home).budget) as budget:
        budget.execute("UPDATE charge SET digest = 'other' WHERE release = 'referrals|2001|0'")
        budget.execute("DELETE FROM event")
    with Process(home, Broker(())) as process, pytest.raises(IntegrityError, match=r"INT-17[13]"):
        process.begin()


def test_the_log_is_told_of_the_budget_before_noise_is_published(states: States, tmp_path: Path) -> None:
    entries = states.assemble(tmp_path / "site", ledger=NOW, log=NOW, budget=NOW) / "audit" / "entries.jsonl"
    actions = [json.loads(line)["action"] for line in entries.read_text(encoding="utf-8").splitlines()]
    assert actions.count("budget") == NOW, "the log is told of the budget with every noisy release"
    assert actions.index("budget") < actions.index("release")
