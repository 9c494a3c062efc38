"""Notes of acts on keys that are to enter the audit log, kept until the operator can send them.

Purpose: keys are made before there is a broker, and parties without the operator's credential make, share and accept
keys too. Each notes its acts as files in the public folder; the operator's next command sends them to the topic
`audit`.
Called by: `amana.site`, `amana keys` and `amana.composition.key_acts`.

Invariants:
- A note names parties, secrets and ids of keys, and never a secret.
- A note is what a party says: whoever can write to the public folder can write another one. The acts of the operator
  itself are sent before they happen (`key_acts`).
"""

import json
import secrets
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from amana.keys import making, parties
from schemas import record_seal, sealing, signing

__all__ = ["FOLDER", "Files", "files", "key_id_of", "note", "note_made", "noted"]

FOLDER: Final = "acts"
"""Folder below the public one."""

Files = frozenset[Path]

_SIGNING: Final = frozenset({"signing.key", "audit-signing.key"})


def note(public: Path, details: Mapping[str, str]) -> None:
    """Keep a note of one act."""
    name = f"{time.time_ns():020}-{secrets.token_hex(4)}.json"
    making.replace(public / FOLDER / name, json.dumps(dict(details), sort_keys=True))


def noted(public: Path) -> Iterator[tuple[Path, dict[str, str]]]:
    """Yield every note with its file, in order; what is no note is passed over."""
    for path in sorted((public / FOLDER).glob("*.json")):
        try:
            details = json.loads(path.read_text(encoding="ascii"))
        except (OSError, ValueError):
            continue
        if isinstance(details, dict) and all(type(text) is str for text in details.values()):
            yield path, details


def files(home: Path) -> Files:
    """Return every file below the folder `parties`."""
    return frozenset(path for path in home.rglob("*") if path.is_file())


def note_made(home: Path, public: Path, before: Files) -> None:
    """Note which secrets were made since `before`: one note for each party and secret, with the ids that are new."""
    fresh, known = files(home) - before, set[str]()
    for secret in (secret for secret in parties.SECRETS if not secret.apart):
        # The first holder makes it, and the others have a copy: the same id again.
        for party in secret.holders:
            for folder in sorted(home.glob("agencies/*")) if party == parties.AGENCY_PARTY else [home / party]:
                made = [path for path in sorted(folder.glob(secret.files)) if path in fresh]
                ids = [name for path in made if (name := key_id_of(path) or path.stem) not in known]
                known |= set(ids)
                if ids:
                    name = str(folder.relative_to(home))
                    note(public, {"act": "make", "party": name, "secret": secret.name, "keys": ", ".join(ids)})


def key_id_of(path: Path) -> str:
    """Return the id of the key in a file: of its public half if it has one; empty for a password."""
    if path.parent.name == "passwords":
        return ""
    if path.suffix == ".json":
        return record_seal.key_id(bytes.fromhex(json.loads(path.read_text(encoding="ascii"))["sealing"][-1]))
    key = bytes.fromhex(path.read_text(encoding="ascii"))
    if len(key) == sealing.PRIVATE_BYTES:
        return sealing.key_id_of(sealing.public_key_of(key))
    return sealing.key_id_of(signing.public_key_of(key)) if path.name in _SIGNING else record_seal.key_id(key)
