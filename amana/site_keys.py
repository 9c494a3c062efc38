"""The keys and passwords of a site, made on its first start.

Purpose: draw what is missing. It neither rotates nor revokes, and never overwrites.
Called by: `amana.site.Site.create`.

Files below the site's folder:
- `secrets/sealing.key`: X25519, of the de-identifier; `secrets/audit-signing.key`: Ed25519, of the audit log. Their
  public halves are in `public/`.
- `secrets/agencies-shared.key`: the first person key, shared by the agencies; `secrets/dedupe-party.key`: the second.
  One of them alone reverses no token.
- `secrets/suppression.key`: chooses between equally good suppressions; of the release process.
- `secrets/agency/<id>.key`: makes an agency's event ids; `secrets/signing/<id>.key`: Ed25519, signs its events; the
  public half is `public/signing/<id>.pub`.

Invariants:
- A secret file is readable by its owner alone (0600) from the moment it exists; a public half by everybody (0644).
- No key is derived from another.
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
    given: Mapping[str, str] | None = None,
) -> None:
    """Make what is missing of a site's keys and passwords below `private` (0700) and `public`.

    Args:
        private: folder of the secrets, 0700.
        public: folder of the public keys.
        agencies: ids of the agencies.
        principals: users of the broker that get a password here.
        given: passwords by principal, which another system has chosen already.

    Raises:
        OSError: a folder cannot be written.
    """
    _signing_pair(private / "audit-signing.key", public / "audit.pub")
    for name in ("sealing", "agencies-shared", "dedupe-party", "suppression"):
        _key(private / f"{name}.key")
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
    _public(public / "sealing.pub", lambda: sealing.public_key_of(_key(private / "sealing.key")).hex())


def _signing_pair(private: Path, public: Path) -> None:
    """Make an Ed25519 key pair, unless it exists."""
    # A public half alone is no fault: the agency keeps the private half to itself.
    if private.exists() or not public.exists():
        _public(public, lambda: signing.public_key_of(_key(private)).hex())


def _key(path: Path) -> bytes:
    """Return a secret key of 32 bytes, drawn if the file does not exist."""
    return bytes.fromhex(_once(path, lambda: secrets.token_bytes(_KEY_BYTES).hex()))


def _public(path: Path, make: Callable[[], str]) -> None:
    """Write a public key, unless it exists, and let everybody read it."""
    _once(path, make)
    path.chmod(0o644)


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
