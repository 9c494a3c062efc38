"""Results of attacks, and their report.

Purpose: it decides the form of a result. The report for the audit log holds no count of a cell, only how many cells
were attacked and how many recovered.
Called by: the attacks of this room (`exact`, `noise_attacks`, `pattern`, `records`);
`streams.core.releasing.pre_release_attack` and `amana attack`, which report.

Invariants:
- The order of the attacks stays when results of several tables are merged.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

__all__ = ["AttackResult", "merge_results", "report"]


@dataclass(frozen=True, slots=True)
class AttackResult:
    """The result of one attack: how many cells, records or hashes it tried and recovered; `found` names those.

    `complete` is False where the attack stopped at its limit of work: what it did not recover may still be recoverable.
    """

    attack: str
    attacked: int
    recovered: int
    found: tuple[str, ...] = ()
    complete: bool = True


def merge_results(results: Sequence[AttackResult]) -> list[AttackResult]:
    """Merge the results of the same attack on several tables; the order of the first ones stays."""
    by_name: dict[str, list[AttackResult]] = {}
    for result in results:
        by_name.setdefault(result.attack, []).append(result)
    return [
        AttackResult(
            name,
            sum(result.attacked for result in same),
            sum(result.recovered for result in same),
            tuple(cell for result in same for cell in result.found),
            all(result.complete for result in same),
        )
        for name, same in by_name.items()
    ]


def report(results: Sequence[AttackResult]) -> dict[str, str]:
    """Return texts for an audit record: number and names of the attacks, recoveries, SHA-256 of the whole report."""
    text = json.dumps([asdict(result) for result in results], sort_keys=True)
    return {
        "attacks": str(len(results)),
        "names": ", ".join(result.attack for result in results),
        "recovered": str(sum(result.recovered for result in results)),
        "report": hashlib.sha256(text.encode()).hexdigest(),
    }
