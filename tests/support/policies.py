"""Policies of a site that differ from the shipped one in what a test is about."""

from pathlib import Path

from amana import officer_keys
from amana.local.played_officers import FOLDER, PLAYED, play
from anonymizer.governance import approval
from anonymizer.governance.policy_act import PolicyAct
from connectors.adapters.policy_store import PolicyStore, shipped_policy

__all__ = ["altered", "change", "masking", "put_in_force"]


def altered(*changes: tuple[str, str]) -> str:
    """Return the shipped policy's text with each first string replaced by the second, all of which occur."""
    text = shipped_policy()
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    return text


def put_in_force(home: Path, text: str) -> None:
    """Let two played officers sign a policy for the site in `home`, which has none yet."""
    assert play(home, text) is not None


def change(home: Path, text: str, from_year: int = 0) -> None:
    """Let the played officers put another policy in force, from a year on; no rule about prints or counts is asked."""
    store = PolicyStore(home)
    before, policy = store.acts()[-1], store.keep(text)
    proposal = store.propose(PolicyAct(before.number + 1, before.id, before.officers, policy.digest, from_year))
    for name in PLAYED:
        private = officer_keys.read(home / FOLDER / name / officer_keys.KEY_FILE)
        proposal = store.add_signature(proposal, name, approval.sign(proposal.act, private))
    store.activate(proposal)


def masking(home: Path) -> None:
    """Let the site in `home` mask narratives: its de-identifiers read them for names too."""
    put_in_force(home, altered(('narratives = "withhold"', 'narratives = "mask"')))
