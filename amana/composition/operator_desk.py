"""The operator's decisions about quarantine: what they are made with.

Purpose: give `connectors.operations` the operator's cluster access, the policy's digest and the sealing key.
Called by: `amana quarantine`, tests.
"""

from amana.site import Site
from connectors.operations.quarantine_entries import QuarantineDesk
from streams.broker import access

__all__ = ["quarantine_desk"]


def quarantine_desk(site: Site) -> QuarantineDesk:
    """Return the operator's cluster access, the policy's digest and the sealing key of a site."""
    return QuarantineDesk(site.cluster(access.OPERATOR), site.policy().digest, site.secret("sealing"))
