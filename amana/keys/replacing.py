"""Replacement and destruction of keys and passwords.

Purpose: change what is in the folders of this machine, in an order in which nothing that is still needed is lost.
Called by: `amana keys rotate` and `amana keys destroy`, which write each act to the audit log.

Invariants:
- A new key is in every folder that must open with it before anything is sealed with it elsewhere: readers come first.
  Processes that run read the folders again (`amana.keys.live_folder`), and need no restart.
- The present sealing key, and the keys of a year that may still be revised, are never destroyed.
- A key by which something is found again has its own year: persons keep their tokens, cells and states their places.
- Destroyed keys leave their ids: records under them are known to be gone on purpose.
- `tell` is told the id of the key before anything is changed: the audit log names every act before it happens.
"""

import json
import secrets
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from amana.keys import making, parties
from amana.keys.party_folder import ERASED, NEXT_AUDIT_KEY, PartyFolder
from schemas import record_seal, sealing, signing
from schemas.errors import ConfigurationError

__all__ = [
    "destroy_earlier_signing_keys",
    "destroy_scope",
    "destroy_sealing_key",
    "finish_audit_key",
    "new_audit_key",
    "new_dedupe_key",
    "new_exchange_key",
    "new_password",
    "new_record_key",
    "new_sealing_key",
    "new_signing_key",
    "new_suppression_key",
]

Tell = Callable[[str], object]
"""Told the id of a key, or of several."""


def _nobody(_key_id: str) -> None:
    """Tell nobody."""


_KEY_BYTES: Final = 32

_WRITERS: Final = ("counting", "deidentify")
"""The parties that seal records of the hub, in the order in which they get a new key."""


def new_sealing_key(home: Path, public: Path, tell: Tell = _nobody) -> str:
    """Draw a sealing key and announce it; the keys before it go on opening. Return its id.

    Raises:
        ConfigurationError: CFG-005, the folder of the de-identifier is not on this machine.
    """
    folder = PartyFolder(home / parties.folder_of("deidentify"))
    folder.sealing_keys()
    return making.new_sealing_key(folder.path, public, tell)


def destroy_sealing_key(home: Path, public: Path, key_id: str, tell: Tell = _nobody) -> None:
    """Destroy a sealing key that was replaced: what was sealed to it stays closed for ever.

    Raises:
        ConfigurationError: CFG-275, it is the present one; CFG-005, there is no such key.
    """
    present = sealing.key_id_of(bytes.fromhex((public / "sealing.pub").read_text(encoding="ascii")))
    if key_id == present:
        raise ConfigurationError("CFG-275", "agencies seal to this key now: rotate it first")
    path = home / parties.folder_of("deidentify") / "sealing" / f"{key_id}.key"
    if key_id not in {one.name.removesuffix(".key") for one in path.parent.glob("*.key")}:
        raise ConfigurationError("CFG-005", "the de-identifier has no such sealing key")
    tell(key_id)
    path.unlink()


def new_signing_key(home: Path, public: Path, agency: str, tell: Tell = _nobody) -> str:
    """Draw a signing key of an agency; the hub verifies with it and, for events on their way, with those before it.

    Returns:
        The id of its public half.

    Raises:
        ConfigurationError: CFG-005, the agency's folder is not on this machine.
    """
    folder = PartyFolder(home / parties.folder_of(parties.AGENCY_PARTY, agency))
    folder.key("signing")
    present, earlier = public / "signing" / f"{agency}.pub", public / "signing" / f"{agency}.earlier"
    key = secrets.token_bytes(_KEY_BYTES)
    half = signing.public_key_of(key)
    before = earlier.read_text(encoding="ascii").split() if earlier.exists() else []
    tell(sealing.key_id_of(half))
    # The public half of the key before it counts on, then the new one counts, then it is used: no event is refused.
    making.replace(earlier, "\n".join([present.read_text(encoding="ascii").strip(), *before]))
    making.replace(present, half.hex())
    making.replace(folder.path / "signing.key", key.hex(), mode=0o600)
    return sealing.key_id_of(half)


