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
    """A database of patterns, each belonging to a numbered group."""

    def __init__(self, groups: Sequence[Sequence[str]]) -> None:
        patterns = [(pattern, group) for group, members in enumerate(groups) for pattern in members]
        self._database = hyperscan.Database()
        self._database.compile(
            expressions=[pattern.replace("?P<value>", "?:").encode() for pattern, _ in patterns],
            ids=[group for _, group in patterns],
            elements=len(patterns),
            flags=_FLAGS,
        )

    def fired(self, text: str) -> list[int]:
        """Return the groups of which a pattern may match, ascending."""
        groups: set[int] = set()
        self._database.scan(text.encode(), match_event_handler=lambda group, *_: groups.add(group))
        return sorted(groups)
