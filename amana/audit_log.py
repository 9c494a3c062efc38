"""The audit log as a data officer uses it: verify it, show it, prove an entry. Needs no broker.

Decides which key is trusted where none is given. Does not write the log.
"""

from collections.abc import Iterator
from pathlib import Path

from amana.settings import Settings
from schemas.errors import ConfigurationError
from streams.transparency import checkpoint, log_verification
from streams.transparency.checkpoint import Checkpoint
from streams.transparency.decision import Decision
from streams.transparency.log_files import ORIGIN
from streams.transparency.log_verification import InclusionProof, VerifiedLog

__all__ = ["AuditLog", "Decision", "InclusionProof", "VerifiedLog"]


class AuditLog:
    """The files of one log, and the public key that is trusted for it."""

    def __init__(self, directory: Path | None = None, *, key: Path | None = None) -> None:
        """Take a log's folder or a site's (default: `AMANA_DATA`), and the file of the trusted key.

        Without `key` the site's `public/audit.pub` is trusted: beside the log, else that of `AMANA_DATA`.

        Raises:
            ConfigurationError: CFG-130, no log is named; CFG-131, no key is trusted.
        """
        named = directory or Settings.read().data
        if named is None:
            raise ConfigurationError("CFG-130", "no audit log: give its folder or set AMANA_DATA")
        self.directory = named / "audit" if (named / "audit").is_dir() else named
        self._key = key or self._pinned()

    def verify(self, *, seen: str = "") -> VerifiedLog:
        """Check the whole log; `seen` is a signed checkpoint kept elsewhere, which the log must continue.

        Raises:
            IntegrityError: INT-112 to INT-127, naming the first entry or checkpoint that is wrong, or the key.
        """
        return log_verification.verify(self.directory, self.trusted, seen=self._seen(seen) if seen else None)

    def entries(self) -> Iterator[tuple[int, Decision]]:
        """Yield index and decision of every entry, unverified."""
        return log_verification.entries(self.directory)

    def prove(self, index: int) -> InclusionProof:
        """Return the inclusion proof of one entry under the last checkpoint.

        Raises:
            ConfigurationError: CFG-132, there is no such entry.
        """
        try:
            return log_verification.prove(self.directory, index)
        except ValueError as error:
            raise ConfigurationError("CFG-132", f"no checkpoint of this log covers an entry {index}") from error

    @property
    def trusted(self) -> bytes:
        """The trusted public key, Ed25519, 32 bytes."""
        try:
            return log_verification.trusted_key(self._key.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError("CFG-131", f"the trusted key {self._key} cannot be read") from error

    def _seen(self, note: str) -> Checkpoint:
        text, _ = checkpoint.signature_of(note, name=ORIGIN, public=self.trusted)
        return checkpoint.checkpoint_of(text)

    def _pinned(self) -> Path:
        homes = [self.directory.parent, Settings.read().data]
        for home in filter(None, homes):
            if (home / "public" / "audit.pub").is_file():
                return home / "public" / "audit.pub"
        raise ConfigurationError("CFG-131", "no key is trusted for this log: give --key FILE or set AMANA_DATA")