def destroy_earlier_signing_keys(public: Path, agency: str, tell: Tell = _nobody) -> tuple[str, ...]:
    """Let no key of an agency count but the present one; return the ids of the public halves that are gone.

    Raises:
        ConfigurationError: CFG-005, the agency has no earlier key.
    """
    earlier = public / "signing" / f"{agency}.earlier"
    if not earlier.exists():
        raise ConfigurationError("CFG-005", "no earlier signing key of the agency counts")
    ids = tuple(sealing.key_id_of(bytes.fromhex(half)) for half in earlier.read_text(encoding="ascii").split())
    tell(", ".join(ids))
    earlier.unlink()
    return ids


def new_record_key(home: Path, scope: str, agencies: Iterable[str], tell: Tell = _nobody) -> str:
    """Add a sealing key to a scope of the hub's records, in every folder of this machine that has the scope.

    Returns:
        The id of the new key.

    Raises:
        ConfigurationError: CFG-005, no party on this machine has keys of that scope.
    """
    paths = _holders(home, scope, agencies)
    # Readers come first, in the order against the flow: a record under a key that its reader lacks would end the
    # reader. Counting reads what the de-identifier seals, and everybody else reads what counting seals.
    paths.sort(key=lambda path: _WRITERS.index(_party(path)) if _party(path) in _WRITERS else -1)
    stored = json.loads(paths[0].read_text(encoding="ascii"))
    fresh = secrets.token_hex(_KEY_BYTES)
    text = json.dumps({**stored, "sealing": [*stored["sealing"], fresh]})
    name = record_seal.key_id(bytes.fromhex(fresh))
    tell(name)
    for path in paths:
        making.replace(path, text, mode=0o600)
    return name


def destroy_scope(home: Path, scope: str, agencies: Iterable[str], tell: Tell = _nobody) -> tuple[str, ...]:
    """Destroy the keys of a scope in every folder of this machine, and note their ids there.

    Returns:
        The ids of the sealing keys that are gone.

    Raises:
        ConfigurationError: CFG-005, no party on this machine has keys of that scope.
    """
    paths = _holders(home, scope, agencies)
    held = [json.loads(path.read_text(encoding="ascii"))["sealing"] for path in paths]
    gone = {record_seal.key_id(bytes.fromhex(key)) for keys in held for key in keys}
    tell(", ".join(sorted(gone)))
    for path in paths:
        folder = PartyFolder(path.parent.parent)
        # The ids first: a process that found neither key nor id would take the records for altered.
        making.replace(folder.path / ERASED, json.dumps(sorted(gone | set(folder.erased()))), mode=0o600)
        path.unlink()
    return tuple(sorted(gone))


def new_dedupe_key(home: Path, year: int, today_year: int, tell: Tell = _nobody) -> str:
    """Draw a person key of the hub for the events of a year to come and of those after it; return its id.

    Raises:
        ConfigurationError: CFG-280, there may be events of that year already: a person would have two tokens in it;
            CFG-005, the folder of the de-identifier is not on this machine.
    """
    if year <= today_year:
        raise ConfigurationError(
            "CFG-280", f"{year} may have events: a person key of the hub changes with a later year"
        )
    folder = PartyFolder(home / parties.folder_of("deidentify"))
    folder.key("dedupe")
    return _drawn(folder.path / "dedupe" / f"{year}.key", tell)


def new_suppression_key(home: Path, tell: Tell = _nobody) -> str:
    """Draw another key of suppression, which the next release uses; return its id; raises CFG-005 as the others."""
    folder = PartyFolder(home / parties.folder_of("release"))
    folder.key("suppression")
    return _drawn(folder.path / "suppression.key", tell)


