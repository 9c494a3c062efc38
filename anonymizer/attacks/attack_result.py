"""What an attack came to, and how it is reported.

Decides the form. A report for the audit log holds no count of a cell: how many were attacked and recovered, no more.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

__all__ = ["AttackResult", "merge_results", "report"]


@dataclass(frozen=True, slots=True)
class AttackResult:
    """An attack by name: how many things it tried, how many it got, and which of them, by table and codes."""

    attack: str
    attacked: int
    recovered: int
    found: tuple[str, ...] = ()


def merge_results(results: Sequence[AttackResult]) -> list[AttackResult]:
    """Put what one attack came to in several places into one result."""
    by_name: dict[str, list[AttackResult]] = {}
    for result in results:
        by_name.setdefault(result.attack, []).append(result)
    return [_sum(name, some) for name, some in by_name.items()]


def _sum(name: str, some: Sequence[AttackResult]) -> AttackResult:
    found = tuple(one for result in some for one in result.found)
    return AttackResult(name, sum(r.attacked for r in some), sum(r.recovered for r in some), found)


def report(results: Sequence[AttackResult]) -> dict[str, str]:
    """Return texts for an audit record: tried, recovered, and the SHA-256 of the whole report."""
    text = json.dumps([asdict(result) for result in results], sort_keys=True)
    return {
        "attacks": str(len(results)),
        "recovered": str(sum(result.recovered for result in results)),
        "report": hashlib.sha256(text.encode()).hexdigest(),
    }
