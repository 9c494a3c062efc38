"""Findings of personal data in a text, and their union.

Purpose: the types that pass between the detectors and whatever replaces their findings, and the one rule by which
overlapping findings become one. Finds nothing: `record_identifiers` finds a record's own identifiers, and
`anonymizer.detection` patterns and names. Replaces nothing: `replacement` does.
Called by: `anonymizer.detection.presidio`, `anonymizer.sandbox.detector_pool`, `record_identifiers` and `replacement`;
`streams.core.counting.deidentify`, `streams.stages.deidentify` and `streams.stages.deidentify_outputs`; `amana redact`.

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
    """One text to scan, its language tag if any, and the identifiers of its record (field → value)."""

    text: str
    language: str | None = None
    record_identifiers: Mapping[str, str] = field(default_factory=dict)


Verdict = tuple[Finding, ...] | ContractError
"""The findings in a text, or the fault for which it must not pass: CON-040 too long, CON-041 out of time, CON-042 a
crash or out of memory."""


def united(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Unite findings that overlap: the union of their spans, under the type of the surest of them, then the longest."""
    result: list[Finding] = []
    group: list[Finding] = []
    end = -1
    for finding in sorted(findings, key=lambda finding: (finding.start, finding.end)):
        # findings that only touch stay two: a name and the date behind it
        if group and finding.start >= end:
            result.append(_union(group))
            group = []
        group.append(finding)
        end = max(end, finding.end)
    return (*result, _union(group)) if group else tuple(result)


def _union(group: Sequence[Finding]) -> Finding:
    if len(group) == 1:
        return group[0]
    # the type last: whatever the order of the detectors, the same findings give the same union
    surest = max(group, key=lambda f: (f.score, f.end - f.start, f.type))
    return Finding(min(f.start for f in group), max(f.end for f in group), surest.type, surest.score)
