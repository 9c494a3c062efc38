"""Matches of a pattern near the places where the prefilter saw it, and nowhere else.

Decides how far from such a place a match can lie, so that what is left out holds none: the matches are those of a scan
of the whole text. A pattern without a bound, or with a wide one, is matched against the whole text.
"""

import re
import re._parser as parser  # type: ignore[import-not-found]  # not in the stubs of the standard library
from collections.abc import Iterator, Sequence
from typing import Any, Final

__all__ = ["matches", "reach"]

_WIDEST: Final = 256
_Tree = Any


def reach(pattern: str) -> int | None:
    """Return how many characters a match and what it looks at around itself can take, None where that is not few."""
    try:
        wide = _width(parser.parse(pattern, parser.SRE_FLAG_IGNORECASE))
    except re.error:
        return None
    return wide if wide <= _WIDEST else None


def matches(pattern: Any, text: str, ends: Sequence[int], wide: int | None, seconds: float) -> Iterator[Any]:  # noqa: ANN401 - `regex` ships no types
    """Yield the matches of a pattern in a text in which it was seen to match up to `ends`, ascending, and nowhere else.

    Raises:
        TimeoutError: the pattern took longer than `seconds`.
    """
    if wide is None:
        yield from pattern.finditer(text, timeout=seconds)
        return
    for start, end in _windows(ends, wide):
        for match in pattern.finditer(text, start, end, timeout=seconds):
            if end >= len(text) or match.start() <= end - wide:  # else it could look different with what follows
                yield match


def _windows(ends: Sequence[int], wide: int) -> Iterator[tuple[int, int]]:
    """Yield stretches that hold every match with all it looks at; those that overlap are one."""
    start, end = max(0, ends[0] - wide), ends[0] + 2 * wide
    for place in ends[1:]:
        if place - wide > end:
            yield start, end
            start = place - wide
        end = place + 2 * wide
    yield start, end


def _width(tree: _Tree) -> int:
    """Return the greatest width of a parsed pattern, with the width of what it looks at before and behind."""
    return sum(_part(str(name), value) for name, value in tree)


def _part(name: str, value: _Tree) -> int:
    match name:
        case "BRANCH":
            return max(map(_width, value[1]))
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            return int(value[1]) * _width(value[2])
        case "SUBPATTERN" | "ASSERT" | "ASSERT_NOT" | "ATOMIC_GROUP":
            return _width(value if name == "ATOMIC_GROUP" else value[-1])
        case _:
            return _WIDEST + 1 if name.startswith("GROUPREF") else 1
