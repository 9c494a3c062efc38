"""Pattern matching in windows around the places where the prefilter saw a pattern, not in the whole text.

A window is a stretch of characters of one text. It is wide enough that the matches inside are those of a scan of the
whole text (`tests/property/test_equal_findings.py` compares them). A pattern whose width has no bound, or one above 256
characters, is matched against the whole text.

Called by: `pattern_recogniser.PatternRecogniser`, for each pattern of which the prefilter saw a possible match.
Presidio's own engine never comes here.

Invariants:
- The matches are those of a scan of the whole text, in the same order.
"""

import re
import re._parser as parser  # type: ignore[import-not-found]  # not in the stubs of the standard library
from collections.abc import Iterator, Sequence
from typing import Any, Final

__all__ = ["matches", "reach"]

_WIDEST: Final = 256
_Tree = Any


def reach(pattern: str) -> int | None:
    """Return the most characters that a match and its lookarounds span, or None if they are more than 256."""
    # The parser is private to the standard library, but nothing public gives the tree of a pattern. A pattern that only
    # the `regex` module understands has no tree here, and is then matched against the whole text.
    try:
        width = _width(parser.parse(pattern, parser.SRE_FLAG_IGNORECASE))
    except re.error:
        return None
    return width if width <= _WIDEST else None


def matches(
    pattern: Any,  # noqa: ANN401 - `regex` ships no types
    text: str,
    ends: Sequence[int],
    width: int | None,
    seconds: float,
) -> Iterator[Any]:
    """Yield the matches of a pattern in a text, as `pattern.finditer(text)` would.

    Args:
        pattern: a compiled pattern of the `regex` module.
        text: the whole text.
        ends: where the prefilter saw possible matches end (characters, ascending); every match spans one of them.
        width: the `reach` of the pattern.
        seconds: time limit of each scan.

    Raises:
        TimeoutError: the pattern took longer than `seconds`.
    """
    if width is None:
        yield from pattern.finditer(text, timeout=seconds)
        return
    for start, end in _windows(ends, width):
        for match in pattern.finditer(text, start, end, timeout=seconds):
            # finditer takes the window's end for the end of the text, so a match that starts less than a width before
            # it may not be one of the whole text. A true match lies deeper in the window of its own end.
            if end >= len(text) or match.start() <= end - width:
                yield match


def _windows(ends: Sequence[int], width: int) -> Iterator[tuple[int, int]]:
    """Yield windows, ascending and disjoint, from one width before each end to two widths behind it."""
    # One width on either side holds the match; the second one behind it is for the rule of `matches` above.
    start, end = max(0, ends[0] - width), ends[0] + 2 * width
    for place in ends[1:]:
        if place - width > end:
            yield start, end
            start = place - width
        end = place + 2 * width
    yield start, end


def _width(tree: _Tree) -> int:
    """Return the greatest width of a parsed pattern in characters, its lookarounds added."""
    return sum(_node_width(str(name), value) for name, value in tree)


def _node_width(name: str, value: _Tree) -> int:
    """Return the greatest width of one node of the parse tree, by the opcode's name."""
    match name:
        case "BRANCH":
            return max(map(_width, value[1]))
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            return int(value[1]) * _width(value[2])
        case "SUBPATTERN" | "ASSERT" | "ASSERT_NOT" | "ATOMIC_GROUP":
            return _width(value if name == "ATOMIC_GROUP" else value[-1])
        case _:
            # A back reference may repeat a group of any width; every other opcode takes one character or none.
            return _WIDEST + 1 if name.startswith("GROUPREF") else 1
