"""The keys and passwords of a site, made on its first start.

Purpose: draw what is missing. It neither rotates nor revokes, and never overwrites.
Called by: `amana.site.Site.create`.

Files below the site's folder:
- `secrets/sealing.key`: X25519, of the de-identifier; `secrets/audit-signing.key`: Ed25519, of the audit log. Their
  public halves are in `public/`.
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
    given: Mapping[str, str] | None = None,
) -> None:
    """Make what is missing of a site's keys and passwords below `private` (0700) and `public`.

    `given` holds passwords of principals that another system has chosen already.
    """
    _signing(private / "audit-signing.key", public / "audit.pub")
    for name in ("sealing", "agencies-shared", "dedupe-party"):
        _key(private / f"{name}.key")
    for agency in agencies:
        _key(private / "agency" / f"{agency}.key")
        _signing(private / "signing" / f"{agency}.key", public / "signing" / f"{agency}.pub")
    for principal in principals:
        _once(
            private / "principals" / f"{principal}.json",
            functools.partial(_credential, principal, (given or {}).get(principal)),
        )
    _once(public / "sealing.pub", lambda: sealing.public_key_of(_key(private / "sealing.key")).hex())


def _signing(private: Path, public: Path) -> None:
    """Make an Ed25519 key; where only its public half lies here, its owner keeps the private one elsewhere."""
    if private.exists() or not public.exists():
        _once(public, lambda: signing.public_key_of(_key(private)).hex())


def _credential(principal: str, password: str | None) -> str:
    return json.dumps({"username": principal, "password": password or secrets.token_urlsafe(_KEY_BYTES)})


def _key(path: Path) -> bytes:
    return bytes.fromhex(_once(path, lambda: secrets.token_bytes(_KEY_BYTES).hex()))


def _once(path: Path, make: Callable[[], str]) -> str:
    """Return the file's text, making the file (0600) if it is not there; whole or not at all."""
    if not path.exists():
        temporary = path.with_name(f".{path.name}")
        temporary.unlink(missing_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(make())
            os.fsync(file.fileno())
        temporary.rename(path)
    return path.read_text(encoding="ascii")
