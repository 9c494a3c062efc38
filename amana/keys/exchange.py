"""Handing over of secrets between parties on different machines, through a folder that anybody may read.

Purpose: wrap a secret for one party, so that who carries it, the operator for instance, cannot open it; and take over
what was wrapped for oneself.
Called by: `amana keys share` and `amana keys accept`.

    hand_over(home, public, giver, taker, fingerprint, "person.key")     at the giver
    take_over(home, public, taker, giver, fingerprint)                   at the taker
    meet(home, public, member, members, seconds)                         at each process of one hub, at its first start

Construction: HPKE as in `schemas.sealing`, info `amana/1|exchange|giver|taker|name`, to the taker's exchange key. An
agency signs what it hands over (Ed25519, `amana/1|handed over|` and the document without the signature).

Invariants:
- Both sides compare a fingerprint that they told each other in another way: the carrier could have put keys of its own
  into the public folder.
- A secret that the taker has already is never replaced by another one, except keys of records by longer lists of them.
- `meet` compares no fingerprints: whoever can write to the public folder of a hub while it starts for the first time
  could hand over keys of its own. It is for the processes of one machine, kept apart by their mounts.

Source: RFC 9180 (HPKE), RFC 8032 (Ed25519).
"""

import hashlib
import json
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

from amana.keys import making, parties
from amana.keys.party_folder import PartyFolder
from schemas import sealing
from schemas.errors import ConfigurationError
from streams.broker import access

__all__ = ["PartyId", "fingerprint_of", "hand_over", "meet", "take_over"]

_ENCAPSULATION_KEY_BYTES: Final = 1_184
_SIGNED: Final = b"amana/1|handed over|"
_GROUP: Final = 4
_PAUSE_SECONDS: Final = 0.2
_NAME: Final = re.compile(r"person\.key|(records|passwords)/[a-z0-9-]+(\.[a-z0-9-]+)?\.json")


class PartyId(NamedTuple):
    """One party that takes part: its kind, and the agency if it is one."""

    party: str
    agency: str | None = None

    @property
    def name(self) -> str:
        """Return the name of its files in the public folder."""
        return parties.folder_of(self.party, self.agency).replace("/", ".")

    def folder(self, home: Path) -> PartyFolder:
        """Return its folder."""
        return PartyFolder(home / parties.folder_of(self.party, self.agency))


def fingerprint_of(public: Path, member: PartyId) -> str:
    """Return the fingerprint of a party's public keys: 32 hex digits in groups of four, to be read out aloud.

    Raises:
        ConfigurationError: CFG-270, the party has announced no keys.
    """
    halves = [_half(public / "exchange" / f"{member.name}.pub", member)]
    if member.party == parties.AGENCY_PARTY:
        halves.append(_half(public / "signing" / f"{member.agency}.pub", member))
    digits = hashlib.sha256(b"|".join(halves)).hexdigest()[:32]
    return " ".join(digits[at : at + _GROUP] for at in range(0, len(digits), _GROUP))


def hand_over(home: Path, public: Path, giver: PartyId, taker: PartyId, fingerprint: str, name: str) -> Path:
    """Wrap one secret of `giver` for `taker`, and return the file.

    Args:
        home: the folder `parties` of the giver's machine.
        public: the folder of public keys, from which the file is carried to the taker.
        giver: has the secret.
        taker: is to have it.
        fingerprint: the taker's, as the taker said it.
        name: path of the secret within the giver's folder, as `person.key`.

    Raises:
        ConfigurationError: CFG-270 to CFG-272; CFG-005, the giver has no such secret.
    """
    _compare(public, taker, fingerprint)
    if not _may_have(taker, name):
        raise ConfigurationError("CFG-272", f"{taker.name} may not have {name}")
    secret = giver.folder(home).text(name)
    half = _half(public / "exchange" / f"{taker.name}.pub", taker)
    recipient = hpke.MLKEM768X25519PublicKey(
        MLKEM768PublicKey.from_public_bytes(half[:_ENCAPSULATION_KEY_BYTES]),
        X25519PublicKey.from_public_bytes(half[_ENCAPSULATION_KEY_BYTES:]),
    )
    wrapped = sealing.SUITE.encrypt(secret.encode("ascii"), recipient, _info(giver, taker, name))
    document = {"from": giver.name, "name": name, "wrapped": wrapped.hex()}
    if giver.party == parties.AGENCY_PARTY:
        key = Ed25519PrivateKey.from_private_bytes(giver.folder(home).key("signing"))
        document["signature"] = key.sign(_SIGNED + _spelt(document)).hex()
    file = public / "exchange" / taker.name / f"{giver.name}.{name.replace('/', '.')}.json"
    making.replace(file, json.dumps(document))
    return file


def take_over(home: Path, public: Path, taker: PartyId, giver: PartyId, fingerprint: str) -> tuple[str, ...]:
    """Take over everything that `giver` wrapped for `taker`; return the names of what is new.

    Args:
        home: the folder `parties` of the taker's machine.
        public: the folder in which the wrapped files lie.
        taker: takes over.
        giver: handed over.
        fingerprint: the giver's, as the giver said it.

    Raises:
        ConfigurationError: CFG-270, CFG-271; CFG-273, a file does not open, or was not made by the giver; CFG-274, the
            taker has another secret of that name.
    """
    _compare(public, giver, fingerprint)
    taken = []
    for file in sorted((public / "exchange" / taker.name).glob(f"{giver.name}.*.json")):
        document = json.loads(file.read_text(encoding="ascii"))
        name, secret = document["name"], _opened(home, public, taker, giver, document)
        path = taker.folder(home).path / name
        if not path.exists() or _grows(path.read_text(encoding="ascii"), secret):
            making.replace(path, secret, mode=0o600)
            taken.append(name)
        elif path.read_text(encoding="ascii") != secret:
            raise ConfigurationError("CFG-274", f"{taker.name} has another {name} already; it was left as it is")
    return tuple(taken)


