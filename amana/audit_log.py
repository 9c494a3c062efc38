"""The audit log of a site or of a copied folder, for officers: the public class `AuditLog`.

Purpose: fill in the site's folder and key where none is given. Everything else is `connectors.console.trusted_log`'s.
Called by: `amana audit`, `amana.demo.demo_outputs`, the package `amana`, and an officer's own program:

    from amana import AuditLog
    AuditLog(Path("site")).verify().entries

Invariants:
- A log without a trusted key is refused (CFG-131), and a log that is not named is refused (CFG-130).
"""

from pathlib import Path

from amana.settings import Settings
from connectors.console.trusted_log import TrustedLog
from schemas.errors import ConfigurationError
from streams.transparency.decision import Decision
from streams.transparency.log_verification import InclusionProof, VerifiedLog

__all__ = ["AuditLog", "Decision", "InclusionProof", "VerifiedLog"]


class AuditLog(TrustedLog):
    """The files of one log, and the public key that is trusted for it; the methods are those of `TrustedLog`."""

    def __init__(self, directory: Path | None = None, *, key: Path | None = None) -> None:
        """Take a log's folder or a site's (default: `AMANA_DATA`), and the file of the trusted key.

        Without `key` the site's `public/audit.pub` is trusted: beside the log, else that of `AMANA_DATA`.

        Raises:
            ConfigurationError: CFG-130, no log is named; CFG-131, no key is trusted.
        """
        site = Settings.read().data
        folder = directory or site
        # A log that was copied without its `public` folder is checked against the key of the site.
        if folder is None:
            raise ConfigurationError("CFG-130", "no audit log is named: give its folder, or set AMANA_DATA")
        super().__init__(folder, key=key, sites=[site] if site else [])
