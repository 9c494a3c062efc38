"""Replacement and destruction of keys and passwords.

Purpose: change what is in the folders of this machine, in an order in which nothing that is still needed is lost.
Called by: `amana keys rotate` and `amana keys destroy`, which write each act to the audit log.

Invariants:
- A new key is in every folder that must open with it before anything is sealed with it elsewhere: readers come first.
- The present sealing key, and the keys of a year that may still be revised, are never destroyed.
- Destroyed keys leave their ids: records under them are known to be gone on purpose.
"""

import json
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from amana.keys import making, parties
from amana.keys.party_folder import ERASED, PartyFolder
from schemas import record_seal, sealing
from schemas.errors import ConfigurationError

__all__ = ["destroy_scope", "destroy_sealing_key", "new_password", "new_record_key", "new_sealing_key"]

_KEY_BYTES: Final = 32


def new_sealing_key(home: Path, public: Path) -> str:
    """Draw a sealing key and announce it; the keys before it go on opening. Return its id.

    Raises:
        ConfigurationError: CFG-005, the folder of the de-identifier is not on this machine.
    """
    folder = PartyFolder(home / parties.folder_of("deidentify"))
    folder.sealing_keys()
    return making.new_sealing_key(folder.path, public)


def destroy_sealing_key(home: Path, public: Path, key_id: str) -> None:
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
    path.unlink()


def new_record_key(home: Path, scope: str, agencies: Iterable[str]) -> str:
    """Add a sealing key to a scope of the hub's records, in every folder of this machine that has the scope.

    Returns:
        The id of the new key.

    Raises:
        ConfigurationError: CFG-005, no party on this machine has keys of that scope.
    """
    paths = _holders(home, scope, agencies)
    # Those that only read come first: a record under a key that its reader lacks would end the reader.
    paths.sort(key=lambda path: path.parent.parent.name in {"deidentify", "counting"})
    stored = json.loads(paths[0].read_text(encoding="ascii"))
    fresh = secrets.token_hex(_KEY_BYTES)
    text = json.dumps({**stored, "sealing": [*stored["sealing"], fresh]})
    for path in paths:
        making.replace(path, text, mode=0o600)
    return record_seal.key_id(bytes.fromhex(fresh))


def destroy_scope(home: Path, scope: str, agencies: Iterable[str]) -> tuple[str, ...]:
    """Destroy the keys of a scope in every folder of this machine, and note their ids there.

    Returns:
        The ids of the sealing keys that are gone.

    Raises:
        ConfigurationError: CFG-005, no party on this machine has keys of that scope.
    """
    gone: set[str] = set()
    for path in _holders(home, scope, agencies):
        stored = json.loads(path.read_text(encoding="ascii"))
        ids = {record_seal.key_id(bytes.fromhex(key)) for key in stored["sealing"]}
        folder = PartyFolder(path.parent.parent)
        # The ids first: a process that found neither key nor id would take the records for altered.
        making.replace(folder.path / ERASED, json.dumps(sorted(ids | set(folder.erased()))), mode=0o600)
        path.unlink()
        gone |= ids
    return tuple(sorted(gone))


def new_password(home: Path, principal: str) -> str:
    """Draw a password, and put it into the folders on this machine of those who may have it. Return it.

    The broker must learn it before or after; until both have it, new connections of the principal are refused.
    """
    password = secrets.token_urlsafe(_KEY_BYTES)
    text = json.dumps({"username": principal, "password": password})
    for folder in {parties.folder_of("operator"), parties.folder_of(*parties.party_of(principal))}:
        path = home / folder / "passwords" / f"{principal}.json"
        if path.exists():
            making.replace(path, text, mode=0o600)
    return password


def _holders(home: Path, scope: str, agencies: Iterable[str]) -> list[Path]:
    everybody = [*(name for name in parties.PARTIES if name != parties.AGENCY_PARTY)]
    folders = [*map(parties.folder_of, everybody), *(parties.folder_of("agency", agency) for agency in agencies)]
    paths = [home / folder / "records" / f"{scope}.json" for folder in folders]
    found = [path for path in paths if path.exists()]
    if not found:
        raise ConfigurationError("CFG-005", "no party on this machine has keys of that year or kind of record")
    return found
