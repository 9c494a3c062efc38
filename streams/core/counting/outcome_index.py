"""The one end of every raw record of which anything was said, in about 130 bytes each.

Decides how statements are kept, so that those about a million records are. Which of two holds is decided by their rank
(`streams.core.counting.outcomes`).
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from streams.core.counting.outcomes import FATES, Outcome, Position

__all__ = ["OutcomeIndex", "Place"]

Place = tuple[str, str, int]
"""A raw partition: agency, kind, partition."""

_FATE_BITS: Final = 3
_SOURCE_BITS: Final = 16
_MARK_BITS: Final = 63
_LOW: Final = _FATE_BITS + _SOURCE_BITS
"""Bits of a packed statement below its rank."""


class OutcomeIndex:
    """The statement that holds of each raw record, in whatever order they come and however often."""

    def __init__(self, statements: Iterable[Outcome] = ()) -> None:
        self._held: defaultdict[Place, dict[int, int]] = defaultdict(dict)
        self._others: dict[tuple[Position, int], int] = {}
        self._sources: dict[str, int] = {}
        for one in statements:
            self.add(one)

    def add(self, outcome: Outcome) -> None:
        """Take one statement."""
        *place, offset = outcome.position
        held = self._held[tuple(place)]  # type: ignore[index] # the first three of four
        said = self._packed(outcome)
        known = held.setdefault(offset, said)
        if said >> _LOW > known >> _LOW:
            held[offset] = said
            self._others.pop((outcome.position, _source(said)), None)
            self._remember(outcome.position, known, beside=said)
        else:
            self._remember(outcome.position, said, beside=known)

    def _remember(self, position: Position, lower: int, *, beside: int) -> None:
        """Keep the last word of a source beside another's that outranks it."""
        key = position, _source(lower)
        if _source(lower) != _source(beside) and lower >> _LOW > self._others.get(key, -1) >> _LOW:
            self._others[key] = lower

    def _packed(self, outcome: Outcome) -> int:
        """Put rank, source and fate into one number, ordered by rank."""
        later, mark, ordinal = outcome.rank
        source = self._sources.setdefault(outcome.source, len(self._sources))
        rank = ((later << _MARK_BITS | mark) << _MARK_BITS) | ordinal
        return (rank << _SOURCE_BITS | source) << _FATE_BITS | FATES.index(outcome.fate)

    def fate_of(self, place: Place, offset: int) -> str | None:
        """Return the fate of a record, None where nothing was said of it."""
        held = self._held.get(place, {}).get(offset)
        return None if held is None else _fate(held)

    def outside(self, published: Mapping[Place, int]) -> Iterator[Position]:
        """Yield what has an end and was never published: `published` has the end offset of each partition."""
        for place, held in self._held.items():
            yield from ((*place, offset) for offset in held if offset >= published.get(place, 0))

    def twice(self) -> set[Position]:
        """Return what more than one source counts: each one's last word holds."""
        counting = Counter(position for (position, _), said in self._others.items() if _fate(said) == "counted")
        held = {one for one in counting if self.fate_of(one[:3], one[3]) == "counted"}
        return {one for one, number in counting.items() if number + (one in held) > 1}

    def tally(self) -> dict[tuple[str, str], Counter[str]]:
        """Count fates by (agency, kind)."""
        counts: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        for (agency, kind, _), held in self._held.items():
            counts[agency, kind].update(map(_fate, held.values()))
        return dict(counts)


def _fate(packed: int) -> str:
    return FATES[packed & ((1 << _FATE_BITS) - 1)]


def _source(packed: int) -> int:
    return packed >> _FATE_BITS & ((1 << _SOURCE_BITS) - 1)
