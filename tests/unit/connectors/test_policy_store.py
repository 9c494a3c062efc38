"""Laws of the folder of policies: what somebody did to the files is found at the next reading."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from amana.local.played_officers import PLAYED, play
from amana.site import Site
from connectors.adapters.policy_store import PolicyStore, shipped_policy
from schemas.errors import ConfigurationError
from tests.support.policies import altered, change

LOWER = altered(("k = 11 ", "k = 2 "))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a site's folder with two acts of played officers."""
    play(tmp_path)
    change(tmp_path, LOWER, 2030)
    return tmp_path


def refusal(home: Path) -> str:
    """Return the code with which the policies of a folder are refused."""
    with pytest.raises(ConfigurationError) as caught:
        PolicyStore(home).timeline()
    return caught.value.code


def test_a_folder_without_acts_has_no_policy(tmp_path: Path) -> None:
    assert refusal(tmp_path) == "CFG-230"


def test_each_act_has_its_years(home: Path) -> None:
    policies = PolicyStore(home).timeline()
    assert [policies.of(year).suppression.k for year in (2024, 2029, 2030)] == [11, 11, 2]
    assert play(home) is None


def _edit(home: Path) -> None:
    file = max((home / "policies").glob("*.toml"), key=lambda file: "k = 2 " in file.read_text(encoding="utf-8"))
    file.write_text(file.read_text(encoding="utf-8").replace("k = 2 ", "k = 1 "), encoding="utf-8")


def _swap_policy(home: Path) -> None:
    act = home / "policies" / "acts" / "0000.act"
    first, second = (one.policy for one in PolicyStore(home).acts())
    act.write_bytes(act.read_bytes().replace(first.encode(), second.encode()))


def _replace_officers(home: Path) -> None:
    """Let somebody else's officers sign the second act."""
    other = home / "other"
    play(other, LOWER)
    for name in PLAYED:
        shutil.copy(other / f"policies/acts/0000.{name}.sig", home / f"policies/acts/0001.{name}.sig")


def _remove(home: Path, pattern: str) -> None:
    """Delete the files that a pattern names."""
    for file in (home / "policies").glob(pattern):
        file.unlink()


TAMPERING: dict[str, tuple[Callable[[Path], object], str]] = {
    "a text edited": (_edit, "CFG-234"),
    "a text deleted": (lambda home: _remove(home, "*.toml"), "CFG-234"),
    "a signature removed": (lambda home: (home / "policies/acts/0001.officer-one.sig").unlink(), "CFG-232"),
    "both removed": (lambda home: _remove(home, "acts/0001.*.sig"), "CFG-232"),
    "one signature as two": (
        lambda home: shutil.copy(
            home / "policies/acts/0001.officer-one.sig", home / "policies/acts/0001.officer-two.sig"
        ),
        "CFG-233",
    ),
    "a signature of another act": (
        lambda home: shutil.copy(
            home / "policies/acts/0000.officer-one.sig", home / "policies/acts/0001.officer-one.sig"
        ),
        "CFG-233",
    ),
    "an empty signature": (
        lambda home: (home / "policies/acts/0001.officer-one.sig").write_text("", encoding="ascii"),
        "CFG-233",
    ),
    "a stranger's signature beside": (
        lambda home: shutil.copy(home / "policies/acts/0001.officer-one.sig", home / "policies/acts/0001.eve.sig"),
        "CFG-233",
    ),
    "another policy in an act": (_swap_policy, "CFG-233"),
    "other officers' signatures": (_replace_officers, "CFG-233"),
    "an act left out": (lambda home: (home / "policies/acts/0000.act").unlink(), "CFG-234"),
    "an act that is none": (lambda home: (home / "policies/acts/0002.act").write_bytes(b"{}"), "CFG-234"),
}


@pytest.mark.parametrize("what", TAMPERING)
def test_a_folder_that_somebody_changed_is_refused(what: str, home: Path) -> None:
    tamper, code = TAMPERING[what]
    tamper(home)
    assert refusal(home) == code


def test_a_policy_file_beside_the_acts_is_refused(home: Path) -> None:
    """It decides nothing; its owner must not believe that it does."""
    Site.create(home)
    (home / "policy.toml").write_text(LOWER, encoding="utf-8")
    with pytest.raises(ConfigurationError, match="CFG-231"):
        Site.open(home).policy()


def test_a_proposal_is_not_in_force(home: Path) -> None:
    """Nor is one that was put among the acts by hand, with one signature."""
    store = PolicyStore(home)
    before = store.acts()
    policy = store.keep(shipped_policy() + "\n# another\n")
    proposal = store.propose(type(before[-1])(2, before[-1].id, before[-1].officers, policy.digest, 2031))
    assert store.timeline().newest.digest == before[-1].policy
    assert store.proposals() == (proposal,)
    with pytest.raises(ConfigurationError, match="CFG-232"):
        store.activate(proposal)
    shutil.copy(home / "policies" / "proposals" / f"{proposal.id}.act", home / "policies" / "acts" / "0002.act")
    assert refusal(home) == "CFG-232"
