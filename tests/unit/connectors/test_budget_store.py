"""The budget's file: one draw a release, charged before it is made, through kills and crowds."""

import sqlite3
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import pytest

from anonymizer.budget.account import Opened, spent
from connectors.adapters.budget_store import BudgetStore
from schemas.errors import BudgetError, IntegrityError
from schemas.identifiers import Rho
from tests.support import spender
from tests.support.spender import RHO, SCOPE, charge, opened

ROOT = Path(__file__).parents[3]
KILLS, RELEASES, ENOUGH_FOR = 1000, 600, 400


def test_a_release_has_one_draw_for_ever(tmp_path: Path) -> None:
    draws = iter([b"first", b"second"])
    for _ in range(3):
        ledger = BudgetStore.open(tmp_path / "budget.sqlite")
        assert ledger.spend(opened(5), charge("a"), lambda _: next(draws)) == b"first"
        assert spent(ledger.state()[SCOPE]) == RHO
        ledger.close()


def test_a_draw_that_failed_was_charged_and_is_made_under_the_same_charge(tmp_path: Path) -> None:
    """The charge is on disk before the draw is asked for."""
    ledger = BudgetStore.open(tmp_path / "budget.sqlite")

    def fails(_: object) -> bytes:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        ledger.spend(opened(5), charge("a"), fails)
    assert spent(ledger.state()[SCOPE]) == RHO
    assert ledger.state()[SCOPE].draws == {}
    assert ledger.spend(opened(5), charge("a"), lambda _: b"made") == b"made"
    assert spent(ledger.state()[SCOPE]) == RHO


def test_nothing_is_drawn_when_too_little_is_left_or_the_policy_changed(tmp_path: Path) -> None:
    ledger = BudgetStore.open(tmp_path / "budget.sqlite")
    ledger.spend(opened(1), charge("a"), lambda _: b"made")

    def never(_: object) -> bytes:
        pytest.fail("drawn")

    with pytest.raises(BudgetError, match="BUD-001"):
        ledger.spend(opened(1), charge("b"), never)
    with pytest.raises(BudgetError, match="BUD-003"):
        ledger.spend(Opened(SCOPE, "another", Rho(10 * RHO), 1), charge("b"), never)
    assert ledger.state()[SCOPE].charges.keys() == {"a"}


def test_a_stored_draw_that_was_altered_is_not_released(tmp_path: Path) -> None:
    ledger = BudgetStore.open(tmp_path / "budget.sqlite")
    ledger.spend(opened(1), charge("a"), lambda _: b"made")
    with sqlite3.connect(tmp_path / "budget.sqlite") as other:
        other.execute("UPDATE charge SET draw = x'00'")
    with pytest.raises(IntegrityError, match="INT-102"):
        ledger.spend(opened(1), charge("a"), lambda _: b"again")


def test_a_draw_whose_bytes_are_lost_is_not_made_again(tmp_path: Path) -> None:
    """As after a restore from the log, which knows the digest alone: a second draw could be averaged with the first."""
    ledger = BudgetStore.open(tmp_path / "budget.sqlite")
    ledger.adopt(opened(2), charge("a"), "f" * 64)
    assert spent(ledger.state()[SCOPE]) == RHO
    with pytest.raises(IntegrityError, match="INT-102"):
        ledger.spend(opened(2), charge("a"), lambda _: pytest.fail("drawn"))
    ledger.adopt(opened(2), charge("a"), "f" * 64)
    with pytest.raises(BudgetError, match="BUD-005"):
        ledger.adopt(opened(2), charge("a"), "0" * 64)


def test_the_chain_grows_with_every_charge_and_draw_and_with_nothing_else(tmp_path: Path) -> None:
    ledger = BudgetStore.open(tmp_path / "budget.sqlite")
    seen = [ledger.books()]
    for release in ("a", "b", "a"):
        ledger.spend(opened(5), charge(release), lambda _: b"made")
        seen.append(ledger.books())
    assert [one.anchor.events for one in seen] == [0, 2, 4, 4]
    assert all(later.heads[: len(one.heads)] == one.heads for one, later in pairwise(seen))


@pytest.mark.parametrize(
    "edit",
    [
        "UPDATE charge SET rho = 1",
        "DELETE FROM charge WHERE release = 'b'",
        "DELETE FROM event WHERE number > 2",
        "UPDATE event SET text = 'x' WHERE number = 1",
    ],
)
def test_an_edited_budget_is_noticed(tmp_path: Path, edit: str) -> None:
    ledger = BudgetStore.open(tmp_path / "budget.sqlite")
    for release in ("a", "b"):
        ledger.spend(opened(5), charge(release), lambda _: b"made")
    with sqlite3.connect(tmp_path / "budget.sqlite") as other:
        other.execute(edit)
    with pytest.raises(IntegrityError, match="INT-173"):
        ledger.books()


def test_a_file_from_before_the_chain_gets_the_chain_that_it_is_read_with(tmp_path: Path) -> None:
    path = tmp_path / "budget.sqlite"
    ledger = BudgetStore.open(path)
    ledger.spend(opened(5), charge("a"), lambda _: b"made")
    ledger.close()
    with sqlite3.connect(path) as older:
        older.execute("DROP TABLE event")
    reader = BudgetStore.read(path)
    read = reader.books()
    reader.close()
    ledger = BudgetStore.open(path)
    assert ledger.books() == read
    assert read.anchor.events == 2


