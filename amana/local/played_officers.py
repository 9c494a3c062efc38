"""Both officers of a site that is tried out: two key pairs in one folder each, and the shipped policy signed by both.

Purpose: a new local site starts by one command, and its policy goes the way of every policy. Whoever holds both keys is
not two officers: a site for real data is set up with `amana policy key`, `enrol`, `propose`, `sign` and `activate`.
Called by: `amana up` on a new folder (`amana.local.supervisor`), and so the demonstration; `amana policy play`; tests.

Invariants:
- A site that has an act, or the public key of an officer, is left as it is.
- Nothing is in force without two valid signatures here either.
"""

from pathlib import Path
from typing import Final

from amana import officer_keys
from anonymizer.governance import approval
from anonymizer.governance.policy_act import PolicyAct
from connectors.adapters.policy_store import PolicyStore, shipped_policy

__all__ = ["FOLDER", "PLAYED", "play"]

PLAYED: Final = ("officer-one", "officer-two")
"""Names of the played officers."""

FOLDER: Final = "officer"
"""Folder below the site's that holds one folder for each played officer."""


def play(home: Path, text: str | None = None) -> PolicyAct | None:
    """Sign a policy, the shipped one unless `text` is given, as both officers; None if the site has officers already.

    Raises:
        ConfigurationError: CFG-010, the policy is refused; CFG-004, the folder cannot be written.
    """
    store = PolicyStore(home)
    if store.acts() or store.handed_in():
        return None
    # The text first: a policy that is refused must leave no officers behind.
    policy = store.keep(text if text is not None else shipped_policy())
    for name in PLAYED:
        store.hand_in(name, officer_keys.make(home / FOLDER / name, name))
    proposal = store.propose(PolicyAct(0, "", store.handed_in(), policy.digest, 0))
    for name in PLAYED:
        private = officer_keys.read(home / FOLDER / name / officer_keys.KEY_FILE)
        proposal = store.add_signature(proposal, name, approval.sign(proposal.act, private))
    return store.activate(proposal)
