"""An index of the outcome that holds for each raw record, in about 130 bytes a record.

Purpose: millions of outcomes are read from the topic, in any order and with repetitions; the index keeps the one of the
highest rank for each record (`streams.core.counting.outcomes`), packed into one integer, and the last outcome of every
other source, which is needed only to find a record that was counted twice.

Called by: `streams.core.counting.balance` and `connectors.operations.pipeline_status`.

Invariants:
- The content does not depend on the order in which outcomes are added, nor on repetitions.
- Packed integers compare as the ranks of their outcomes do.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from streams.core.counting.outcomes import OUTCOMES, Outcome, Position

__all__ = ["OutcomeIndex", "Place"]

Place = tuple[str, str, int]
"""A raw partition: agency, kind, partition number."""

# Layout of a packed outcome, from the highest bit: later stage (1), mark offset (63), ordinal (63), source (16),
# result (3). The first three are the rank.
_RESULT_BITS: Final = 3
_SOURCE_BITS: Final = 16
_MARK_BITS: Final = 63
_BELOW_RANK: Final = _RESULT_BITS + _SOURCE_BITS


class OutcomeIndex:
    """The outcome that holds for each raw record."""

    def __init__(self, outcomes: Iterable[Outcome] = ()) -> None:
        self._held: defaultdict[Place, dict[int, int]] = defaultdict(dict)
        self._outranked: dict[tuple[Position, int], int] = {}
        self._sources: dict[str, int] = {}
        for outcome in outcomes:
            self.add(outcome)

    def add(self, outcome: Outcome) -> None:
        """Add one outcome; a repetition or a lower rank does not change the one that holds."""
        *place, offset = outcome.position
        held_of = self._held[tuple(place)]  # type: ignore[index] # the first three of four
        new = self._packed(outcome)
        held = held_of.setdefault(offset, new)
        if new >> _BELOW_RANK > held >> _BELOW_RANK:
            held_of[offset] = new
            self._outranked.pop((outcome.position, _source(new)), None)
            self._remember(outcome.position, held, beside=new)
        else:
            self._remember(outcome.position, new, beside=held)

    def _remember(self, position: Position, lower: int, *, beside: int) -> None:
        """Keep the last outcome of a source that another source outranks."""
        # A source that outranks itself corrects itself; only two sources that both count a record count it twice.
        key = position, _source(lower)
        if _source(lower) != _source(beside) and lower >> _BELOW_RANK > self._outranked.get(key, -1) >> _BELOW_RANK:
            self._outranked[key] = lower

    def _packed(self, outcome: Outcome) -> int:
        """Put rank, source and result into one integer, ordered by rank."""
        later_stage, mark, ordinal = outcome.rank
        source = self._sources.setdefault(outcome.source, len(self._sources))
        rank = ((later_stage << _MARK_BITS | mark) << _MARK_BITS) | ordinal
        return (rank << _SOURCE_BITS | source) << _RESULT_BITS | OUTCOMES.index(outcome.result)

    def outcome_of(self, place: Place, offset: int) -> str | None:
        """Return the outcome of a record, None if it has none."""
        held = self._held.get(place, {}).get(offset)
        return None if held is None else _result(held)

    def outside(self, published: Mapping[Place, int]) -> Iterator[Position]:
        """Yield the records with an outcome that were never published.

        Args:
            published: The end offset of each raw partition.
        """
        for place, held in self._held.items():
            yield from ((*place, offset) for offset in held if offset >= published.get(place, 0))

    def twice(self) -> set[Position]:
        """Return the records that more than one source counts, by the last outcome of each source."""
        counting = Counter(position for (position, _), lower in self._outranked.items() if _result(lower) == "counted")
        held = {position for position in counting if self.outcome_of(position[:3], position[3]) == "counted"}
        return {position for position, sources in counting.items() if sources + (position in held) > 1}

    def tally(self) -> dict[tuple[str, str], Counter[str]]:
        """Count the outcomes by (agency, kind)."""
        counts: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        for (agency, kind, _), held in self._held.items():
            counts[agency, kind].update(map(_result, held.values()))
        return dict(counts)


def _result(packed: int) -> str:
    return OUTCOMES[packed & ((1 << _RESULT_BITS) - 1)]


def _source(packed: int) -> int:
    return packed >> _RESULT_BITS & ((1 << _SOURCE_BITS) - 1)
