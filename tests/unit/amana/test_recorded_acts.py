"""Laws of the acts in the audit log: each is there before a release, and none can be taken back."""

import shutil
from pathlib import Path

import pytest

from amana.composition import recorded_acts
from amana.local.played_officers import play
from connectors.adapters.policy_store import PolicyStore
from schemas.errors import ConfigurationError
from streams.transparency import log_verification
from streams.transparency.decision import Decision
from streams.transparency.log_storage import AuditStorage
from tests.support.policies import altered, change

KEY = b"k" * 32
LOWER = altered(("k = 11 ", "k = 5 "))


def record(home: Path) -> None:
    """Do what a release process does at its start."""
    log = AuditStorage.open(home / "audit", KEY)
    try:
        recorded_acts.record(log, home, "test")
    finally:
        log.close()


def recorded(home: Path) -> list[str]:
    """Return the ids of the recorded acts, in order."""
    entries = log_verification.entries(home / "audit")
    return [one.details["id"] for _, one in entries if one.action == "policy"]


def test_every_act_is_recorded_once(tmp_path: Path) -> None:
    play(tmp_path)
    record(tmp_path)
    record(tmp_path)
    change(tmp_path, LOWER, 2030)
    record(tmp_path)
    assert recorded(tmp_path) == [act.id for act in PolicyStore(tmp_path).acts()]


def test_an_act_that_the_log_holds_cannot_be_taken_back(tmp_path: Path) -> None:
    """Not by deleting it, and not by putting another valid act in its place."""
    play(tmp_path)
    shutil.copytree(tmp_path, tmp_path / "kept")
    change(tmp_path, LOWER, 2030)
    record(tmp_path)
    for file in (tmp_path / "policies" / "acts").glob("0001.*"):
        file.unlink()
    PolicyStore(tmp_path).timeline()  # by itself the folder is sound
    with pytest.raises(ConfigurationError, match="CFG-236"):
        record(tmp_path)
    change(tmp_path, altered(("k = 11 ", "k = 6 ")), 2030)
    with pytest.raises(ConfigurationError, match="CFG-236"):
        record(tmp_path)


def test_other_officers_cannot_take_a_site_over(tmp_path: Path) -> None:
    """Whoever keeps the folder replaces the whole chain by one of officers of his own."""
    play(tmp_path)
    record(tmp_path)
    other = tmp_path / "other"
    play(other, LOWER)
    for name in ("policies", "public"):
        shutil.rmtree(tmp_path / name)
        shutil.copytree(other / name, tmp_path / name)
    with pytest.raises(ConfigurationError, match="CFG-236"):
        record(tmp_path)


def test_what_others_send_to_the_log_proves_nothing(tmp_path: Path) -> None:
    """An entry from the topic `audit` that claims an activation neither helps nor hurts."""
    play(tmp_path)
    log = AuditStorage.open(tmp_path / "audit", KEY)
    details = {"decision": "activated", "id": "f" * 64, "act": "0"}
    log.append([Decision("policy", "operator", "p", "c", details=details, source="audit/0/0")])
    log.close()
    record(tmp_path)
    assert recorded(tmp_path)[1:] == [act.id for act in PolicyStore(tmp_path).acts()]
