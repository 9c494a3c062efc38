"""Policies of a site that differ from the shipped one in what a test is about."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from amana import officer_keys
from amana.local.played_officers import FOLDER, PLAYED, play
from anonymizer.governance import approval
from anonymizer.governance.policy_act import PolicyAct
from connectors.adapters.policy_store import PolicyStore, shipped_policy

__all__ = ["altered", "change", "masking", "put_in_force", "with_noise", "without_noise"]

_NOISE_SECTION: Final = """[dp]
epsilon = 1.0
delta = 1e-6
relation = "person-year"
populations = { cases = 0.6, referrals = 0.2, assistance = 0.2 }
shares = [0.75, 0.25]
late = 0.01
codes = { means = 3, services = 3, recruiter = 2, sexual = 2 }
uncertain = 0.5
first_year = 2024

"""
"""A section of differential privacy for the policy `suppression`, which has none."""


def altered(*changes: tuple[str, str]) -> str:
    """Return the shipped policy's text with each first string replaced by the second, all of which occur."""
    return _replaced(shipped_policy(), changes)


def without_noise(*changes: tuple[str, str]) -> str:
    """Return the text of the policy `suppression` with each first string replaced by the second, all of which occur."""
    return _replaced(shipped_policy("suppression"), changes)


def _replaced(text: str, changes: Iterable[tuple[str, str]]) -> str:
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    return text


def with_noise(*kinds: str) -> str:
    """Return the text of the policy `suppression` with the populations of these kinds released with noise."""
    text = without_noise(("[person]\n", f"{_NOISE_SECTION}[person]\n"))
    for kind in kinds:
        before, name, rest = text.partition(f'kind = "{kind}"\nmode = "suppression"')
        own, end, others = rest.partition("\n\n")
        assert name
        own = own.replace('"period", ', '"period", "first_quarter", ')
        text = f'{before}kind = "{kind}"\nmode = "dp"{own}{end}{others}'
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
