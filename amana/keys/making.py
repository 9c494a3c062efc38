"""The making of a party's secrets, and their copies where one machine is several parties.

Purpose: draw what is missing and nothing else; never overwrite. On one machine (the demonstration, a trial) the holders
of a secret get it by a copy; between machines by `amana.keys.exchange`.
Called by: `amana.site` (`complete`, `complete_operator`), `amana keys init` (`begin`).

Invariants:
- A secret file is readable by its owner alone (0600) from the moment it exists, in folders of 0700.
- A secret is made once, by the first of its holders that is here; the others get the same bytes.
- A public half is written after its private one: what is sealed to a key without a private half would never be opened.
"""

import datetime as dt
import functools
import json
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from amana.keys import parties
from schemas import sealing, signing
from schemas.record_seal import AGENCY, EVIDENCE, REFUSED

__all__ = [
    "FIRST_YEAR",
    "Members",
    "begin",
    "complete",
    "complete_operator",
    "members_of",
    "new_sealing_key",
    "once",
    "replace",
    "scope_keys",
    "scopes",
]

FIRST_YEAR: Final = 1990
"""The first year of events that are admitted (`streams.core.counting.admit`)."""

_KEY_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Members:
    """Everybody who takes part, as far as keys are concerned.

    Args:
        agencies: ids of the agencies.
        last_year: the last year of events that gets keys.
        passwords: principals that get a password here.
        given: passwords by principal, which another system has chosen already.
    """

    agencies: tuple[str, ...]
    last_year: int
    passwords: tuple[str, ...] = ()
    given: Mapping[str, str] | None = None


def members_of(agencies: tuple[str, ...], today: dt.date) -> Members:
    """Return the agencies with the years that get keys: up to the next one."""
    return Members(agencies, today.year + 1)


def scopes(members: Members) -> tuple[str, ...]:
    """Return the scopes of the hub's records: every year of events, the agencies, evidence, refused records."""
    years = map(str, range(FIRST_YEAR, members.last_year + 1))
    return (*years, *(AGENCY + agency for agency in members.agencies), EVIDENCE, REFUSED)


def complete(home: Path, public: Path, members: Members) -> None:
    """Make what is missing of every party's secrets below `home`, and their public halves: one machine is all parties.

    Args:
        home: the folder `parties`.
        public: the folder of public keys.
        members: everybody who takes part.

    Raises:
        OSError: a folder cannot be written.
    """
    everybody = list(_everybody(members.agencies))
    for party, agency in everybody:
        begin(home, public, party, agency, members)
    # The shared ones: the first holder that has it gives it to all.
    _share([_folder(home, parties.AGENCY_PARTY, agency) / "person.key" for agency in members.agencies], _key)
    for scope in scopes(members):
        holders = [_folder(home, *one) for one in everybody if parties.holds_scope(*one, scope)]
        _share([folder / "records" / f"{scope}.json" for folder in holders], scope_keys)
    for principal in members.passwords:
        password = (members.given or {}).get(principal) or secrets.token_urlsafe(_KEY_BYTES)
        text = json.dumps({"username": principal, "password": password})
        holders = [_folder(home, "operator", None), _folder(home, *parties.party_of(principal))]
        _share([folder / "passwords" / f"{principal}.json" for folder in holders], functools.partial(str, text))


def complete_operator(home: Path, public: Path, members: Members) -> None:
    """Make the operator's secrets and every password; the other parties are elsewhere, and have empty folders here."""
    for party, agency in _everybody(()):
        _folder(home, party, agency).mkdir(mode=0o700, parents=True, exist_ok=True)
    begin(home, public, "operator", None, members)
    for principal in members.passwords:
        password = (members.given or {}).get(principal) or secrets.token_urlsafe(_KEY_BYTES)
        text = json.dumps({"username": principal, "password": password})
        once(_folder(home, "operator", None) / "passwords" / f"{principal}.json", functools.partial(str, text))


