"""One scan of a text that says which patterns can match at all.

Decides nothing about findings: it may raise a false alarm, never miss. Hyperscan's prefilter mode over-matches where it
does not know a construct; flags mirror those of `shape.FLAGS`.
"""

from collections.abc import Sequence

import hyperscan

__all__ = ["Prefilter"]

_FLAGS = (
    hyperscan.HS_FLAG_CASELESS
    | hyperscan.HS_FLAG_DOTALL
    | hyperscan.HS_FLAG_MULTILINE
    | hyperscan.HS_FLAG_UTF8
    | hyperscan.HS_FLAG_UCP
    | hyperscan.HS_FLAG_SINGLEMATCH
    | hyperscan.HS_FLAG_PREFILTER
)


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

    def fired(self, text: str) -> dict[int, set[int]]:
        """Return which patterns may match: group → indices within it."""
        numbers: list[int] = []
        self._database.scan(text.encode(), match_event_handler=lambda number, *_: numbers.append(number))
        groups: dict[int, set[int]] = {}
        for number in numbers:
            group, index = self._places[number]
            groups.setdefault(group, set()).add(index)
        return groups
