"""The public API: everything that a user of this project imports.

    from amana import Publisher, Site         # an agency's program
    from amana import TrendFeed               # an analyst's notebook, with the extra `feed`
    from amana import AuditLog                # an officer's check

Invariants:
- A name is imported when it is first used: `import amana` loads nothing else, and an environment needs only the
  packages of the names that it uses.
"""

import importlib
from typing import TYPE_CHECKING, Any

from amana import extras

if TYPE_CHECKING:
    from amana.audit_log import AuditLog
    from amana.publisher import Publisher
    from amana.site import Site
    from amana.trend_feed import TrendFeed
    from connectors.adapters.cluster import Cluster
    from connectors.ingest.agency_profile import AgencyProfile

__all__ = ["AgencyProfile", "AuditLog", "Cluster", "Publisher", "Site", "TrendFeed"]

_HOMES = {
    "AgencyProfile": "connectors.ingest.agency_profile",
    "AuditLog": "amana.audit_log",
    "Cluster": "connectors.adapters.cluster",
    "Publisher": "amana.publisher",
    "Site": "amana.site",
    "TrendFeed": "amana.trend_feed",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - the type of each name is told to type checkers above
    """Import a public name from its module.

    Raises:
        ConfigurationError: CFG-024, the extra that it needs is not installed.
    """
    if name not in _HOMES:
        raise AttributeError(f"module 'amana' has no attribute {name!r}")
    # Not stored in the module: the import system caches the module that the name comes from.
    with extras.needed():
        return getattr(importlib.import_module(_HOMES[name]), name)