def new_exchange_key(home: Path, public: Path, member: tuple[str, str | None], tell: Tell = _nobody) -> str:
    """Draw another exchange key of a party (and agency) and announce it; return the id of its public half.

    What was wrapped for the key before it, and not taken over yet, has to be handed over again.
    """
    name = parties.folder_of(*member)
    folder = PartyFolder(home / name)
    folder.key("exchange")
    key = secrets.token_bytes(sealing.PRIVATE_BYTES)
    half = sealing.public_key_of(key)
    tell(sealing.key_id_of(half))
    making.replace(folder.path / "exchange.key", key.hex(), mode=0o600)
    making.replace(public / "exchange" / f"{name.replace('/', '.')}.pub", half.hex())
    return sealing.key_id_of(half)


def new_audit_key(home: Path, tell: Tell = _nobody) -> bytes:
    """Draw the next key of the audit log, unless there is one; return its public half.

    The release process hands the log on to it (`AuditStorage.hand_on`); then `finish_audit_key` ends the replacement.
    """
    folder = PartyFolder(home / parties.folder_of("release"))
    folder.key("audit-signing")
    key = folder.audit_successor() or secrets.token_bytes(_KEY_BYTES)
    half = signing.public_key_of(key)
    tell(sealing.key_id_of(half))
    making.replace(folder.path / NEXT_AUDIT_KEY, key.hex(), mode=0o600)
    return half


def finish_audit_key(home: Path, public: Path) -> None:
    """Announce the next key of the audit log, and destroy the one before it: the log was handed on."""
    folder = PartyFolder(home / parties.folder_of("release"))
    half = signing.public_key_of(folder.audit_successor() or b"")
    making.replace(public / "audit.pub", half.hex())
    (folder.path / NEXT_AUDIT_KEY).replace(folder.path / "audit-signing.key")


def new_password(home: Path, principal: str, tell: Callable[[str], None]) -> None:
    """Draw a password, and put it into the folders on this machine of those who may have it.

    The other fields of a principal's file, as its mechanism, stay. `tell` tells the broker, whose connections stay.
    It is called when the password is on disk beside the present one: after a crash neither is lost.

    Raises:
        ConfigurationError: CFG-276, the principal enters without a password of the broker's.
    """
    password = secrets.token_urlsafe(_KEY_BYTES)
    folders = {parties.folder_of("operator"), parties.folder_of(*parties.party_of(principal))}
    paths = [path for folder in folders if (path := home / folder / "passwords" / f"{principal}.json").exists()]
    for path in paths:
        stored = json.loads(path.read_text(encoding="ascii"))
        if "password" not in stored:
            raise ConfigurationError(
                "CFG-276", f"{principal} enters by tokens: whoever issues them replaces its secret"
            )
        making.replace(_pending(path), json.dumps({**stored, "password": password}), mode=0o600)
    tell(password)
    for path in paths:
        _pending(path).replace(path)


def _pending(path: Path) -> Path:
    return path.with_name(f"{path.name}.next")


def _drawn(path: Path, tell: Tell) -> str:
    """Write a fresh key into a file and return its id."""
    key = secrets.token_bytes(_KEY_BYTES)
    tell(record_seal.key_id(key))
    making.replace(path, key.hex(), mode=0o600)
    return record_seal.key_id(key)


def _party(path: Path) -> str:
    """Return the party in whose folder a file of keys of records lies."""
    return path.parent.parent.name


def _holders(home: Path, scope: str, agencies: Iterable[str]) -> list[Path]:
    everybody = [*(name for name in parties.PARTIES if name != parties.AGENCY_PARTY)]
    folders = [*map(parties.folder_of, everybody), *(parties.folder_of("agency", agency) for agency in agencies)]
    paths = [home / folder / "records" / f"{scope}.json" for folder in folders]
    found = [path for path in paths if path.exists()]
    if not found:
        raise ConfigurationError("CFG-005", "no party on this machine has keys of that year or kind of record")
    return found
