"""The folder of one party: its secrets, read for the processes that act as it.

Purpose: read keys and passwords, and refuse a file that others can read.
Called by: `amana.site`, `amana.keys.making`, `amana.keys.exchange` and `amana.keys.replacing`.

Invariants:
- Nothing outside of the folder is read: whoever is given it has one party's secrets.
- A secret that other users of the machine can read is refused.
"""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from amana.keys.live_folder import LiveFolder
from schemas import sealing
from schemas.errors import ConfigurationError
from schemas.record_seal import PartyKeys, RecordSeal, ScopeKeys

__all__ = ["ERASED", "NEXT_AUDIT_KEY", "PartyFolder"]

_KEY_BYTES: Final = 32
_YEAR: Final = re.compile(r"[0-9]{4}")

NEXT_AUDIT_KEY: Final = "audit-signing.next.key"
"""File of the key to which the audit log is being handed on."""

ERASED: Final = "erased.json"
"""File with the ids of sealing keys of the hub's records that were destroyed; no secret."""


@dataclass(frozen=True, slots=True)
class PartyFolder:
    """The secrets of one party; `path` is its folder."""

    path: Path

    @property
    def is_here(self) -> bool:
        """True if the party keeps its secrets on this machine."""
        return (self.path / "exchange.key").exists()

    def key(self, name: str) -> bytes:
        """Return a secret key by its file's name without the ending.

        Raises:
            ConfigurationError: CFG-005, the party has no such key; CFG-006, other users of the machine can read it.
        """
        return self._key(self.path / f"{name}.key", sealing.PRIVATE_BYTES if name == "exchange" else _KEY_BYTES)

    def text(self, name: str) -> str:
        """Return a secret as its file holds it, by its path within the folder; raises as `key`."""
        return self._read(self.path / name)

    def sealing_keys(self) -> tuple[bytes, ...]:
        """Return the private keys that open what agencies sealed, 96 bytes each; raises as `key`."""
        paths = sorted((self.path / "sealing").glob("*.key"))
        if not paths:
            raise ConfigurationError("CFG-005", f"{self.path.name} holds no sealing key")
        return tuple(self._key(path, sealing.PRIVATE_BYTES) for path in paths)

    def dedupe_keys(self) -> dict[int, bytes]:
        """Return the person keys of the hub by the first year of events that each is for; 0 is that of the first.

        Raises:
            ConfigurationError: as `key`.
        """
        later = sorted((self.path / "dedupe").glob("*.key"))
        years = {int(path.stem): self._key(path, _KEY_BYTES) for path in later if _YEAR.fullmatch(path.stem)}
        return {0: self.key("dedupe"), **years}

    def audit_successor(self) -> bytes | None:
        """Return the key to which the audit log is being handed on, None if there is none; raises as `key`."""
        path = self.path / NEXT_AUDIT_KEY
        return self._key(path, _KEY_BYTES) if path.exists() else None

    def password(self, principal: str) -> Mapping[str, str]:
        """Return user name and password of a principal; raises as `key`."""
        stored: Mapping[str, str] = json.loads(self._read(self.path / "passwords" / f"{principal}.json"))
        return stored

    def scopes(self) -> dict[str, ScopeKeys]:
        """Return the keys of every scope of the hub's records that this party has; raises as `key`."""
        found = {}
        for path in sorted((self.path / "records").glob("*.json")):
            stored = json.loads(self._read(path))
            sealing = tuple(map(bytes.fromhex, stored["sealing"]))
            found[path.name.removesuffix(".json")] = ScopeKeys(bytes.fromhex(stored["index"]), sealing)
        return found

    def erased(self) -> tuple[str, ...]:
        """Return the ids of the keys of the hub's records that were destroyed."""
        path = self.path / ERASED
        return tuple(json.loads(path.read_text(encoding="ascii"))) if path.exists() else ()

    def seal(self) -> RecordSeal:
        """Return the seal of the hub's records, as far as this party has their keys; raises as `key`.

        It takes over keys that are replaced while it is used.
        """
        live = LiveFolder((self.path, self.path / "records"), self._record_keys)
        scopes, erased = self._record_keys()
        return RecordSeal(scopes, os.urandom, erased, replaced=live)

    def _record_keys(self) -> PartyKeys:
        return self.scopes(), self.erased()

    def _key(self, path: Path, length: int) -> bytes:
        """Return the bytes that a key file holds as hex digits."""
        try:
            key = bytes.fromhex(self._read(path))
        except ValueError:
            key = b""
        if len(key) != length:  # the content is not shown: it may be a mistyped secret
            raise ConfigurationError("CFG-005", f"{path} holds no key of {length} bytes in hex")
        return key

    def _read(self, path: Path) -> str:
        """Read a secret file; refuse one that other users of the machine can read."""
        place = path.relative_to(self.path.parent.parent)
        try:
            exposed = path.stat().st_mode & 0o077
            text = path.read_text(encoding="ascii")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError("CFG-005", f"there is no {place}, or it cannot be read") from error
        if exposed and os.name == "posix":  # other systems have access lists in place of these bits
            raise ConfigurationError("CFG-006", f"{path} can be read by other users: chmod 600")
        return text
