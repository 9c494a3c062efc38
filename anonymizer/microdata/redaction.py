"""Findings of personal data in a text, and their union.

Purpose: the types that pass between the detectors and whatever replaces their findings, and the one rule by which
overlapping findings become one. Finds nothing: `record_identifiers` finds a record's own identifiers, and
`anonymizer.detection` patterns and names. Replaces nothing: `replacement` does.
Called by: `anonymizer.detection.presidio` and `anonymizer.sandbox.detector_pool`, `replacement`, the stage
`streams.stages.deidentify`, and `amana redact`.

Invariants:
- A union covers every character of its findings: uniting never uncovers what a detector found.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from schemas.errors import ContractError

__all__ = ["Finding", "Text", "Verdict", "united"]


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """A span (characters, half open) of one entity type with a score between 0 and 1."""

    start: int
    end: int
    type: str
    score: float


@dataclass(frozen=True, slots=True)
class Text:
    """One text to scan, its language tag, and the record's own identifiers (field → value)."""

    text: str
    language: str | None = None
    record_identifiers: Mapping[str, str] = field(default_factory=dict)


Verdict = tuple[Finding, ...] | ContractError
"""What is found in a text, or why it must not pass: CON-040 too long, CON-041 time, CON-042 crash or memory."""


def united(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Unite findings that overlap: the union of their spans under the type of the surest, then longest, of them."""
    result: list[Finding] = []
    group: list[Finding] = []
    end = -1
    for finding in sorted(findings, key=_place):
        if group and finding.start >= end:
            result.append(_union(group))
            group = []
        group.append(finding)
        end = max(end, finding.end)
    return (*result, _union(group)) if group else tuple(result)


def _place(finding: Finding) -> tuple[int, int]:
    return finding.start, finding.end


def _union(group: Sequence[Finding]) -> Finding:
    if len(group) == 1:
        return group[0]
    surest = max(group, key=lambda f: (f.score, f.end - f.start, f.type))
    return Finding(min(f.start for f in group), max(f.end for f in group), surest.type, surest.score)
