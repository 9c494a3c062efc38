"""Names of groups of agencies that reported the same person.

Purpose: a cell counts every person once, whoever reported it, and still says what each agency knows: its persons are
kept by the set of all agencies that reported them, not by the one whose event leads.
Called by: `streams.core.counting.dedupe`, which names the groups; `streams.core.releasing` and `anonymizer.tabular`,
which ask who is in them.

Invariants:
- The name of one agency alone is its id. No id has a `+`.

>>> together(["shelter", "police"]), sorted(agencies_in("police+shelter"))
('police+shelter', ['police', 'shelter'])
"""

from collections.abc import Iterable
from functools import lru_cache

from schemas.identifiers import AgencyId

__all__ = ["agencies_in", "together"]

_JOINED = "+"


def together(agencies: Iterable[AgencyId]) -> AgencyId:
    """Return the name of a group of agencies, the same in any order."""
    return AgencyId(_JOINED.join(sorted(set(agencies))))


@lru_cache(4096)
def agencies_in(name: str) -> frozenset[AgencyId]:
    """Return the agencies of a group."""
    return frozenset(AgencyId(agency) for agency in name.split(_JOINED))
