"""The ledger enters a release once, keeps its rows, and knows what is still to be published."""

from pathlib import Path

import pytest

from connectors.adapters.release_ledger import ReleaseLedger
from schemas.errors import IntegrityError
from tests.support.releases import AS_OF, a_publish, a_withhold

CELLS = {"cases|profile|TIP": {"agency-1": 3}}


def test_entries_come_back_as_they_were_decided(tmp_path: Path) -> None:
    outcomes = (a_publish(), a_withhold())
    ledger = ReleaseLedger.open(tmp_path / "ledger.sqlite")
    ledger.commit("t1", 0, AS_OF, (outcomes, CELLS))
    ledger.close()
    again = ReleaseLedger.open(tmp_path / "ledger.sqlite")
    assert tuple(found for _, _, found in again.unpublished()) == outcomes == again.entries_of("t1")
    assert [(len(one.rows), one.cells) for one in again.earlier()] == [(9, CELLS)]


def test_a_release_is_entered_once_and_the_first_entry_holds(tmp_path: Path) -> None:
    ledger = ReleaseLedger.open(tmp_path / "ledger.sqlite")
    ledger.commit("t1", 0, AS_OF, ((a_publish(rows=3),), CELLS))
    ledger.commit("t1", 0, AS_OF, ((a_publish(rows=5),), CELLS))
    ledger.commit("t2", 1, AS_OF, ((a_publish(rows=7),), CELLS))
    assert [found for _, _, found in ledger.unpublished()] == [a_publish(rows=3)]


def test_what_was_published_is_not_published_again(tmp_path: Path) -> None:
    ledger = ReleaseLedger.open(tmp_path / "ledger.sqlite")
    ledger.commit("t1", 0, AS_OF, ((a_publish("r1"), a_publish("r2")), CELLS))
    first, *_ = ledger.unpublished()
    ledger.mark_published(first[0])
    assert [found.header.release for _, _, found in ledger.unpublished()] == ["r2"]
    assert [(entry, claim.sent) for entry, claim in ledger.claims().items()] == [("r1|", True), ("r2|", False)]


def test_the_position_moves_when_a_tick_is_finished(tmp_path: Path) -> None:
    ledger = ReleaseLedger.open(tmp_path / "ledger.sqlite")
    assert (ledger.position(), ledger.is_planned("t1")) == (-1, False)
    ledger.commit("t1", 4, AS_OF, ((), CELLS))
    assert (ledger.position(), ledger.is_planned("t1")) == (-1, True)
    ledger.finish("t1", 4, AS_OF, {"outcome": "done"})
    assert ledger.position() == 4


def test_a_ledger_has_one_owner(tmp_path: Path) -> None:
    ledger = ReleaseLedger.open(tmp_path / "ledger.sqlite")
    with pytest.raises(IntegrityError, match="INT-100"):
        ReleaseLedger.open(tmp_path / "ledger.sqlite")
    ledger.close()


def test_a_file_that_is_no_ledger_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite").write_bytes(b"not a database, but longer than the header of one" * 40)
    with pytest.raises(IntegrityError, match="INT-100"):
        ReleaseLedger.open(tmp_path / "ledger.sqlite")
