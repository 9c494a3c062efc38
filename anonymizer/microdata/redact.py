"""Findings in a text, their union, and the text with placeholders in their stead.

Decides how overlapping findings are united and how placeholders are numbered. Does not find anything itself: see
`known` for a record's own identifiers and `anonymizer.engines` for patterns.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from anonymizer.microdata.normalise import normalise
from schemas.errors import ContractError

__all__ = ["Finding", "Text", "Verdict", "mask", "mask_together", "united"]


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
    known: Mapping[str, str] = field(default_factory=dict)


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


def mask(text: str, findings: Iterable[Finding]) -> str:
    """Return the text with `[TYPE_n]` for every finding; equal values of a type share their number."""
    numbers: dict[tuple[str, str], int] = {}
    used: Counter[str] = Counter()
    pieces: list[str] = []
    last = 0
    for finding in united(findings):
        value = (finding.type, _same(text[finding.start : finding.end]))
        if value not in numbers:
            used[finding.type] += 1
            numbers[value] = used[finding.type]
        pieces += text[last : finding.start], f"[{finding.type}_{numbers[value]}]"
        last = finding.end
    return "".join([*pieces, text[last:]])


def mask_together(texts: Sequence[tuple[str, Iterable[Finding]]]) -> str:
    """Mask the texts of one record, joined by line ends, so that equal values share their number in all of them."""
    joined: list[Finding] = []
    offset = 0
    for text, findings in texts:
        joined += (Finding(f.start + offset, f.end + offset, f.type, f.score) for f in findings)
        offset += len(text) + 1
    return mask("\n".join(text for text, _ in texts), joined)


def _same(value: str) -> str:
    """Return what two spellings of one value have in common: its letters and digits, folded."""
    return "".join(filter(str.isalnum, normalise(value).text.casefold()))
