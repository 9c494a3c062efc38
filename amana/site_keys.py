"""The keys and passwords of a site, made on its first start.

Purpose: draw what is missing. It neither rotates nor revokes, and never overwrites.
Called by: `amana.site.Site.create`.

Files below the site's folder:
- `secrets/sealing/<key id>.key`: ML-KEM-768 and X25519, of the de-identifier; `secrets/audit-signing.key`: Ed25519, of
  the audit log. Their public halves are in `public/`.
- `secrets/records/<scope>.json`: the keys under which the hub seals its own records (`schemas.record_seal`), one file
  for each year of events, one for evidence, one for refused records.
- `secrets/agencies-shared.key`: the first person key, shared by the agencies; `secrets/dedupe-party.key`: the second.
  One of them alone reverses no token.
- `secrets/agency/<id>.key`: makes an agency's event ids; `secrets/signing/<id>.key`: Ed25519, signs its events; the
  public half is `public/signing/<id>.pub`.

Invariants:
- A secret file is readable by its owner alone (0600) from the moment it exists.
"""

import functools
import json
import os
import secrets
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

from schemas import sealing, signing

__all__ = ["complete"]

_KEY_BYTES: Final = 32


def complete(
    private: Path,
    public: Path,
    *,
    agencies: Iterable[str],
    principals: Iterable[str],
    scopes: Iterable[str],
    given: Mapping[str, str] | None = None,
) -> None:
    """Make what is missing of a site's keys and passwords below `private` (0700) and `public`.

    Args:
        private: folder of the secrets, 0700.
        public: folder of the public keys.
        agencies: ids of the agencies.
        principals: users of the broker that get a password here.
        scopes: scopes of the hub's records that get keys.
        given: passwords by principal, which another system has chosen already.

    Raises:
        OSError: a folder cannot be written.
    """
    _signing_pair(private / "audit-signing.key", public / "audit.pub")
    for name in ("agencies-shared", "dedupe-party"):
        _key(private / f"{name}.key")
    _sealing_pair(private / "sealing", public / "sealing.pub")
    for scope in scopes:
        _once(private / "records" / f"{scope}.json", _scope_keys)
    for agency in agencies:
        _key(private / "agency" / f"{agency}.key")
        _signing_pair(private / "signing" / f"{agency}.key", public / "signing" / f"{agency}.pub")
    for principal in principals:
        password = (given or {}).get(principal) or secrets.token_urlsafe(_KEY_BYTES)
        # A password is drawn even for a principal that has one; `_once` keeps the stored one.
        _once(
            private / "principals" / f"{principal}.json",
            functools.partial(json.dumps, {"username": principal, "password": password}),
        )


def _sealing_pair(private: Path, public: Path) -> None:
    """Make the de-identifier's key pair, unless it has one; the private half is named by the id of the public one."""
    if not public.exists():
        key = secrets.token_bytes(sealing.PRIVATE_BYTES)
        half = sealing.public_key_of(key)
        # The private half first: what is sealed to a public key without it could never be opened.
        _once(private / f"{sealing.key_id_of(half)}.key", key.hex)
        _once(public, half.hex)


def _scope_keys() -> str:
    """Draw the keys of one scope of the hub's records."""
    index, first = secrets.token_hex(_KEY_BYTES), secrets.token_hex(_KEY_BYTES)
    return json.dumps({"index": index, "sealing": [first]})


def _signing_pair(private: Path, public: Path) -> None:
    """Make an Ed25519 key pair, unless it exists."""
    # A public half alone is no fault: the agency keeps the private half to itself.
    if private.exists() or not public.exists():
        _once(public, lambda: signing.public_key_of(_key(private)).hex())


def _key(path: Path) -> bytes:
    """Return a secret key of 32 bytes, drawn if the file does not exist."""
    return bytes.fromhex(_once(path, lambda: secrets.token_bytes(_KEY_BYTES).hex()))


def _once(path: Path, make: Callable[[], str]) -> str:
    """Return the file's text; if the file does not exist, write it (0600), whole or not at all."""
    if not path.exists():
        temporary = path.with_name(f".{path.name}")
        temporary.unlink(missing_ok=True)  # of a start that was interrupted
        # The mode is given at creation: with a later chmod others could read the key for a moment.
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(make())
            # Without it a power failure may leave an empty key, and all that was sealed with the lost one is lost.
            os.fsync(file.fileno())
        temporary.rename(path)
    return path.read_text(encoding="ascii")
