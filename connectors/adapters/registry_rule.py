"""Global compatibility rule of a schema registry: read it, set it.

Purpose: give the whole registry the rule that `schema_registry` sets for every subject of its own.
Called by: `amana.provisioning.schema_registration`.

Invariants:
- A rule that was set is read back before the call returns.
"""

from connectors.adapters.registry_access import RegistryAccess
from connectors.adapters.registry_client import RegistryClient
from connectors.adapters.schema_registry import RULE
from schemas.errors import ContractError, IntegrityError, TransportError

__all__ = ["global_rule", "set_global_rule"]


def global_rule(access: RegistryAccess, *, wait_seconds: float = 10.0) -> str:
    """Return the global compatibility level of a registry, as `FULL_TRANSITIVE`.

    Raises:
        TransportError: TRA-010, the registry is out of reach or answers something else.
    """
    with RegistryClient(access, wait_seconds) as registry:
        return registry.rule()


def set_global_rule(access: RegistryAccess, *, wait_seconds: float = 30.0) -> None:
    """Set the global rule and read it back.

    Raises:
        TransportError: TRA-010, the registry is out of reach; TRA-006, it does not take the rule.
        ConfigurationError: CFG-253, it refuses the user.
        IntegrityError: INT-002, it answers with another rule.
    """
    with RegistryClient(access, wait_seconds) as registry:
        # Nothing is written where the rule is right already: a foreign registry may not allow it.
        if registry.rule() == RULE:
            return
        try:
            registry.set_rule(RULE)
        except ContractError as error:
            raise TransportError("TRA-006", f"the registry at {access.url} does not take the rule {RULE}") from error
        # A registry may accept the request and keep its own rule.
        if registry.rule() != RULE:
            raise IntegrityError("INT-002", f"the registry keeps another global rule than {RULE}")
