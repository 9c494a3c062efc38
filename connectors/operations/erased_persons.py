"""Person-years of which dedupe remembers that an event was erased: it forgets them with the removal of the records.

Purpose: ask dedupe to do so, by a record on a topic that it reads, so that nothing else can come in between.
Called by: `amana.composition.erasures`.

Invariants:
- Dedupe remembers an erased event, without content, for an hour at least: copies of its records that are still on their
  way are known as old ones.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from connectors.operations.removal import TURN
from schemas import catalogue
from schemas.record_seal import ErasedError, RecordSeal
from streams.broker import topics
from streams.core.counting import dedupe, erasure, state_value

__all__ = ["requests"]

_STATE: Final = "state.dedupe"
_KIND: Final = catalogue.KINDS[0]  # its topic serves all kinds: states of all kinds are known by their keys


def requests(seal: RecordSeal, records: Iterable[Any]) -> Iterator[tuple[str, int, bytes, bytes]]:
    """Yield records that ask dedupe to forget erased events: topic, partition, key, value.

    Args:
        seal: opens and seals records of every year.
        records: the client's records of the whole changelog of dedupe.
    """
    held = {record.key: record for record in records}
    stem, fields = topics.deidentified(_KIND), catalogue.load(topics.deidentified(_KIND)).fields
    found: dict[tuple[int, str], str] = {}
    for record in held.values():
        key = record.key.partition(b"\0")[0].decode()
        if record.value is None:
            continue
        try:
            data = seal.open(record.value[state_value.WIDTH :], _STATE, key)
        except ErasedError:
            continue
        events = dedupe.load(0, _KIND, data).events.values()
        if year := next((event.period[:4] for event in events if event.state == "erased"), None):
            found[record.partition, key] = year
    for (partition, key), year in found.items():
        # Under the key that closes segments: the next one replaces it, and compaction deletes it.
        value = seal.write(stem, year, erasure.forgetting(fields, key, year), stem, TURN.decode())
        yield stem, partition, TURN, value
