"""What an attack came to, and how it is reported.

Decides the form. A report for the audit log holds no count of a cell: how many were attacked and recovered, no more.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

__all__ = ["Result", "report"]


@dataclass(frozen=True, slots=True)
class Result:
    """An attack by name: how many things it tried, how many it got, and which of them, by table and codes."""

    attack: str
    attacked: int
    recovered: int
    found: tuple[str, ...] = ()


def report(results: Sequence[Result]) -> dict[str, str]:
    """Return texts for an audit record: tried, recovered, and the SHA-256 of the whole report."""
    text = json.dumps([asdict(result) for result in results], sort_keys=True)
    return {
        "attacks": str(len(results)),
        "recovered": str(sum(result.recovered for result in results)),
        "report": hashlib.sha256(text.encode()).hexdigest(),
    }
