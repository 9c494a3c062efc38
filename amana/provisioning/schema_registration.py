"""Registration of the shipped schemas for a site, and the file of their ids.

Purpose: register the schemas as a courtesy to others who read the topics, and record the ids that the registry gives.
Called by: `amana.provisioning.cluster_setup`, at each start of a local system and by `amana provision`.

Invariants:
- The registry is needed once: with every id on file its faults are returned, not raised, and the site starts.
"""

from typing import Final

from amana import site as sites
from connectors.adapters import registry_rule, schema_ids, schema_registry
from schemas.errors import AmanaError

__all__ = ["register_schemas"]

_FIRST_PATIENCE_SECONDS: Final = 30.0
_LATER_PATIENCE_SECONDS: Final = 3.0


def register_schemas(site: sites.Site) -> AmanaError | None:
    """Register the shipped schemas and record their ids.

    Returns:
        The fault of the registry, where the site has the id of every shipped schema already; else None.

    Raises:
        TransportError: TRA-010, the registry did not answer; TRA-006, it does not take the global rule.
        ContractError: CON-008, it refuses a schema.
        IntegrityError: INT-002, it keeps another global rule.
        ConfigurationError: CFG-250 or CFG-251, the file of ids or the ids are refused; CFG-253, it refuses the user.
    """
    needed = schema_ids.lacking(site.schema_ids)
    patience = _FIRST_PATIENCE_SECONDS if needed else _LATER_PATIENCE_SECONDS
    access = site.registry_access()
    try:
        registry_rule.set_global_rule(access, wait_seconds=patience)
        ids = schema_registry.register_all(access, wait_seconds=patience)
    except AmanaError as fault:
        if needed:
            raise
        return fault
    schema_ids.record(site.schema_ids, ids)
    return None
