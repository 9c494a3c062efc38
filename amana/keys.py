"""The keys and passwords of a site, made on its first start.

Decides what is drawn, and that its owner alone can read it. Does not rotate or revoke, and never overwrites.

- `sealing`: X25519, the de-identifier's; `audit-signing`: Ed25519; their public halves lie in `public/`.
- `agencies-shared`: the first person key, held by the agencies; `dedupe-party`: the second; one alone reverses nothing.
- `agency/<id>`: the key of an agency's event ids.
"""

import functools
import json
import os
import secrets
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ed25519, x25519

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
    sealing = _key(private / "sealing.key")
    signing = _key(private / "audit-signing.key")
    for name in ("agencies-shared", "dedupe-party", *(f"agency/{agency}" for agency in agencies)):
        _key(private / f"{name}.key")
    for principal in principals:
        _once(
            private / "principals" / f"{principal}.json",
            functools.partial(_credential, principal, (given or {}).get(principal)),
        )
    sealing_public = x25519.X25519PrivateKey.from_private_bytes(sealing).public_key().public_bytes_raw()
    signing_public = ed25519.Ed25519PrivateKey.from_private_bytes(signing).public_key().public_bytes_raw()
    _once(public / "sealing.pub", sealing_public.hex)
    _once(public / "audit.pub", signing_public.hex)


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
