"""Replaced keys in the hands of a thief: what was replaced is worth nothing to whoever stole it before.

The thief has a key that the site used until it was replaced, and whatever lies on the broker's disk or in public.
"""

import shutil
from pathlib import Path

import pytest

from amana.keys import replacing
from amana.site import Site
from schemas.errors import ContractError, IntegrityError
from schemas.signing import UNSIGNED, Signer, Verifier, public_key_of
from streams.transparency import log_files, log_verification
from streams.transparency.log_storage import AuditStorage
from tests.support.audit import PRIVATE, a_log
from tests.unit.streams.test_log_keys import ENTRY, NEXT, handed_on

AGENCY, TOPIC = "police-jor", "raw.police-jor.case"


def cut_to_the_handover(log: Path) -> None:
    """Take everything away that the thief's key did not sign, and write the key file to match."""
    blocks = list(log_files.blocks((log / "checkpoints").read_bytes()))
    own = [block for block in blocks if _signed_by(block, public_key_of(PRIVATE))]
    size = log_files.checked(own[-1], public_key_of(PRIVATE)).size
    lines = (log / "entries.jsonl").read_bytes().splitlines(keepends=True)
    (log / "entries.jsonl").write_bytes(b"".join(lines[:size]))
    (log / "leaves").write_bytes((log / "leaves").read_bytes()[: size * log_files.LEAF_BYTES])
    (log / "checkpoints").write_bytes(b"".join(own))


def _signed_by(block: bytes, public: bytes) -> bool:
    try:
        log_files.checked(block, public)
    except IntegrityError:
        return False
    return True


def test_a_thief_of_the_replaced_log_key_cannot_cut_the_log_back(tmp_path: Path) -> None:
    """The officer trusts the key that the thief does not have, and it has signed nothing of what is shown."""
    log = handed_on(a_log(tmp_path), PRIVATE, NEXT)
    cut_to_the_handover(log)
    with pytest.raises(IntegrityError, match="INT-121"):
        log_verification.verify(log, public_key_of(NEXT))


def test_a_thief_of_the_replaced_log_key_cannot_write_another_history(tmp_path: Path) -> None:
    """A log of other entries that names the officer's key as its next one is signed by that key nowhere."""
    honest = handed_on(a_log(tmp_path / "honest"), PRIVATE, NEXT)
    forged = a_log(tmp_path / "forged", batches=9)
    storage = AuditStorage.open(forged, PRIVATE, bytes(32))
    storage.hand_on(bytes(32), ENTRY)
    storage.close()
    with pytest.raises(IntegrityError, match="INT-121"):
        log_verification.verify(forged, public_key_of(NEXT))
    for name in ("audit.pub", "checkpoints"):
        shutil.copy(honest / name, forged / name)
        with pytest.raises(IntegrityError):
            log_verification.verify(forged, public_key_of(NEXT))


def test_a_thief_of_the_replaced_log_key_cannot_go_on_with_the_log(tmp_path: Path) -> None:
    log = handed_on(a_log(tmp_path), PRIVATE, NEXT)
    spelt = (log / "audit.pub").read_bytes()
    other = a_log(tmp_path / "other")
    shutil.copy(other / "audit.pub", log / "audit.pub")
    with pytest.raises(IntegrityError):
        AuditStorage.open(log, PRIVATE)
    (log / "audit.pub").write_bytes(spelt)
    assert log_verification.verify(log, public_key_of(NEXT)).entries == 15


def test_a_thief_of_an_ended_signing_key_cannot_publish(tmp_path: Path) -> None:
    site = Site.create(tmp_path, agencies=(AGENCY,))
    stolen = site.party("agency", AGENCY).key("signing")
    replacing.new_signing_key(site.path("parties"), site.path("public"), AGENCY)
    replacing.destroy_earlier_signing_keys(site.path("public"), AGENCY)
    sent = Signer(stolen).sign(b"event" + UNSIGNED, topic=TOPIC)
    with pytest.raises(ContractError, match="CON-031"):
        Verifier(*site.signing_keys(AGENCY)).check(sent, topic=TOPIC)
