"""The check of the officers' signatures: which acts are valid, from the first to the last.

Purpose: decide whether a chain of acts was signed by two officers each, without any trust in whoever keeps the files.
Called by: `connectors.adapters.policy_store`, at every start of every process and for every proposal.

    refuse_unapproved(signed, chain)     one act, after the acts that are in force
    approved(signed_acts)                the whole chain

1. An act follows the one before it: its number and the SHA-256 that it names are right.
2. It changes the policy or the officers, never both, so that a person who signs sees one change.
3. Every signature beside it is of an officer of the act before, over exactly its bytes.
4. Two officers with different keys signed. The first act is signed by its own two.

Invariants:
- A signature that is not valid refuses the act, whatever others are beside it: somebody tried.
- A new officer does not sign the act that makes her one, and one who leaves may not be needed for it.

Source: RFC 8032 for Ed25519; the chain of root documents in The Update Framework, section 5.3, for who signs a change
of signers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from anonymizer.governance.policy_act import PolicyAct
from schemas.errors import ConfigurationError

__all__ = ["SIGNERS", "SignedAct", "approved", "public_key_of", "refuse_unapproved", "sign"]

SIGNERS = 2
"""The number of officers who sign an act."""


@dataclass(frozen=True, slots=True)
class SignedAct:
    """The statement of an act, and the signatures beside it by officer."""

    statement: bytes
    signatures: Mapping[str, bytes]


def sign(act: PolicyAct, private: bytes) -> bytes:
    """Return the signature of an act with an officer's private key of 32 bytes."""
    return Ed25519PrivateKey.from_private_bytes(private).sign(act.statement())


def public_key_of(private: bytes) -> str:
    """Return the public key, in hex, of an officer's private key of 32 bytes."""
    return Ed25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw().hex()


def approved(signed: Sequence[SignedAct]) -> tuple[PolicyAct, ...]:
    """Return the acts of a chain, all of which are valid.

    Raises:
        ConfigurationError: CFG-232 to CFG-234, CFG-238; the first act that is not valid.
    """
    chain: list[PolicyAct] = []
    for one in signed:
        chain.append(refuse_unapproved(one, chain))
    return tuple(chain)


def refuse_unapproved(signed: SignedAct, chain: Sequence[PolicyAct]) -> PolicyAct:
    """Return the act, if it follows `chain` and two officers signed it.

    Raises:
        ConfigurationError: CFG-232, fewer than two officers signed; CFG-233, a signature is not valid; CFG-234, the act
            does not follow; CFG-238, its officers are not accepted.
    """
    act = PolicyAct.parse(signed.statement)
    before = chain[-1] if chain else None
    _refuse_out_of_order(act, before)
    signers = before.officers if before else act.officers
    for name, signature in signed.signatures.items():
        _refuse_forged(act, name, signature, signers)
    if len({signers[name] for name in signed.signatures}) < SIGNERS:
        raise ConfigurationError("CFG-232", f"act {act.number} has {len(signed.signatures)} of {SIGNERS} signatures")
    return act


def _refuse_out_of_order(act: PolicyAct, before: PolicyAct | None) -> None:
    """Steps 1 and 2."""
    expected = (before.number + 1, before.id) if before else (0, "")
    if (act.number, act.previous) != expected:
        raise ConfigurationError("CFG-234", f"act {act.number} does not follow the act before it")
    if before is None:
        if act.from_year:
            raise ConfigurationError("CFG-234", "the first policy governs every year: from_year is 0")
        return
    moved = (act.policy, act.from_year) != (before.policy, before.from_year)
    if moved == (act.officers != before.officers):
        raise ConfigurationError("CFG-234", f"act {act.number} changes either the policy or the officers")


def _refuse_forged(act: PolicyAct, name: str, signature: bytes, signers: Mapping[str, str]) -> None:
    """Step 3."""
    if name not in signers:
        raise ConfigurationError("CFG-233", f"act {act.number} is signed by {name}, who is no officer of this site")
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(signers[name])).verify(signature, act.statement())
    except InvalidSignature:
        raise ConfigurationError("CFG-233", f"the signature of {name} is not of act {act.number}") from None
