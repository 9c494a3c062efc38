"""One Hyperscan scan of a text that tells which patterns can match at all, and where.

Called by: `presidio.Analyzer`, once for each chunk of a text; recognisers then run only the patterns that were seen.

Invariants:
    - A match is never missed. It may see a pattern that does not match: HS_FLAG_PREFILTER over-matches where Hyperscan
      does not know a construct, and a pattern may be scanned for by a cheaper hint (`PatternRule.hint`).
    - It decides nothing about findings.

Source: Hyperscan developer reference, "Prefiltering Mode".
"""

from collections.abc import Mapping, Sequence

import hyperscan

__all__ = ["Hits", "Prefilter"]

# The flags mirror `pattern_recogniser.FLAGS`: with a narrower flag a match could be missed.
_FLAGS = (
    hyperscan.HS_FLAG_CASELESS
    | hyperscan.HS_FLAG_DOTALL
    | hyperscan.HS_FLAG_MULTILINE
    | hyperscan.HS_FLAG_UTF8
    | hyperscan.HS_FLAG_UCP
    | hyperscan.HS_FLAG_PREFILTER
)

Hits = Mapping[int, Sequence[int]]
"""Index of a pattern in its group to the places where it was seen to end (characters, ascending)."""


class Prefilter:
    """A database of patterns in numbered groups; here a group holds the hints of one recogniser."""

    def __init__(self, groups: Sequence[Sequence[str]]) -> None:
        self._places = [(group, index) for group, members in enumerate(groups) for index in range(len(members))]
        patterns = [pattern for members in groups for pattern in members]
        self._database = hyperscan.Database()
        self._database.compile(
            # The name of a group means nothing to a prefilter.
            expressions=[pattern.replace("?P<value>", "?:").encode() for pattern in patterns],
            ids=list(range(len(patterns))),
            elements=len(patterns),
            flags=_FLAGS,
        )

    def hits(self, text: str) -> dict[int, dict[int, list[int]]]:
        """Return the patterns that may match: number of a group to index of a pattern to its ends (characters)."""
        seen: list[tuple[int, int]] = []
        encoded = text.encode()
        self._database.scan(encoded, match_event_handler=lambda number, _, end, *__: seen.append((end, number)))
        if not seen:
            return {}
        seen.sort()
        # Hyperscan counts bytes. In an ASCII text they are characters; else each end is decoded once, in one pass.
        places = _characters(encoded, [end for end, _ in seen]) if len(encoded) > len(text) else None
        groups: dict[int, dict[int, list[int]]] = {}
        for end, number in seen:
            group, index = self._places[number]
            groups.setdefault(group, {}).setdefault(index, []).append(end if places is None else places[end])
        return groups


def _characters(encoded: bytes, ends: Sequence[int]) -> dict[int, int]:
    """Return the character index of each byte index; `ends` are ascending."""
    places: dict[int, int] = {}
    last = count = 0
    for end in ends:
        if end > last:
            # Should an end lie within a character, the bytes before it count for nothing.
            count += len(encoded[last:end].decode(errors="ignore"))
            last = end
        places[end] = count
    return places
