"""The front door: the `amana` command, the public names, the local runtime and the composition roots.

- `Publisher` validates, seals and publishes an agency's files.
- `AuditLog` verifies the transparency log.
- `TrendFeed` reads, exports and draws the released trends; it needs the extra `feed`.

A public name is imported with its first use, so that `import amana` loads nothing else.
"""

import importlib
from typing import TYPE_CHECKING

from amana import extras

if TYPE_CHECKING:
    from amana.auditlog import AuditLog
    from amana.feed import TrendFeed
    from amana.publisher import Publisher

__all__ = ["AuditLog", "Publisher", "TrendFeed"]

_HOMES = {"AuditLog": "amana.auditlog", "Publisher": "amana.publisher", "TrendFeed": "amana.feed"}


def __getattr__(name: str) -> object:
    """Import a public name.

    Raises:
        ConfigurationError: CFG-024, its extra is not installed.
    """
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    with extras.needed():
        return getattr(importlib.import_module(_HOMES[name]), name)
