"""The folder of a site's policies: their texts, the officers' acts with their signatures, and what is proposed.

Purpose: keep and read files. Nothing in the folder is trusted: what is read is checked by `anonymizer.governance`.
Called by: `amana.site`, `amana.composition.policy_changes`, `amana.local.played_officers`.

Files below the site's folder:
- `policies/<SHA-256>.toml`: a policy, proposed or in force. `policies/proposals/<id>.act` and `<id>.<officer>.sig`: an
  act that is proposed, and the signatures so far; `<id>` are the first 16 hex digits of the act's SHA-256.
- `policies/acts/0000.act`, `0000.<officer>.sig`, `0001.act`, …: the acts in force, from the first on.
- `public/officers/<name>.pub`: the public keys that officers handed in before the first act. After it the acts count.

Invariants:
- An act is activated by writing its signatures first and its statement last: a crash leaves it proposed.
- A file is written whole or not at all.
"""

import dataclasses
import hashlib
import re
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Final

from anonymizer import policy as policies
from anonymizer.governance.approval import SignedAct, approved, refuse_unapproved
from anonymizer.governance.policy_act import OFFICER_NAME, PolicyAct
from anonymizer.governance.policy_timeline import PolicyTimeline
from anonymizer.policy import Policy
from schemas.errors import ConfigurationError

__all__ = ["PolicyStore", "Proposal", "shipped_policy"]

_ID_DIGITS: Final = 16
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_KEY: Final = re.compile(r"[0-9a-f]{64}\s*")


@dataclasses.dataclass(frozen=True, slots=True)
class Proposal:
    """An act that is proposed, with the officers who have signed it so far and their signatures."""

    act: PolicyAct
    signatures: Mapping[str, bytes]

    @property
    def id(self) -> str:
        """The name of the proposal: the first 16 hex digits of the act's SHA-256."""
        return self.act.id[:_ID_DIGITS]


def shipped_policy(name: str = "default") -> str:
    """Return the text of a policy that is shipped; it is in force where two officers signed it, and nowhere else.

    Args:
        name: `default` and `strict` release persons with noise, `suppression` adds none.
    """
    return resources.files("anonymizer").joinpath("policies", f"{name}.toml").read_text(encoding="utf-8")


