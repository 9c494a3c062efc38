"""One scan of a text that says which patterns can match at all, and where.

Decides nothing about findings: it may raise a false alarm, never miss. Hyperscan's prefilter mode over-matches where it
does not know a construct; flags mirror those of `shape.FLAGS`.
"""

from collections.abc import Iterable, Mapping, Sequence

import hyperscan

__all__ = ["Hits", "Prefilter"]

_FLAGS = (
    hyperscan.HS_FLAG_CASELESS
    | hyperscan.HS_FLAG_DOTALL
    | hyperscan.HS_FLAG_MULTILINE
    | hyperscan.HS_FLAG_UTF8
    | hyperscan.HS_FLAG_UCP
    | hyperscan.HS_FLAG_PREFILTER
)

Hits = Mapping[int, Sequence[int]]
"""Index of a pattern in its group → where it was seen to end (characters, ascending)."""


class Prefilter:
    """A database of patterns in numbered groups."""

    def __init__(self, groups: Sequence[Sequence[str]]) -> None:
        self._places = [(group, index) for group, members in enumerate(groups) for index in range(len(members))]
        patterns = [pattern for members in groups for pattern in members]
        self._database = hyperscan.Database()
        self._database.compile(
            expressions=[pattern.replace("?P<value>", "?:").encode() for pattern in patterns],
            ids=list(range(len(patterns))),
            elements=len(patterns),
            flags=_FLAGS,
        )

    def hits(self, text: str) -> dict[int, dict[int, list[int]]]:
        """Return which patterns may match and where: group → index within it → ends."""
        seen: list[tuple[int, int]] = []
        coded = text.encode()
        self._database.scan(coded, match_event_handler=lambda number, _, end, *__: seen.append((end, number)))
        if not seen:
            return {}
        seen.sort()
        place = _characters(coded, (end for end, _ in seen)) if len(coded) > len(text) else None
        groups: dict[int, dict[int, list[int]]] = {}
        for end, number in seen:
            group, index = self._places[number]
            groups.setdefault(group, {}).setdefault(index, []).append(end if place is None else place[end])
        return groups


def _characters(coded: bytes, ends: Iterable[int]) -> dict[int, int]:
    """Return the places in characters of ascending places in bytes."""
    places: dict[int, int] = {}
    last = count = 0
    for end in ends:
        if end > last:
            count += len(coded[last:end].decode(errors="ignore"))
            last = end
        places[end] = count
    return places
