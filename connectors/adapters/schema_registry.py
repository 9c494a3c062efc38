"""Registration of the shipped schemas at a schema registry.

Purpose: let others read the topics by the registry, and take the ids that it gives. The registry decides nothing here:
a record is read with the shipped schema, whatever the registry holds (`connectors.adapters.schema_ids`).
Called by: `amana.provisioning`; `registry_rule` and `registry_comparison` take the rule.

Invariants:
- Registration is idempotent: the same schema gets the same id.
- A schema is checked, and compared with every registered version, before it is sent.
"""

from typing import Final

from connectors.adapters.registry_access import RegistryAccess
from connectors.adapters.registry_client import RegistryClient
from schemas import catalogue, evolution, parsing
from schemas.errors import ContractError

__all__ = ["RULE", "register", "register_all"]

RULE: Final = "FULL_TRANSITIVE"
"""Compatibility level: every version of a schema can read, and be read by, every other."""


def register_all(access: RegistryAccess, *, wait_seconds: float = 30.0) -> dict[str, int]:
    """Register every shipped schema and return stem -> id.

    Raises:
        TransportError: TRA-010, the registry did not answer within `wait_seconds`.
        ConfigurationError: CFG-253, it refuses the user.
        ContractError: CON-005, an unsafe schema, shipped or registered by another; CON-008, the registry or the
            evolution gate refuses one.
    """
    with RegistryClient(access, wait_seconds) as registry:
        return {
            schema.stem: _register(registry, schema.subject, schema.text)
            for schema in map(catalogue.load, catalogue.STEMS)
        }


def register(access: RegistryAccess, subject: str, text: str, *, wait_seconds: float = 30.0) -> int:
    """Register one schema, its JSON text, under `subject` and return its id; raises as `register_all`."""
    with RegistryClient(access, wait_seconds) as registry:
        return _register(registry, subject, text)


def _register(registry: RegistryClient, subject: str, text: str) -> int:
    registered = registry.look_up(subject, text)
    if registered is not None:
        return registered
    # The registry's own rule, FULL_TRANSITIVE, knows nothing about privacy roles, which may only get stricter. A first
    # version is compared with None: it must keep the rules of a schema by itself.
    earlier: list[str | None] = [old for _, old in registry.versions(subject)]
    for old in earlier or [None]:
        # A version that another registered may be made to exhaust whoever compares with it.
        if old is not None:
            parsing.parse(old)
        for violation in evolution.violations(old, text):
            raise ContractError("CON-008", f"the schema may not be registered: {violation}", field=subject)
    # The rule before the schema: between the two nobody can register a version that breaks it.
    registry.set_rule(RULE, subject)
    return registry.add(subject, text)
