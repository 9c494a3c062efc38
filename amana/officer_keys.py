"""The signing key of an officer: made once, in a folder of her own, and read to sign an act.

Purpose: keep an officer's key apart from every key of the hub. The folder may be on another machine.
Called by: `amana policy key` and `sign`; `amana.local.played_officers`.

Invariants:
- The key is readable by its owner alone (0600) from the moment it exists, and is never overwritten.
- Only the public half leaves the folder.
"""

import os
import secrets
from pathlib import Path
from typing import Final

from anonymizer.governance import approval
from schemas.errors import ConfigurationError

__all__ = ["KEY_FILE", "make", "read"]

KEY_FILE: Final = "signing.key"
"""Name of the key's file in the officer's folder."""

_KEY_BYTES: Final = 32


def make(folder: Path, name: str) -> str:
    """Make the key of an officer in `folder`, with the public half beside it as `<name>.pub`; return that, in hex.

    Raises:
        ConfigurationError: CFG-238, there is a key already; CFG-004, the folder cannot be written.
    """
    private = secrets.token_bytes(_KEY_BYTES)
    public = approval.public_key_of(private)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # The mode is given at creation: with a later chmod others could read the key for a moment.
        descriptor = os.open(folder / KEY_FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(private.hex())
            os.fsync(file.fileno())
        (folder / f"{name}.pub").write_text(f"{public}\n", encoding="ascii")
    except FileExistsError as error:
        raise ConfigurationError("CFG-238", f"{folder} holds an officer's key already") from error
    except OSError as error:
        raise ConfigurationError("CFG-004", f"{folder} cannot be written: {error.strerror}") from error
    return public


def read(file: Path) -> bytes:
    """Return a private key of 32 bytes.

    Raises:
        ConfigurationError: CFG-005, there is no key; CFG-006, other users of the machine can read it.
    """
    try:
        exposed = file.stat().st_mode & 0o077
        private = bytes.fromhex(file.read_text(encoding="ascii"))
    except (OSError, ValueError) as error:
        raise ConfigurationError("CFG-005", f"{file} holds no officer's key") from error
    if exposed and os.name == "posix":  # other systems have access lists in place of these bits
        raise ConfigurationError("CFG-006", f"{file} can be read by other users: chmod 600")
    if len(private) != _KEY_BYTES:
        raise ConfigurationError("CFG-005", f"{file} holds no officer's key")
    return private
