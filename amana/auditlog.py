"""The audit log as a data officer uses it: verify it, show it, prove an entry. Needs no broker.

Decides which key is trusted where none is given. Does not write the log.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from connectors.adapters import audit_verify
from connectors.adapters.audit_files import ORIGIN
from connectors.adapters.audit_verify import Proof, Verified
from schemas.errors import ConfigurationError
from streams.core import checkpoint
from streams.core.checkpoint import Checkpoint
from streams.core.decision import Decision

__all__ = ["AuditLog", "Decision", "Proof", "Verified"]


class AuditLog:
    """The files of one log, and the public key that is trusted for it."""

    def __init__(self, directory: Path | None = None, *, key: Path | None = None) -> None:
        """Take a log's folder or a site's (default: `AMANA_DATA`), and the file of the trusted key.

        Without `key` the site's `public/audit.pub` is trusted: beside the log, else that of `AMANA_DATA`.

        Raises:
            ConfigurationError: CFG-130, no log is named; CFG-131, no key is trusted.
        """
        named = directory or (Path(os.environ["AMANA_DATA"]) if os.environ.get("AMANA_DATA") else None)
        if named is None:
            raise ConfigurationError("CFG-130", "no audit log: give its folder or set AMANA_DATA")
        self.directory = named / "audit" if (named / "audit").is_dir() else named
        self._key = key or self._pinned()

    def verify(self, *, seen: str = "") -> Verified:
        """Check the whole log; `seen` is a signed checkpoint kept elsewhere, which the log must continue.

        Raises:
            IntegrityError: INT-112 to INT-127, naming the first entry or checkpoint that is wrong, or the key.
        """
        return audit_verify.verify(self.directory, self.trusted, seen=self._seen(seen) if seen else None)

    def entries(self) -> Iterator[tuple[int, Decision]]:
        """Yield index and decision of every entry, unverified."""
        return audit_verify.entries(self.directory)

    def prove(self, index: int) -> Proof:
        """Return the inclusion proof of one entry under the last checkpoint.

        Raises:
            ConfigurationError: CFG-132, there is no such entry.
        """
        try:
            return audit_verify.prove(self.directory, index)
        except ValueError as error:
            raise ConfigurationError("CFG-132", f"no checkpoint of this log covers an entry {index}") from error

    @property
    def trusted(self) -> bytes:
        """The trusted public key, Ed25519, 32 bytes."""
        try:
            return audit_verify.trusted_key(self._key.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError("CFG-131", f"the trusted key {self._key} cannot be read") from error

    def _seen(self, note: str) -> Checkpoint:
        text, _ = checkpoint.signature_of(note, name=ORIGIN, public=self.trusted)
        return checkpoint.checkpoint_of(text)

    def _pinned(self) -> Path:
        homes = [self.directory.parent, *([Path(os.environ["AMANA_DATA"])] if os.environ.get("AMANA_DATA") else [])]
        for home in homes:
            if (home / "public" / "audit.pub").is_file():
                return home / "public" / "audit.pub"
        raise ConfigurationError("CFG-131", "no key is trusted for this log: give --key FILE or set AMANA_DATA")
