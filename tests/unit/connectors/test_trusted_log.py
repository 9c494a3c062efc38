"""The officer's view of the audit log: which key counts, and what a log in the middle of an append is."""

import base64
import json
import threading
from pathlib import Path

import pytest

from connectors.console.trusted_log import TrustedLog, proof_document
from schemas.errors import ConfigurationError, IntegrityError
from streams.transparency import checkpoint, merkle_tree
from streams.transparency.log_files import ORIGIN
from tests.support.audit import PUBLIC, a_log


def a_site(folder: Path, *, public: bytes = PUBLIC) -> Path:
    """Make a site's folder with a log and the public key that it pins."""
    a_log(folder / "audit")
    (folder / "public").mkdir()
    (folder / "public" / "audit.pub").write_text(public.hex(), encoding="utf-8")
    return folder


def test_the_key_beside_the_log_is_trusted_whether_site_or_log_is_named(tmp_path: Path) -> None:
    site = a_site(tmp_path / "site")
    assert TrustedLog(site).verify().entries == TrustedLog(site / "audit").verify().entries == 12


def test_without_a_key_outside_the_log_nothing_is_trusted(tmp_path: Path) -> None:
    """The log's own `audit.pub` does not count: who can write the log can write it too."""
    log = a_log(tmp_path / "apart")
    assert (log / "audit.pub").is_file()
    with pytest.raises(ConfigurationError, match="CFG-131"):
        TrustedLog(log)
    assert TrustedLog(log, sites=[a_site(tmp_path / "site")]).verify().entries == 12


def test_a_given_key_goes_before_the_pinned_one(tmp_path: Path) -> None:
    site = a_site(tmp_path / "site", public=bytes(32))
    key = tmp_path / "key"
    key.write_text(PUBLIC.hex(), encoding="utf-8")
    assert TrustedLog(site, key=key).verify().entries == 12
    with pytest.raises(IntegrityError, match="INT-121"):
        TrustedLog(site).verify()


def test_an_append_that_ends_meanwhile_is_no_damage(tmp_path: Path) -> None:
    site = a_site(tmp_path / "site")
    checkpoints = site / "audit" / "checkpoints"
    whole = checkpoints.read_bytes()
    checkpoints.write_bytes(whole[: len(whole) // 2])
    log = TrustedLog(site)
    with pytest.raises(IntegrityError, match="INT-12"):
        log.verify()
    end = threading.Timer(0.2, checkpoints.write_bytes, [whole])
    end.start()
    assert log.verify_live().entries == 12
    end.join()


def test_damage_that_stays_is_told(tmp_path: Path) -> None:
    site = a_site(tmp_path / "site")
    with (site / "audit" / "entries.jsonl").open("ab") as file:
        file.write(b"{}\n")
    with pytest.raises(IntegrityError, match="INT-126"):
        TrustedLog(site).verify_live()


def test_a_proof_leads_from_the_entry_to_the_signed_root(tmp_path: Path) -> None:
    log = TrustedLog(a_site(tmp_path / "site"))
    plain = json.loads(json.dumps(proof_document(log.prove(7))))
    assert plain["index"] == 7
    assert json.loads(plain["entry"])["topic"] == "raw.police-jor.case"
    head = log.verify().head
    leaf, path = merkle_tree.leaf_hash(plain["entry"].encode()), [base64.b64decode(node) for node in plain["path"]]
    merkle_tree.verify_inclusion(leaf, path, index=7, size=head.size, expected=head.root)
    with pytest.raises(ConfigurationError, match="CFG-132"):
        log.prove(12)


def test_a_kept_checkpoint_that_nobody_signed_is_refused(tmp_path: Path) -> None:
    """Its size and root are right, and even its form: a signature of zeros says that anybody may have written it."""
    site = a_site(tmp_path / "site")
    kept = "".join((site / "audit" / "checkpoints").read_text(encoding="utf-8").splitlines(keepends=True)[-6:-1])
    assert TrustedLog(site).verify(seen=kept).entries == 12
    text, _ = checkpoint.signature_of(kept, name=ORIGIN, public=PUBLIC)
    forged = checkpoint.note(text, name=ORIGIN, public=PUBLIC, signature=bytes(64))
    with pytest.raises(IntegrityError, match="INT-115"):
        TrustedLog(site).verify(seen=forged)
