"""A log is handed on from key to key, at whatever instant the process ends, and every key goes on verifying it."""

import itertools
import shutil
from pathlib import Path

import pytest

from schemas.errors import IntegrityError
from schemas.signing import public_key_of
from streams.transparency import checkpoint, log_files, log_storage, log_verification
from streams.transparency.checkpoint import checkpoint_of
from streams.transparency.decision import Decision
from streams.transparency.log_storage import AuditStorage
from tests.support.audit import PRIVATE, PUBLIC, a_batch, a_log

NEXT, LAST = bytes(range(1, 33)), bytes(range(2, 34))
ENTRY = Decision("keys", "worker.release", "policy", "code", at="2026-11-30T21")


def handed_on(log: Path, *keys: bytes) -> Path:
    """Hand a log on from the first key to each of the others, with an entry under each."""
    for number, (before, after) in enumerate(itertools.pairwise(keys)):
        storage = AuditStorage.open(log, before, after)
        storage.hand_on(after, ENTRY)
        storage.append([a_batch(100 + number)])
        storage.close()
    return log


def test_every_key_of_a_log_verifies_all_of_it(tmp_path: Path) -> None:
    log = handed_on(a_log(tmp_path), PRIVATE, NEXT, LAST)
    found = [log_verification.verify(log, public_key_of(key)) for key in (PRIVATE, NEXT, LAST)]
    assert {(one.entries, one.checkpoints) for one in found} == {(12 + 6, 4 + 6)}
    with pytest.raises(IntegrityError, match="INT-121"):
        log_verification.verify(log, public_key_of(bytes(32)))


def test_a_log_that_was_handed_on_goes_on_with_its_last_key_alone(tmp_path: Path) -> None:
    log = handed_on(a_log(tmp_path), PRIVATE, NEXT)
    AuditStorage.open(log, NEXT).close()
    with pytest.raises(IntegrityError, match="INT-121"):
        AuditStorage.open(log, PRIVATE)


def test_a_checkpoint_that_was_kept_before_is_continued(tmp_path: Path) -> None:
    log = a_log(tmp_path)
    *_, block = log_files.blocks((log / "checkpoints").read_bytes())
    seen = checkpoint_of(block.decode().partition("\n\n")[0] + "\n")
    handed_on(log, PRIVATE, NEXT)
    assert log_verification.verify(log, public_key_of(NEXT), seen=seen).entries == 12 + 3


def test_a_crash_at_any_write_of_the_handover_is_made_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next start, with both keys, ends with the same log as without a crash."""
    whole = handed_on(a_log(tmp_path / "whole"), PRIVATE, NEXT)
    durable = log_storage._durably
    for crash in range(7):
        log = a_log(tmp_path / f"crash-{crash}")
        left = [crash]

        def write(handle: object, content: bytes, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] < 0:
                durable(handle, content[: len(content) // 2])  # type: ignore[arg-type] # a file in append mode
                raise OSError(28, "full")
            durable(handle, content)  # type: ignore[arg-type] # as above

        monkeypatch.setattr(log_storage, "_durably", write)
        storage = AuditStorage.open(log, PRIVATE, NEXT)
        try:
            storage.hand_on(NEXT, ENTRY)
        except IntegrityError:
            assert crash < 6
        storage.close()
        monkeypatch.setattr(log_storage, "_durably", durable)
        handed_on(log, PRIVATE, NEXT)
        assert log_verification.verify(log, PUBLIC).entries == log_verification.verify(whole, PUBLIC).entries
        assert (log / "entries.jsonl").read_bytes() == (whole / "entries.jsonl").read_bytes()
        assert (log / "audit.pub").read_text().strip() == checkpoint.verifier_key(log_files.ORIGIN, public_key_of(NEXT))


def test_a_handover_that_the_topic_claims_says_nothing(tmp_path: Path) -> None:
    """Anybody who may write to the topic `audit` could otherwise take the log over."""
    log = a_log(tmp_path / "log")
    storage = AuditStorage.open(log, PRIVATE)
    details = {"act": "rotate", "secret": "key of the audit log", "before": PUBLIC.hex(), "public": "ab" * 32}
    storage.append([Decision("keys", "operator", "policy", "code", details=details, source="audit/0/99")])
    storage.append([a_batch(200)])
    storage.close()
    assert log_verification.verify(log, PUBLIC).entries == 14
    shutil.rmtree(log)
