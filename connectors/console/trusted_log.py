"""The audit log as a data officer uses it: verify it, show its entries, prove one of them.

Purpose: tie the files of a log to the public key that is trusted for it, and turn requests that cannot be met into
typed errors. The cryptographic checks are those of `streams.transparency.log_verification`. No broker is needed.
Called by: `amana.audit_log`; `amana audit prove` calls `proof_document`.

    log = TrustedLog(Path("site"))                            # trusts site/public/audit.pub
    log.verify(seen=Path("my-checkpoint").read_text())
    proof_document(log.prove(7))

Invariants:
- It reads files only, and holds no secret: a public key is all it needs.
- The trusted key is never read from the folder of the log: who can rewrite a log can replace a key beside it.
"""

import base64
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from connectors.adapters import local_files
from schemas.errors import ConfigurationError, IntegrityError
from streams.transparency import log_files, log_keys, log_verification
from streams.transparency.checkpoint import Checkpoint
from streams.transparency.decision import Decision
from streams.transparency.log_files import AuditFiles
from streams.transparency.log_verification import InclusionProof, LogUnsettledError, VerifiedLog

__all__ = ["TrustedLog", "proof_document"]

_TRIES: Final = 4
_PAUSE_SECONDS: Final = 0.4


class TrustedLog:
    """The files of one log, and the public key that is trusted for it.

    Args:
        folder: a log's own folder, or a site's, which holds the log in `audit`.
        key: file of the trusted key; without it, `public/audit.pub` of the log's site or of the first of `sites`.
        sites: data directories of further sites whose key is trusted.

    Raises:
        ConfigurationError: CFG-131, no key is trusted.
    """

    def __init__(self, folder: Path, *, key: Path | None = None, sites: Iterable[Path] = ()) -> None:
        self.directory = folder / "audit" if (folder / "audit").is_dir() else folder
        pinned = [site / "public" / "audit.pub" for site in (self.directory.parent, *sites)]
        trusted_file = key or next(filter(Path.is_file, pinned), None)
        if trusted_file is None:
            raise ConfigurationError("CFG-131", "no key is trusted for this log: give --key FILE or set AMANA_DATA")
        self._key = trusted_file

    @property
    def trusted(self) -> bytes:
        """The trusted public key, Ed25519, 32 bytes; read again each time.

        Raises:
            ConfigurationError: CFG-131, its file cannot be read.
            IntegrityError: INT-121, the file does not hold a key.
        """
        try:
            return log_verification.trusted_key(local_files.read_text(self._key))
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError("CFG-131", f"the trusted key {self._key} cannot be read") from error

    def verify(self, *, seen: str = "") -> VerifiedLog:
        """Check the whole log, once.

        Args:
            seen: a signed checkpoint that was kept elsewhere and that the log must continue; empty for none.

        Raises:
            IntegrityError: INT-112 to INT-127, naming the first entry or checkpoint that is wrong, or the key; INT-115
                also where the kept checkpoint is not signed by that key.
        """
        trusted, kept = self.trusted, None
        if seen:
            # Its signature too: a copy that somebody altered would blame an honest log, and one that nobody signed
            # says nothing about what this log once was.
            kept = self._kept(seen, trusted)
        return log_verification.verify(self.directory, trusted, seen=kept)

    def _kept(self, seen: str, trusted: bytes) -> Checkpoint:
        """Return a kept checkpoint, signed by any key of the log; the verification decides which keys those are."""
        block = log_files.block_of(seen)
        try:
            return log_files.checked(block, trusted)
        except IntegrityError:
            entries = AuditFiles(self.directory).entries
            for key in log_keys.keys_of(log_keys.handovers(entries) if entries.is_file() else (), trusted):
                with suppress(IntegrityError):
                    return log_files.checked(block, key)
            raise

    def verify_live(self, *, seen: str = "") -> VerifiedLog:
        """Check a log to which entries are being appended: where only its end is unfinished, try again; as `verify`."""
        for _ in range(_TRIES):
            try:
                return self.verify(seen=seen)
            except LogUnsettledError:
                time.sleep(_PAUSE_SECONDS)
        return self.verify(seen=seen)

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


def proof_document(proof: InclusionProof) -> dict[str, Any]:
    """Return a proof as a JSON object: the entry's bytes, its path to the root in base64, the signed checkpoint."""
    path = [base64.b64encode(node).decode() for node in proof.path]
    return {"index": proof.index, "entry": proof.entry.decode(), "path": path, "checkpoint": proof.note}
