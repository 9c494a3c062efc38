"""Files that disclose persons can be read by their owner alone, and public files by everybody."""

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from amana.demo import input_split
from amana.demo.simulation.generator import simulate
from amana.site import Site
from connectors.ingest.files.journal import Journal
from connectors.offline import publication_history
from schemas.errors import ConfigurationError
from tests.support import policies


@pytest.fixture(autouse=True)
def open_mask() -> Iterator[None]:
    """Take away nothing of what a file is made with, so that only our own modes count."""
    before = os.umask(0)
    yield
    os.umask(before)


def modes(folder: Path) -> set[int]:
    """Return the modes of all files below a folder."""
    return {stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*") if path.is_file()}


def folder_modes(folder: Path) -> set[int]:
    """Return the modes of a folder and of those below it."""
    every = [folder, *(path for path in folder.rglob("*") if path.is_dir())]
    return {stat.S_IMODE(path.stat().st_mode) for path in every}


def test_secrets_are_private_and_public_keys_public(tmp_path: Path) -> None:
    """An officer copies `public/audit.pub`, an agency `public/sealing.pub`."""
    Site.create(tmp_path / "site")
    assert modes(tmp_path / "site" / "parties") == {0o600}
    assert modes(tmp_path / "site" / "public") == {0o644}
    assert folder_modes(tmp_path / "site" / "parties") == {0o700}


def test_policies_and_keys_of_officers_are_public_whatever_the_mask_is(tmp_path: Path) -> None:
    """Every party verifies them; the officers' private keys are theirs alone."""
    os.umask(0o077)
    policies.put_in_force(tmp_path, policies.altered())
    assert modes(tmp_path / "policies") | modes(tmp_path / "public") == {0o644}
    assert {stat.S_IMODE(key.stat().st_mode) for key in tmp_path.rglob("*.key")} == {0o600}


def test_invented_and_divided_input_is_private(tmp_path: Path) -> None:
    """The input of a demo may be a real file."""
    simulate(20, 1, tmp_path / "invented")
    source = tmp_path / "real.csv"
    source.write_text("a,b\n1,2\n")
    input_split.divide(source, ("police-jor",), tmp_path / "divided")
    for folder in ("invented", "divided"):
        assert modes(tmp_path / folder) == {0o600}
        assert folder_modes(tmp_path / folder) == {0o700}


def test_journals_and_locks_are_private(tmp_path: Path) -> None:
    """A lock that others can open can be held by them."""
    Journal.open(tmp_path / "one.journal", {"agency": "a", "kind": "case", "file": "0", "mapping": "own"}).close()
    with publication_history.opened(tmp_path / "history"):
        pass
    assert modes(tmp_path) == {0o600}


def test_the_seed_of_suppression_is_a_key_of_its_own(tmp_path: Path) -> None:
    """Two sites with one audit key have two; it is made once, and for a site that has none yet."""
    site = Site.create(tmp_path / "one")
    seed = site.party("release").key("suppression")
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    (tmp_path / "two" / "parties" / "release" / "suppression.key").unlink()
    two = Site.create(tmp_path / "two").party("release")
    assert two.key("audit-signing") == site.party("release").key("audit-signing")
    assert two.key("suppression") != seed
    assert Site.create(tmp_path / "one").party("release").key("suppression") == seed


@pytest.mark.parametrize("text", ["", "ab12cd", "zz" * 32, "\udcff", "0" * 66])
def test_a_key_file_of_another_form_is_refused_without_showing_it(tmp_path: Path, text: str) -> None:
    """A secret and a public key."""
    site = Site.create(tmp_path)
    own = site.party("deidentify").key
    for path, read in (("parties/deidentify/dedupe.key", own), ("public/audit.pub", site.public)):
        site.path(path).write_bytes(text.encode(errors="surrogateescape"))
        with pytest.raises(ConfigurationError) as caught:
            read(Path(path).stem)
        assert caught.value.code == "CFG-005"
        assert not text or text not in str(caught.value)
