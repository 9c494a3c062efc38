"""The log on disk keeps what a checkpoint covers, whatever happened in between."""

import resource
import shutil
import signal
from pathlib import Path

import pytest

from schemas.errors import IntegrityError
from streams.transparency import checkpoint, log_verification, merkle_tree
from streams.transparency.decision import Decision
from streams.transparency.log_storage import AuditStorage
from tests.support.audit import FILES, PRIVATE, PUBLIC, a_batch, a_log


def _offsets(log: Path) -> list[int | None]:
    return [found.first_offset for _, found in log_verification.entries(log)]


def test_what_was_appended_is_verified_and_read_back(tmp_path: Path) -> None:
    log = a_log(tmp_path)
    verified = log_verification.verify(log, PUBLIC)
    assert (verified.entries, verified.checkpoints) == (12, 4)
    assert _offsets(log) == [n * 10 for n in range(12)]


def test_a_position_enters_the_log_once(tmp_path: Path) -> None:
    log = AuditStorage.open(tmp_path, PRIVATE)
    log.append([a_batch(0), a_batch(1)])
    log.append([a_batch(0), a_batch(1), a_batch(2)])
    log.append([a_batch(2)])
    log.close()
    again = AuditStorage.open(tmp_path, PRIVATE)
    again.append([a_batch(2), a_batch(3)])
    again.close()
    assert (again.size, again.sources) == (4, {"audit/0": 3})
    assert log_verification.verify(tmp_path, PUBLIC).checkpoints == 3


def test_a_release_enters_the_log_once(tmp_path: Path) -> None:
    release = Decision("release", "release", "policy", "code", details={"release": "r1"})
    log = AuditStorage.open(tmp_path, PRIVATE)
    log.append([release])
    log.append([release])
    assert (log.size, log.releases) == (1, {"r1|": release})


def test_one_process_keeps_a_log(tmp_path: Path) -> None:
    log = AuditStorage.open(tmp_path, PRIVATE)
    with pytest.raises(IntegrityError, match="INT-131"):
        AuditStorage.open(tmp_path, PRIVATE)
    log.close()


def test_a_log_of_another_key_is_not_continued(tmp_path: Path) -> None:
    a_log(tmp_path)
    with pytest.raises(IntegrityError, match="INT-121"):
        AuditStorage.open(tmp_path, bytes(32))


def test_a_new_logs_key_that_found_no_room_is_written_again(tmp_path: Path) -> None:
    """A full disk takes a part of it, or nothing; a log without a checkpoint has no other key."""
    a_log(tmp_path / "whole")
    spelt = (tmp_path / "whole" / "audit.pub").read_bytes()
    for part in (b"", spelt[:9]):
        home = tmp_path / str(len(part))
        home.mkdir()
        (home / "audit.pub").write_bytes(part)
        AuditStorage.open(home, PRIVATE).close()
        assert (home / "audit.pub").read_bytes() == spelt


def test_every_tear_is_recovered_without_losing_a_covered_entry(tmp_path: Path) -> None:
    """A crash leaves a prefix of: the entries, then the leaf hashes, then the checkpoint of the last append."""
    before, after = a_log(tmp_path / "before", batches=2), a_log(tmp_path / "after", batches=3)
    written = [(name, (after / name).read_bytes()[(before / name).stat().st_size :]) for name in FILES[:3]]
    total = sum(len(part) for _, part in written)
    for cut in [*range(0, total, 17), total]:
        torn = shutil.copytree(before, tmp_path / "torn")
        left = cut
        for name, part in written:
            with (torn / name).open("ab") as handle:
                handle.write(part[:left])
            left = max(0, left - len(part))
        log = AuditStorage.open(torn, PRIVATE)
        assert log.size in {6, 9}
        log.append([a_batch(place) for place in range(6, 10)])
        log.close()
        assert log_verification.verify(torn, PUBLIC).entries == 10
        assert _offsets(torn) == [n * 10 for n in range(10)]
        shutil.rmtree(torn)


@pytest.mark.parametrize("name", FILES[:3])
def test_a_damaged_covered_part_is_refused_on_opening(tmp_path: Path, name: str) -> None:
    log = a_log(tmp_path)
    raw = bytearray((log / name).read_bytes())
    raw[len(raw) - 2] ^= 1
    (log / name).write_bytes(raw)
    with pytest.raises(IntegrityError):
        AuditStorage.open(log, PRIVATE)


def test_a_disk_that_refuses_closes_the_log(tmp_path: Path) -> None:
    """The same refusal as that of a full disk: a write beyond the limit of the process fails."""
    log = AuditStorage.open(tmp_path, PRIVATE)
    log.append([a_batch(0)])
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limit[1]))
    try:
        with pytest.raises(IntegrityError, match="INT-130"):
            log.append([a_batch(n) for n in range(1, 9)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, handler)
    with pytest.raises(IntegrityError, match="INT-130"):
        log.append([a_batch(1)])
    log.close()
    AuditStorage.open(tmp_path, PRIVATE).close()
    assert log_verification.verify(tmp_path, PUBLIC).entries == 1


def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "audit").write_text("a file where the folder should be")
    with pytest.raises(IntegrityError, match="INT-130"):
        AuditStorage.open(tmp_path / "audit", PRIVATE)


def test_an_inclusion_proof_needs_no_log(tmp_path: Path) -> None:
    log = a_log(tmp_path)
    for index in range(12):
        proof = log_verification.prove(log, index)
        text, _ = checkpoint.signature_of(proof.note, name="amana/audit", public=PUBLIC)
        head = checkpoint.checkpoint_of(text)
        leaf = merkle_tree.leaf_hash(proof.entry)
        merkle_tree.verify_inclusion(leaf, proof.path, index=index, size=head.size, expected=head.root)


def test_a_log_cut_back_whole_is_shown_by_a_checkpoint_seen_before(tmp_path: Path) -> None:
    """Entries, leaf hashes and checkpoints cut back together are a valid shorter log; only a witness knows."""
    seen = log_verification.verify(a_log(tmp_path / "long", batches=3), PUBLIC).head
    short = a_log(tmp_path / "short", batches=2)
    assert log_verification.verify(short, PUBLIC).entries == 6
    with pytest.raises(IntegrityError, match="INT-127: entry 6 is missing"):
        log_verification.verify(short, PUBLIC, seen=seen)
    assert log_verification.verify(a_log(tmp_path / "longer", batches=4), PUBLIC, seen=seen).entries == 12
