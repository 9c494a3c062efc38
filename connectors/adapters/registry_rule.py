"""Global compatibility rule of a schema registry: read it, set it.

Purpose: give the whole registry the rule that `schema_registry` sets for every subject of its own.
Called by: `amana.provisioning` at set-up and in its checks.

Invariants:
- A rule that was set is read back before the call returns.
"""

from typing import Final

import httpx2

from connectors.adapters.schema_registry import RULE, interface_of
from schemas.errors import IntegrityError, TransportError

__all__ = ["global_rule", "set_global_rule"]

_TIMEOUT_SECONDS: Final = 10.0


def global_rule(url: str) -> str:
    """Return the global compatibility level of a registry, as `FULL_TRANSITIVE`.

    Raises:
        TransportError: TRA-006, the registry is out of reach or answers something else.
    """
    try:
        answer = httpx2.get(_config(url), timeout=_TIMEOUT_SECONDS).raise_for_status().json()
    except (httpx2.HTTPError, ValueError) as error:
        raise TransportError("TRA-006", f"the registry at {url} cannot be asked for its rule") from error
    return str(answer.get("compatibilityLevel", "NONE"))


def set_global_rule(url: str) -> None:
    """Set the global rule and read it back.

    Raises:
        TransportError: TRA-006, the registry does not take it.
        IntegrityError: INT-002, it answers with another rule.
    """
    # Nothing is written where the rule is right already: a foreign registry may not allow it.
    if global_rule(url) == RULE:
        return
    try:
        httpx2.put(_config(url), json={"compatibility": RULE}, timeout=_TIMEOUT_SECONDS).raise_for_status()
    except httpx2.HTTPError as error:
        raise TransportError("TRA-006", f"the registry at {url} does not take the rule {RULE}") from error
    # A registry may accept the request and keep its own rule.
    if (rule := global_rule(url)) != RULE:
        raise IntegrityError("INT-002", f"the registry's global rule is {rule}, not {RULE}")


def _config(url: str) -> str:
    """Return the address of the global rule."""
    return f"{interface_of(url).rstrip('/')}/config"
