"""Access of the operator to the quarantine of a site.

Purpose: bring the operator's cluster, the de-identifier's keys and the versions for the log together.
Called by: `amana quarantine`, tests.

Invariants:
- It holds the de-identifier's keys: whoever is given it can open refused records.
"""

from amana.composition.code_version import code_version
from amana.site import Site
from connectors.operations.quarantine_entries import QuarantineAccess
from streams.broker import access

__all__ = ["quarantine_access"]


def quarantine_access(site: Site) -> QuarantineAccess:
    """Return the operator's cluster access, the de-identifier's keys, and the versions that the audit log names."""
    operator, refused = site.cluster(access.OPERATOR), site.cluster("worker.deidentify").seal
    return QuarantineAccess(operator, site.policy().digest, code_version(), refused, site.sealing_keys())