class PolicyStore:
    """The policies of the site whose folder is `home`."""

    def __init__(self, home: Path) -> None:
        self._policies, self._officers = home / "policies", home / "public" / "officers"

    def acts(self) -> tuple[PolicyAct, ...]:
        """Return the acts in force, all of them checked; none before a site is set up.

        Raises:
            ConfigurationError: CFG-232 to CFG-234, CFG-238; an act or a signature is not valid.
        """
        files = sorted((self._policies / "acts").glob("*.act"))
        return approved([self._signed(file) for file in files])

    def timeline(self) -> PolicyTimeline:
        """Return the policies in force by year.

        Raises:
            ConfigurationError: CFG-230, none is in force; CFG-234, the text of one is not the one that was signed; as
                `acts`; CFG-010, a text is refused.
        """
        entries: list[tuple[int, Policy]] = []
        for act in self.acts():
            if not entries or (act.from_year, act.policy) != (entries[-1][0], entries[-1][1].digest):
                entries.append((act.from_year, self.policy(act.policy)))
        if not entries:
            raise ConfigurationError(
                "CFG-230", f"no policy is in force in {self._policies.parent}: two officers sign one (amana policy)"
            )
        return PolicyTimeline.of_entries(entries)

    def policy(self, digest: str) -> Policy:
        """Return a policy by the SHA-256 of its text.

        Raises:
            ConfigurationError: CFG-234, the text is missing or another one; CFG-010, it is refused.
        """
        text = self._read(self._policies / f"{digest}.toml")
        if hashlib.sha256(text).hexdigest() != digest:
            raise ConfigurationError("CFG-234", f"the text of policy {digest[:16]} was changed since it was signed")
        return policies.load(text.decode("utf-8"))

    def digests(self) -> tuple[str, ...]:
        """Return the SHA-256 of every policy that is kept, sorted."""
        return tuple(sorted(file.stem for file in self._policies.glob("*.toml") if _DIGEST.fullmatch(file.stem)))

    def keep(self, text: str) -> Policy:
        """Check a policy's text and keep it; return the policy.

        Raises:
            ConfigurationError: CFG-010, the text is refused; CFG-004, the folder cannot be written.
        """
        policy = policies.load(text)
        self._write(self._policies / f"{policy.digest}.toml", text.encode())
        return policy

    def handed_in(self) -> dict[str, str]:
        """Return the public keys that officers handed in before the first act, by name.

        Raises:
            ConfigurationError: CFG-238, a name or a key is malformed.
        """
        return {file.stem: _key(file.stem, self._read(file)) for file in sorted(self._officers.glob("*.pub"))}

    def hand_in(self, name: str, key: str) -> None:
        """Keep the public key of an officer before the first act.

        Raises:
            ConfigurationError: CFG-238, name or key is malformed, or the name is taken; CFG-004, as `keep`.
        """
        _key(name, key.encode())
        if (self._officers / f"{name}.pub").exists():
            raise ConfigurationError("CFG-238", f"there is an officer {name} already")
        self._write(self._officers / f"{name}.pub", key.encode() + b"\n")

    def propose(self, act: PolicyAct) -> Proposal:
        """Keep an act as a proposal; one that is there already keeps its signatures."""
        act.refuse_bad_officers()
        self._write(self._place(act.id[:_ID_DIGITS]), act.statement())
        return self.proposal(act.id)

    def proposals(self) -> tuple[Proposal, ...]:
        """Return every proposal that follows the acts in force."""
        chain = self.acts()
        files = sorted((self._policies / "proposals").glob("*.act"))
        read = [self.proposal(file.stem) for file in files]
        return tuple(one for one in read if one.act.number == len(chain) and one.act.previous == _last(chain))

    def proposal(self, name: str) -> Proposal:
        """Return a proposal by the first digits of its id.

        Raises:
            ConfigurationError: CFG-239, there is none, or more than one; CFG-234, it is no act.
        """
        shown = name[:_ID_DIGITS] if re.fullmatch(r"[0-9a-f]{4,64}", name) else "-"
        found = sorted((self._policies / "proposals").glob(f"{shown}*.act"))
        if len(found) != 1:
            raise ConfigurationError("CFG-239", "there is no such proposal: see `amana policy list`")
        signed = self._signed(found[0])
        act = PolicyAct.parse(signed.statement)
        return Proposal(act, signed.signatures)

    def add_signature(self, proposal: Proposal, officer: str, signature: bytes) -> Proposal:
        """Keep the signature of an officer beside a proposal; whether it is valid is decided at activation."""
        self._write(self._place(proposal.id, f".{officer}.sig"), signature.hex().encode() + b"\n")
        return self.proposal(proposal.id)

    def activate(self, proposal: Proposal) -> PolicyAct:
        """Put a proposal in force, after the acts that are.

        Raises:
            ConfigurationError: CFG-232 to CFG-234, it is not signed by two officers, or does not follow.
        """
        act = refuse_unapproved(SignedAct(proposal.act.statement(), proposal.signatures), self.acts())
        place = self._policies / "acts" / f"{act.number:04}.act"
        # A crash may have left signatures of another proposal, which would refuse this act.
        for file in place.parent.glob(f"{place.stem}.*.sig"):
            file.unlink()
        for officer, signature in proposal.signatures.items():
            self._write(place.with_suffix(f".{officer}.sig"), signature.hex().encode() + b"\n")
        self._write(place, act.statement())
        for file in (self._policies / "proposals").glob(f"{proposal.id}.*"):
            file.unlink()
        return act

    def _place(self, name: str, suffix: str = ".act") -> Path:
        return self._policies / "proposals" / f"{name}{suffix}"

    def _signed(self, file: Path) -> SignedAct:
        """Read an act and everything beside it that claims to be a signature of it."""
        signatures = {}
        for beside in sorted(file.parent.glob(f"{file.stem}.*.sig")):
            text = self._read(beside).decode("ascii", errors="replace").strip()
            # What is no hex is no signature of anybody; it must not look as if nobody had signed.
            signatures[beside.name.split(".")[1]] = bytes.fromhex(text) if re.fullmatch("[0-9a-f]{128}", text) else b""
        return SignedAct(self._read(file), signatures)

    def _read(self, file: Path) -> bytes:
        try:
            return file.read_bytes()
        except OSError as error:
            raise ConfigurationError("CFG-234", f"{file} cannot be read") from error

    def _write(self, file: Path, content: bytes) -> None:
        temporary = file.with_name(f"{file.name}.tmp")
        try:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            temporary.write_bytes(content)
            # Texts, acts and keys of officers are public: whatever the umask takes away, who has the folder reads them.
            temporary.chmod(0o644)
            temporary.replace(file)
        except OSError as error:
            raise ConfigurationError("CFG-004", f"{file} cannot be written: {error.strerror}") from error


def _last(chain: tuple[PolicyAct, ...]) -> str:
    return chain[-1].id if chain else ""


def _key(name: str, content: bytes) -> str:
    """Return the hex of a public key.

    Raises:
        ConfigurationError: CFG-238.
    """
    text = content.decode("ascii", errors="replace")
    if not OFFICER_NAME.fullmatch(name) or not _KEY.fullmatch(text):
        raise ConfigurationError("CFG-238", "an officer has a name such as `ana` and a key of 64 hex digits")
    return text.strip()
