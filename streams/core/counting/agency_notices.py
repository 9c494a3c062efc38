"""The notices to an agency: the result of each of its own records at the de-identifier, and the agency's own books.

Purpose: tell an agency what became of its records, and nothing that follows from another agency's. The de-identifier
alone gives notice: its rules read nothing but the record, the agency's own earlier records, the policy and two dates.
Whether a record is counted, or a duplicate of another agency's, is decided later, and not told.

Called by: `streams.stages.deidentify_outputs` (notices of a batch), `streams.stages.record_encoder` (`pack`),
`connectors.adapters.notices_topic` (`unpack`), `connectors.ingest.own_records` (`NoticeBook`, `own_books`),
`amana notices` (shows them).

Invariants:
- A notice is a function of the agency's own records, of the policy, of the calendar's date and of the day.
- Of several notices of one record the one of the highest rank holds; of equal ones the later. A repeated batch, a
  replay and a process that was fenced too late change no notice for the worse.
- A record without a notice is missing if the de-identifier has given notice of a later one of its partition, since it
  reads a partition in order; else it is not read yet.

    book = NoticeBook()
    book.add(Notice("case", 0, 17, "refused", "CON-013", "event_date"))
    book.notice_of("case", 0, 17).code               # "CON-013"
    book.add(Notice("case", 0, 17, "accepted", replayed=True))
    book.notice_of("case", 0, 17).result             # "accepted"
"""

import itertools
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

__all__ = ["MOST_RUNS", "RESULTS", "Notice", "NoticeBook", "OwnBooks", "OwnLine", "own_books", "pack", "unpack"]

RESULTS: Final = ("refused", "late", "superseded", "duplicate", "accepted")
"""The results in ascending rank: an accepted record stays accepted, whatever a repetition says of it."""

MOST_RUNS: Final = 4_096
"""Runs of one message: at most 40 bytes each, so that a message stays far below the size of a request."""

OwnPlace = tuple[str, int, int]
"""The place of an agency's own record: kind, partition, offset."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What became of one record.

    Args:
        kind: Its kind of event.
        partition: Its raw partition.
        offset: Its raw offset.
        result: One of `RESULTS`. `duplicate` and `superseded` are about the agency's own revisions.
        code: Error code of a refusal.
        field: Field path of a refusal.
        replayed: Whether the operator sent it again from quarantine.
    """

    kind: str
    partition: int
    offset: int
    result: str
    code: str | None = None
    field: str | None = None
    replayed: bool = False

    @property
    def rank(self) -> tuple[int, bool]:
        """Return the rank among the notices of one record."""
        return RESULTS.index(self.result), self.replayed


def pack(notices: Sequence[Notice]) -> Iterator[dict[str, Any]]:
    """Yield the fields of the schema `notice` for notices in the order of their offsets, in runs of equal ones."""
    for (kind, partition, replayed), group in itertools.groupby(notices, lambda n: (n.kind, n.partition, n.replayed)):
        runs: list[dict[str, Any]] = []
        for notice in group:
            same = {"result": notice.result, "code": notice.code, "field": notice.field}
            last = runs[-1] if runs else None
            if last and last["first"] + last["count"] == notice.offset and same.items() <= last.items():
                last["count"] += 1
            else:
                runs.append({"first": notice.offset, "count": 1, **same})
        for start in range(0, len(runs), MOST_RUNS):
            part = runs[start : start + MOST_RUNS]
            yield {"kind": kind, "partition": partition, "replayed": replayed, "runs": part}


def unpack(record: Mapping[str, Any]) -> Iterator[Notice]:
    """Yield the notices in a record that `pack` made."""
    for run in record["runs"]:
        for offset in range(run["first"], run["first"] + run["count"]):
            said = run["result"], run["code"], run["field"], record["replayed"]
            yield Notice(record["kind"], record["partition"], offset, *said)


class NoticeBook:
    """The notice that holds for each record."""

    def __init__(self, notices: Iterable[Notice] = ()) -> None:
        self._held: dict[OwnPlace, Notice] = {}
        for notice in notices:
            self.add(notice)

    def add(self, notice: Notice) -> None:
        """Add a notice; one of a lower rank does not change the one that holds."""
        place = notice.kind, notice.partition, notice.offset
        held = self._held.get(place)
        if held is None or notice.rank >= held.rank:
            self._held[place] = notice

    def notice_of(self, kind: str, partition: int, offset: int) -> Notice | None:
        """Return the notice of a record, None if there is none."""
        return self._held.get((kind, partition, offset))

    def notices(self) -> list[Notice]:
        """Return the notices that hold, by place."""
        return [self._held[place] for place in sorted(self._held)]

    def told_to(self, kind: str, partition: int) -> int:
        """Return the offset behind the last record of a partition that has a notice."""
        return max((at + 1 for of, number, at in self._held if (of, number) == (kind, partition)), default=0)


@dataclass(frozen=True, slots=True)
class OwnLine:
    """The books of one kind.

    Args:
        kind: Kind of event.
        published: Number of published records.
        results: Result -> number of records.
        refused: Code -> number of refused records.
        in_quarantine: Refused records that quarantine holds; the operator has dropped the others.
        unread: Records that the de-identifier has not read yet.
        missing: Records without a notice that it has read past.
    """

    kind: str
    published: int
    results: Mapping[str, int]
    refused: Mapping[str, int]
    in_quarantine: int
    unread: int
    missing: int


@dataclass(frozen=True, slots=True)
class OwnBooks:
    """The books of an agency, and the place of each record that is missing."""

    lines: tuple[OwnLine, ...]
    missing: tuple[OwnPlace, ...]

    @property
    def unread(self) -> int:
        """Return the number of records that the de-identifier has not read yet."""
        return sum(line.unread for line in self.lines)


def own_books(ends: Mapping[tuple[str, int], int], book: NoticeBook, quarantine: Collection[OwnPlace]) -> OwnBooks:
    """Compare an agency's published records with their notices.

    Args:
        ends: (kind, partition) -> the offset behind the last published record, for every raw partition of the agency.
        book: The notices of the agency.
        quarantine: The places of its records that quarantine holds.
    """
    lines, missing = [], []
    for kind in dict.fromkeys(kind for kind, _ in ends):
        results: Counter[str] = Counter()
        refused: Counter[str] = Counter()
        held = unread = 0
        lost: list[OwnPlace] = []
        for partition, end in ((number, end) for (of, number), end in ends.items() if of == kind):
            told_to = book.told_to(kind, partition)
            for offset in range(end):
                notice = book.notice_of(kind, partition, offset)
                if notice is None:
                    unread += offset >= told_to
                    lost += [(kind, partition, offset)] if offset < told_to else []
                    continue
                results[notice.result] += 1
                if notice.result == "refused":
                    refused[notice.code or ""] += 1
                    held += (kind, partition, offset) in quarantine
        published = sum(end for (of, _), end in ends.items() if of == kind)
        by_result = {name: results[name] for name in reversed(RESULTS)}
        lines.append(OwnLine(kind, published, by_result, dict(sorted(refused.items())), held, unread, len(lost)))
        missing += lost
    return OwnBooks(tuple(lines), tuple(missing))
