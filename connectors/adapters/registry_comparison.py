"""Comparison of a schema registry with the shipped schemas.

Purpose: tell an operator what others would read wrongly if they asked the registry: deletions, weaker rules, versions
that are not of this code, other ids. The processes of the site ask no registry, so none of it affects them.
Called by: `amana.provisioning.inspection`, for `amana check`.

Invariants:
- A difference is a sentence with subjects, numbers and levels; no text that a registry answered is in it.
- Nothing is changed at the registry.
"""

from collections.abc import Iterator
from typing import Final

from connectors.adapters.registry_access import RegistryAccess
from connectors.adapters.registry_client import RegistryClient
from connectors.adapters.schema_ids import AllowList
from connectors.adapters.schema_registry import RULE
from schemas import catalogue, parsing

__all__ = ["LEVELS", "differences"]

LEVELS: Final = frozenset(
    level + suffix for level in ("BACKWARD", "FORWARD", "FULL") for suffix in ("", "_TRANSITIVE")
) | {"NONE"}
"""Compatibility levels that a registry may have."""

_MOST_VERSIONS: Final = 32
"""Versions of one subject that are compared."""


def differences(access: RegistryAccess, written: AllowList, *, wait_seconds: float) -> tuple[str, ...]:
    """List what differs between a registry and the shipped schemas.

    Args:
        access: the registry.
        written: the ids that this site writes and reads.
        wait_seconds: time in which the registry must answer.

    Returns:
        One sentence a difference; empty where the registry holds the shipped schemas, their ids and the rule.

    Raises:
        TransportError: TRA-010, the registry is out of reach or is none.
        ConfigurationError: CFG-253, it refuses the user.
    """
    with RegistryClient(access, wait_seconds) as registry:
        found = [] if (rule := registry.rule()) == RULE else [f"the global rule is {_level(rule)}, not {RULE}"]
        for stem in catalogue.STEMS:
            found += _of_subject(registry, catalogue.load(stem), written.id_of(stem))
        return tuple(found)


def _of_subject(registry: RegistryClient, schema: catalogue.Schema, number: int) -> Iterator[str]:
    """Yield what differs under one subject."""
    versions = registry.versions(schema.subject, _MOST_VERSIONS)
    shipped = parsing.digest(schema.text)
    ours = [given for given, text in versions if _digest(text) == shipped]
    if not ours:
        yield f"{schema.subject} is not there, or was deleted"
    elif number not in ours:
        yield f"{schema.subject} has the id {ours[-1]}, this site writes {number}"
    if foreign := len(versions) - len(ours):
        yield f"{schema.subject} has {foreign} versions that are not of this code"
    if ours and (rule := registry.rule(schema.subject)) != RULE:
        yield f"the rule of {schema.subject} is {_level(rule)}, not {RULE}"


def _digest(text: str) -> str:
    """Return the digest of a schema's text; empty for a text that is no JSON."""
    try:
        return parsing.digest(text)
    except (ValueError, RecursionError):
        return ""


def _level(rule: str) -> str:
    """Return a level that exists, else a word for any other text."""
    return rule if rule in LEVELS else "unknown"
