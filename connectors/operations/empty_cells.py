"""Cells that count nobody any more: their names tell what somebody was, so they are deleted with an erasure.

Purpose: ask aggregate to delete them, by a record on the topic that it reads, so that nothing else can come in between.
Called by: `amana.composition.erasures`.

Invariants:
- A cell's marks tell repeated deltas from new ones. It is deleted only if dedupe has committed behind all of them, and
  aggregate has read everything that dedupe sent until then: none of them can come again.
- One cell stays in each partition: a partition without any would look like one whose changelog is lost.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from kafka import TopicPartition

from connectors.adapters import cells_topic
from schemas.identifiers import AgencyId, CubeKey
from schemas.record_seal import RecordSeal
from streams.broker import topics
from streams.broker.partitions import partition_of
from streams.core.counting import aggregate, delta_packs

__all__ = ["requests"]

_NOBODY = AgencyId("")


def requests(
    seal: RecordSeal, records: Iterable[object], passed: Mapping[TopicPartition, int]
) -> Iterator[tuple[str, int, bytes, bytes]]:
    """Yield records that ask aggregate to delete the empty cells: topic, partition, key, value.

    Args:
        seal: opens and seals records of every year.
        records: the client's records of the whole topic `cells`.
        passed: offset of each partition before dedupe behind which dedupe has committed.
    """
    records = list(records)
    years = {record.key.partition(b"\0")[0]: None for record in records}  # type: ignore[attr-defined]
    held = cells_topic.cells(seal, records)
    by_partition: defaultdict[int, list[aggregate.Cell]] = defaultdict(list)
    for cell in held.values():
        by_partition[partition_of(cell.cell.encode(), topics.PARTITIONS)].append(cell)
    for partition, cells in by_partition.items():
        empty = [cell for cell in cells if not cell.counts and _passed(cell, passed)]
        for year, rows in _rows(seal, empty[: len(cells) - 1], years).items():
            for start in range(0, len(rows), delta_packs.MOST_ROWS):
                pack = delta_packs.pack(year, delta_packs.FORGET, rows[start : start + delta_packs.MOST_ROWS])
                yield "deltas", partition, b"", seal.write("delta", year, pack, "deltas")


def _passed(cell: aggregate.Cell, passed: Mapping[TopicPartition, int]) -> bool:
    """Return whether dedupe will send none of the deltas of a cell again."""
    for source, (offset, _) in cell.marks.items():
        kind, _, number = source.partition("/")
        if offset >= passed.get(TopicPartition(topics.deidentified(kind), int(number)), 0):
            return False
    return True


def _rows(
    seal: RecordSeal, cells: Iterable[aggregate.Cell], keys: Mapping[bytes, None]
) -> Mapping[str, list[delta_packs.Row]]:
    """Return a row for each cell, by the year whose keys its value is sealed under."""
    found: defaultdict[str, list[delta_packs.Row]] = defaultdict(list)
    for cell in cells:
        year = next(year for year in map(str, range(1900, 2200)) if _is_of(seal, year, cell.cell, keys))
        found[year].append(delta_packs.Row(cell.cell, _NOBODY, 0, cell.through, 0))
    return found


def _is_of(seal: RecordSeal, year: str, cell: CubeKey, keys: Mapping[bytes, None]) -> bool:
    return seal.has(year) and seal.index(year, cell).encode() in keys
