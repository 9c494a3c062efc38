"""The connection of the release process to the topics of a site.

Purpose: schema ids, credentials and broker of one site, without the solvers of the plan.
Called by: `amana.composition.release_parts`; `amana restore`.

Invariants:
- It acts as the principal `worker.release` and as nobody else.
"""

from typing import Final

from amana.site import Site
from connectors.adapters import schema_ids
from connectors.adapters.release_bus import KafkaBus, Schemas

__all__ = ["PRINCIPAL", "connect"]

PRINCIPAL: Final = "worker.release"


def connect(site: Site) -> KafkaBus:
    """Return the topics of a site as the release process uses them.

    Raises:
        ConfigurationError: a schema has no id on file, or the connection is refused.
    """
    cluster, schemas = site.cluster(PRINCIPAL), schema_ids.allow_list(site.schema_ids, ["audit", "ledger", "trend"])
    allowed = Schemas(schemas.current, schemas.readable)
    return KafkaBus(cluster.kafka_settings(), allowed, cluster.seal, site.agencies)
