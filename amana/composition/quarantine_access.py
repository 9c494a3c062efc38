"""Access of the operator to the quarantine of a site.

Purpose: bring the operator's cluster and the versions for the log together; and, apart from them, the keys with which
one record is opened.
Called by: `amana quarantine`, tests.

Invariants:
- Listing, replaying and dropping need no key of the de-identifier. Opening a record does.
"""

from amana.composition.code_version import code_version
from amana.site import Site
from connectors.operations.quarantine_entries import OpeningKeys, QuarantineAccess
from streams.broker import access

__all__ = ["opening_keys", "quarantine_access"]


def quarantine_access(site: Site) -> QuarantineAccess:
    """Return the operator's cluster access and the versions that the audit log names."""
    return QuarantineAccess(site.cluster(access.OPERATOR), site.policy().digest, code_version())


def opening_keys(site: Site) -> OpeningKeys:
    """Return the keys that open refused records: those of the de-identifier, which the operator does not have.

    Raises:
        ConfigurationError: CFG-005, the folder of the de-identifier is not on this machine.
    """
    own = site.party("deidentify")
    return OpeningKeys(own.seal(), own.sealing_keys())