def meet(home: Path, public: Path, member: PartyId, members: making.Members, seconds: float) -> None:
    """Hand over what `member` makes for the others of a hub, and take over what they make for it.

    Args:
        home: the folder `parties` as this process sees it: its own folder alone.
        public: the folder that all of them see.
        member: a party of the hub.
        members: everybody who takes part, so that each knows what it waits for.
        seconds: how long to wait for the others.

    Raises:
        ConfigurationError: CFG-278, the others did not come in time; CFG-273, CFG-274, as `take_over`.
    """
    deadline, agencies = time.monotonic() + seconds, members.agencies
    hub = [PartyId(party) for party in parties.PARTIES if party != parties.AGENCY_PARTY]
    folder, given = member.folder(home).path, set[tuple[PartyId, str]]()
    while True:
        for taker in (one for one in hub if one != member and (public / "exchange" / f"{one.name}.pub").exists()):
            for name in _made_for(member, taker, folder, agencies):
                if (taker, name) not in given:
                    hand_over(home, public, member, taker, fingerprint_of(public, taker), name)
                    given.add((taker, name))
        for giver in (one for one in hub if one != member and (public / "exchange" / f"{one.name}.pub").exists()):
            take_over(home, public, member, giver, fingerprint_of(public, giver))
        takers = {taker for taker in hub if taker != member and _made_for(member, taker, folder, agencies)}
        if takers == {taker for taker, _ in given} and not _lacking(member, folder, members):
            return
        if time.monotonic() > deadline:
            raise ConfigurationError("CFG-278", f"the other parties did not hand over to {member.name} in time")
        time.sleep(_PAUSE_SECONDS)


def _made_for(member: PartyId, taker: PartyId, folder: Path, agencies: tuple[str, ...]) -> list[str]:
    """Return the secrets that `member` makes and `taker` is to have."""
    if member.party == "deidentify":
        names = [f"records/{path.name}" for path in sorted((folder / "records").glob("*.json"))]
    elif member.party == "operator":
        names = [f"passwords/{principal}.json" for principal in access.principals(agencies)]
    else:
        names = []
    return [name for name in names if _may_have(taker, name)]


def _lacking(member: PartyId, folder: Path, members: making.Members) -> list[str]:
    """Return what a party of the hub still waits for: its passwords, and keys of records."""
    every = access.principals(members.agencies)
    wanted = [f"passwords/{one}.json" for one in every if parties.party_of(one) == tuple(member)]
    wanted += [f"records/{scope}.json" for scope in making.scopes(members) if parties.holds_scope(*member, scope)]
    return [name for name in wanted if not (folder / name).exists()]


def _opened(home: Path, public: Path, taker: PartyId, giver: PartyId, document: Mapping[str, Any]) -> str:
    """Return the secret in a wrapped file, if the giver made it and the taker may have it."""
    name = str(document["name"])
    try:
        if giver.party == parties.AGENCY_PARTY:
            half = _half(public / "signing" / f"{giver.agency}.pub", giver)
            signed = {field: document[field] for field in ("from", "name", "wrapped")}
            Ed25519PublicKey.from_public_bytes(half).verify(
                bytes.fromhex(document["signature"]), _SIGNED + _spelt(signed)
            )
        key = sealing.private_key(taker.folder(home).key("exchange"))
        wrapped = bytes.fromhex(document["wrapped"])
        secret = sealing.SUITE.decrypt(wrapped, key, _info(giver, taker, name)).decode("ascii")
    except (KeyError, ValueError, InvalidSignature, InvalidTag):
        raise ConfigurationError("CFG-273", f"what {giver.name} handed over does not open, or is not its own") from None
    if not _may_have(taker, name):
        raise ConfigurationError("CFG-272", f"{taker.name} may not have {name}")
    return secret


def _may_have(taker: PartyId, name: str) -> bool:
    """Tell whether the table of secrets lets a party have a file of this name."""
    # The name comes out of a file that somebody else wrote: it must not lead out of the folder.
    if not _NAME.fullmatch(name):
        return False
    if name.startswith("records/"):
        return parties.holds_scope(*taker, name.removeprefix("records/").removesuffix(".json"))
    if name.startswith("passwords/"):
        principal = name.removeprefix("passwords/").removesuffix(".json")
        return principal in access.principals([taker.agency or ""]) and parties.party_of(principal) == tuple(taker)
    # Everything but keys of records, passwords and the agencies' person key belongs to one party alone.
    return name == "person.key" and taker.party == parties.AGENCY_PARTY


def _grows(held: str, offered: str) -> bool:
    """Tell whether keys of records that are offered hold all that are held, and more."""
    try:
        before, after = json.loads(held), json.loads(offered)
        return bool(before["index"] == after["index"] and set(before["sealing"]) < set(after["sealing"]))
    except (ValueError, TypeError, KeyError):
        return False


def _compare(public: Path, member: PartyId, said: str) -> None:
    if "".join(said.split()).lower() != fingerprint_of(public, member).replace(" ", ""):
        raise ConfigurationError(
            "CFG-271", f"the keys of {member.name} in the public folder have another fingerprint than the one you gave"
        )


def _half(path: Path, member: PartyId) -> bytes:
    try:
        return bytes.fromhex(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        raise ConfigurationError("CFG-270", f"{member.name} has announced no keys: {path.name} is missing") from None


def _info(giver: PartyId, taker: PartyId, name: str) -> bytes:
    return f"amana/1|exchange|{giver.name}|{taker.name}|{name}".encode()


def _spelt(document: Mapping[str, str]) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