def begin(home: Path, public: Path, party: str, agency: str | None, members: Members) -> None:
    """Make the folder of one party with the secrets that are its own; shared ones come by copy or by exchange."""
    folder = _folder(home, party, agency)
    # One by one: folders that `parents` makes on the way would be open to others.
    for path in (home, folder.parent, folder, folder / "passwords", folder / "records"):
        path.mkdir(mode=0o700, exist_ok=True)
    name = parties.folder_of(party, agency).replace("/", ".")
    _pair(folder / "exchange.key", public / "exchange" / f"{name}.pub", sealing.PRIVATE_BYTES, sealing.public_key_of)
    if party == parties.AGENCY_PARTY:
        once(folder / "event.key", _key)
        _pair(folder / "signing.key", public / "signing" / f"{agency}.pub", _KEY_BYTES, signing.public_key_of)
    elif party == "deidentify":
        once(folder / "dedupe.key", _key)
        (folder / "sealing").mkdir(mode=0o700, exist_ok=True)
        if not (public / "sealing.pub").exists():
            new_sealing_key(folder, public)
        for scope in scopes(members):
            once(folder / "records" / f"{scope}.json", scope_keys)
    elif party == "release":
        once(folder / "suppression.key", _key)
        _pair(folder / "audit-signing.key", public / "audit.pub", _KEY_BYTES, signing.public_key_of)


def new_sealing_key(folder: Path, public: Path, tell: Callable[[str], object] = lambda _: None) -> str:
    """Draw a sealing key, announce its public half as the present one, and return its id; `tell` is told it before."""
    key = secrets.token_bytes(sealing.PRIVATE_BYTES)
    half = sealing.public_key_of(key)
    name = sealing.key_id_of(half)
    tell(name)
    once(folder / "sealing" / f"{name}.key", key.hex)
    replace(public / "sealing.pub", half.hex())
    return name


def scope_keys() -> str:
    """Draw the keys of one scope of the hub's records."""
    index, first = secrets.token_hex(_KEY_BYTES), secrets.token_hex(_KEY_BYTES)
    return json.dumps({"index": index, "sealing": [first]})


def once(path: Path, make: Callable[[], str]) -> str:
    """Return the file's text; if the file does not exist, write it (0600), whole or not at all."""
    if not path.exists():
        replace(path, make(), mode=0o600)
    return path.read_text(encoding="ascii")


def _everybody(agencies: Iterable[str]) -> Iterator[tuple[str, str | None]]:
    for party in parties.PARTIES:
        if party == parties.AGENCY_PARTY:
            yield from ((party, agency) for agency in agencies)
        else:
            yield party, None


def _folder(home: Path, party: str, agency: str | None) -> Path:
    return home / parties.folder_of(party, agency)


def _share(paths: list[Path], make: Callable[[], str]) -> None:
    """Give every holder the secret: that of the first one who has it, else a new one."""
    held = next((path for path in paths if path.exists()), None)
    text = held.read_text(encoding="ascii") if held else make()
    for path in paths:
        once(path, lambda: text)


def _pair(private: Path, public: Path, length: int, public_of: Callable[[bytes], bytes]) -> None:
    """Make a key pair, unless it exists; a public half alone is no fault, as the private one may lie elsewhere."""
    if private.exists() or not public.exists():
        key = bytes.fromhex(once(private, functools.partial(secrets.token_hex, length)))
        if not public.exists():
            replace(public, public_of(key).hex())


def _key() -> str:
    return secrets.token_hex(_KEY_BYTES)


def replace(path: Path, text: str, mode: int = 0o644) -> None:
    """Write a file whole or not at all, with its mode from the first moment on."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.new")  # no pattern of keys finds it
    temporary.unlink(missing_ok=True)  # of a start that was interrupted
    # The mode is given at creation: with a later chmod others could read the key for a moment.
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        if mode & 0o044:
            temporary.chmod(mode)  # a public half, whatever the umask takes away
        file.write(text)
        # Without it a power failure may leave an empty key, and all that was sealed with the lost one is lost.
        os.fsync(file.fileno())
    temporary.rename(path)