def test_reading_a_budget_writes_nothing(tmp_path: Path) -> None:
    """Also beside it, and also where the file is none."""
    path = tmp_path / "budget.sqlite"
    ledger = BudgetStore.open(path)
    ledger.spend(opened(5), charge("a"), lambda _: b"made")
    ledger.close()
    sqlite3.connect(tmp_path / "foreign.sqlite").execute("CREATE TABLE mine (id)").connection.close()
    before = {one.name: one.read_bytes() for one in tmp_path.iterdir()}
    reader = BudgetStore.read(path, at_rest=True)
    assert spent(reader.state()[SCOPE]) == RHO
    reader.close()
    with pytest.raises(IntegrityError, match="INT-101"):
        BudgetStore.read(tmp_path / "foreign.sqlite", at_rest=True)
    assert {one.name: one.read_bytes() for one in tmp_path.iterdir()} == before


def test_a_file_that_is_no_budget_is_refused(tmp_path: Path) -> None:
    (tmp_path / "budget.sqlite").write_bytes(b"not a database, but longer than the header of one" * 40)
    with pytest.raises(IntegrityError, match="INT-101"):
        BudgetStore.open(tmp_path / "budget.sqlite")


def test_sixty_four_threads_at_once_spend_what_there_is_and_agree(tmp_path: Path) -> None:
    """Twice 64 requests for 40 releases, of which 25 can be paid: one draw each, whoever asked first."""
    path, trace = tmp_path / "budget.sqlite", tmp_path / "trace"
    with ThreadPoolExecutor(64) as crowd:
        list(crowd.map(lambda i: spender.once(path, trace, f"r{i % 40}", 25), range(128)))
    _agreed(path, trace, 128)


def test_sixty_four_processes_at_once_spend_what_there_is_and_agree(tmp_path: Path) -> None:
    path, trace = tmp_path / "budget.sqlite", tmp_path / "trace"
    _processes("crowd", path, trace, 64, 40, 25)
    _agreed(path, trace, 64)


def test_a_thousand_kills_at_any_instant_neither_lose_a_charge_nor_draw_twice(tmp_path: Path) -> None:
    """Real processes, SIGKILL: whatever was shown is the one draw of its release; whatever was begun is charged."""
    path, trace, started = tmp_path / "budget.sqlite", tmp_path / "trace", time.monotonic()
    batch = 0
    while batch < KILLS // 25 or (len(_read(trace)[0]) <= ENOUGH_FOR - 20 and batch < 4 * KILLS // 25):
        batch += 1  # as many as it takes, on a slow disk, to spend what there is
        _processes("kill", path, trace, 25, RELEASES, ENOUGH_FOR, batch)
        ledger = BudgetStore.open(path)
        _upheld(trace, ledger)
        ledger.close()
    begun, shown, refused = _read(trace)
    seconds, unseen = time.monotonic() - started, begun.total() - len(begun)
    print(f"\n{25 * batch} kills in {seconds:.0f} s: {len(begun)} releases drawn, each shown with one draw", end="; ")
    print(f"{unseen} draws died unseen; shown {shown.total()} times, refused {refused} times")
    assert begun.total() > len(begun), "no kill fell between a draw and its commit"
    assert ENOUGH_FOR - 20 < len(begun) <= ENOUGH_FOR
    assert refused > 0


def test_the_test_of_kills_notices_a_ledger_that_charges_after_drawing(tmp_path: Path) -> None:
    """The planted fault: a draw was shown and its charge is not on disk."""
    trace = tmp_path / "trace"
    trace.write_text("begun r1\nshown r1 00\n")
    with pytest.raises(AssertionError):
        _upheld(trace, BudgetStore.open(tmp_path / "budget.sqlite"))


def _upheld(trace: Path, ledger: BudgetStore) -> None:
    """Compare what processes said with what the ledger holds: spent ≥ true, one draw a release, nothing below zero."""
    begun, shown, _ = _read(trace)  # first the trace: the ledger may only know more
    account = ledger.state().get(SCOPE)
    charged = account.charges.keys() if account else set()
    assert begun.keys() <= charged
    assert {release for release, _ in shown} <= charged
    assert len({release for release, _ in shown}) == len(shown), "a release was shown with two draws"
    if account:
        assert spent(account) >= RHO * len(begun)
        assert account.left >= 0


def _read(trace: Path) -> tuple[Counter[str], Counter[tuple[str, str]], int]:
    """Return how often each release was begun, how often each was shown with which draw, and how many were refused."""
    said = [line.split() for line in trace.read_text().splitlines()]
    begun = Counter(line[1] for line in said if line[0] == "begun")
    return (
        begun,
        Counter((line[1], line[2]) for line in said if line[0] == "shown"),
        len(said) - begun.total() - sum(line[0] == "shown" for line in said),
    )


def _agreed(path: Path, trace: Path, asked: int) -> None:
    """25 releases are paid and each was shown with one draw; everybody got an answer; nothing is left or lacking."""
    account = BudgetStore.open(path).state()[SCOPE]
    begun, shown, refused = _read(trace)
    assert begun.total() == len(begun) == len(shown) == len(account.draws) == 25
    assert shown.total() + refused == asked
    assert (spent(account), account.left) == (25 * RHO, 0)


def _processes(task: str, *arguments: object) -> None:
    subprocess.run([sys.executable, "-m", "tests.support.spender", task, *map(str, arguments)], check=True, cwd=ROOT)
