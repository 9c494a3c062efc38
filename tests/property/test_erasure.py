"""Erasure as a law: whatever was reported, moved, withdrawn, erased and reported again, in whatever batches.

Where an event was erased, the counts are those of a site that it was never reported to, and after compaction nothing
names it: checked against a second site that gets the surviving events alone.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from anonymizer.governance.policy_timeline import PolicyTimeline
from connectors.operations import erased_persons, erasure_notes
from schemas.record_seal import EVIDENCE
from streams.broker import topics
from streams.core.counting import dedupe as rules
from streams.core.counting import delta_columns, state_value
from streams.runtime.stage import Output, Record
from streams.stages import dedupe, deidentify, deidentify_outputs
from tests.support import counted, raw_events

TOPIC = "deidentified.case"
AGENCIES = ("police-jor", "shelter-lbn")
POLICIES = PolicyTimeline.always(raw_events.shipped())
State = dict[str, bytes]


@dataclass(frozen=True)
class Act:
    """A revision of an event, or its erasure (no revision)."""

    agency: str
    number: int
    revision: int | None
    person: int = 0
    month: int = 1
    year: int = 2023
    withdrawn: bool = False

    @property
    def event_id(self) -> str:
        return f"{AGENCIES.index(self.agency)}{self.number:031x}"

    def record(self, offset: int) -> Record:
        if self.revision is None:
            return raw_events.erasure("case", self.agency, self.event_id, offset)
        return raw_events.record("case", self.clear(self.revision), offset)

    def clear(self, revision: int) -> dict[str, Any]:
        return raw_events.event(
            agency=self.agency,
            event_id=self.event_id,
            revision=revision,
            withdrawn=self.withdrawn,
            person=f"{self.person + 1:032x}",
            event_date=f"{self.year}-{self.month:02}-03",
        )


ACTS = st.builds(
    Act,
    agency=st.sampled_from(AGENCIES),
    number=st.integers(0, 2),
    revision=st.none() | st.integers(1, 6),
    person=st.integers(0, 1),
    month=st.integers(1, 3),
    year=st.sampled_from((2022, 2023)),
    withdrawn=st.booleans(),
)


def written(kept: State, writes: Mapping[str, bytes | None]) -> None:
    for key, value in writes.items():
        if value is None:
            kept.pop(key, None)
        else:
            kept[key] = value


@dataclass(frozen=True)
class Changed:
    """A record of a changelog."""

    key: bytes
    value: bytes
    partition: int


@dataclass
class Site:
    """The first two stages without a broker: the log between them, both states, and the sums of the deltas."""

    deidentified: State = field(default_factory=dict)
    persons: State = field(default_factory=dict)
    log: dict[int, list[Record]] = field(default_factory=lambda: defaultdict(list))
    counts: Counter[str] = field(default_factory=Counter)
    marks: dict[str, tuple[int, int]] = field(default_factory=dict)
    results: list[Output] = field(default_factory=list)

    def take(self, batch: Sequence[Record], *, twice: bool) -> None:
        """Handle a batch; `twice`: a crash came after its outputs, before its state."""
        by_partition = defaultdict(list)
        for record in batch:
            by_partition[record.topic, record.partition].append(record)
        stage = deidentify.Deidentify(POLICIES, raw_events.deps(), counted.private(counted.Nothing()))
        for records in by_partition.values():
            results = [asyncio.run(stage(records, self.deidentified.get)) for _ in range(1 + twice)]
            for one in (output for result in results for output in result.outputs):
                self.results.append(one)
                if one.topic == TOPIC:
                    own = self.log[one.partition]
                    own.append(Record(TOPIC, one.partition, len(own), one.key, one.value))
            written(self.deidentified, results[-1].writes)

    def count(self, *, twice: bool = False) -> None:
        """Let dedupe read the whole log, in two batches a partition; each delta is included once, by its mark."""
        stage = dedupe.Dedupe(POLICIES, raw_events.deps())
        for own in self.log.values():
            half = len(own) // 2
            for batch in filter(None, (own[:half], own[half:])):
                results = [asyncio.run(stage(batch, self.persons.get)) for _ in range(1 + twice)]
                for result in results:
                    self._include(result.outputs)
                written(self.persons, results[-1].writes)

    def forget(self) -> None:
        """Ask dedupe to forget what was erased, as the removal does."""
        held = [Changed(key.encode() + b"\0epoch", value, 0) for key, value in self.persons.items()]
        stage = dedupe.Dedupe(POLICIES, raw_events.deps())
        for topic, partition, key, value in erased_persons.requests(raw_events.SEAL, held):
            result = asyncio.run(stage([Record(topic, partition, 10_000, key, value)], self.persons.get))
            assert not result.outputs
            written(self.persons, result.writes)

    def _include(self, outputs: Sequence[Output]) -> None:
        for one in outputs:
            if one.topic != "deltas":
                continue
            columns, _ = delta_columns.read([(0, raw_events.opened("delta", one))])
            for cell, amount, offset, ordinal, source in zip(
                columns.cell.tolist(), columns.amount.tolist(), columns.offset.tolist(), columns.ordinal.tolist(),
                columns.source.tolist(), strict=True,
            ):  # fmt: skip
                key = f"{columns.cells[cell]} {columns.sources[source]}"
                if (offset, ordinal) > self.marks.get(key, (-1, -1)):
                    self.marks[key] = (offset, ordinal)
                    self.counts[columns.cells[cell]] += amount

    def compacted(self) -> "Site":
        """Return a site with the log alone, compacted, and cleared by the notes as `amana erase finish` does."""
        fresh, told = Site(), {tombstone[1:3] for note in self.notes() for tombstone in note.tombstones}
        for partition, own in self.log.items():
            last = {record.key: record for record in own}
            kept = (record for record in own if last[record.key] is record and record.value is not None)
            fresh.log[partition] = [one for one in kept if (partition, one.key) not in told]
        return fresh

    def notes(self) -> list[erasure_notes.ErasureNote]:
        """Return the notes that the topic `erasures` holds, of which it has the last one of each key."""
        last = {one.key: one for one in self.results if one.topic == topics.ERASURES}
        return [
            erasure_notes.ErasureNote(
                key.decode(), said["agency"], said["kind"], said["digest"], tuple(said["markers"]), 0
            )
            for key, one in last.items()
            for said in [raw_events.opened("erased", one)]
        ]

    def said(self) -> Iterator[bytes]:
        """Yield what can be read with all keys: the log, and both states."""
        for own in self.log.values():
            for record in own:
                yield record.key or b""
                if record.value is not None:
                    yield repr(raw_events.opened(TOPIC, record)).encode()
        for key, value in self.deidentified.items():
            head = state_value.WIDTH + 4
            yield key.encode() + raw_events.SEAL.open(value[head:], deidentify_outputs.STATE, key)
        for key, value in self.persons.items():
            yield key.encode()
            yield repr(self._person(key, value)).encode()

    @staticmethod
    def _person(key: str, value: bytes) -> rules.PersonYear:
        return rules.load(0, "case", raw_events.SEAL.open(value[state_value.WIDTH :], dedupe.STATE, key))


def surviving(acts: Sequence[Act]) -> list[Act]:
    """Return the last revision of each event that is not erased, by the words of the decision record."""
    known: dict[str, tuple[int, Act | None]] = {}
    for act in acts:
        revision, latest = known.get(act.event_id, (0, None))
        if act.revision is None:
            forgets = latest is not None or act.event_id not in known
            known[act.event_id] = (revision + forgets, None)
        elif act.revision > revision:
            known[act.event_id] = (act.revision, act)
    return [act for _, act in known.values() if act is not None]


@settings(max_examples=25, deadline=None)
@given(acts=st.lists(ACTS, min_size=1, max_size=24), size=st.integers(1, 9), crash=st.booleans())
def test_an_erased_event_counts_as_if_it_had_never_been_reported(*, acts: list[Act], size: int, crash: bool) -> None:
    site, left = Site(), surviving(acts)
    records = [act.record(offset) for offset, act in enumerate(acts)]
    for start in range(0, len(records), size):
        site.take(records[start : start + size], twice=crash)
    site.count(twice=crash)

    honest = Site()
    honest.take([act.record(offset) for offset, act in enumerate(left)], twice=False)
    honest.count()
    assert +site.counts == +honest.counts

    again = site.compacted()
    again.count()
    assert +again.counts == +honest.counts, "a replay of what is left brings somebody back, or loses somebody"
    site.forget()
    again.deidentified, again.persons = site.deidentified, site.persons
    erased = {act.event_id for act in acts} - {act.event_id for act in left}
    everything = b"\0".join(again.said())
    assert [event for event in sorted(erased) if event.encode() in everything] == []
    assert rules.load(0, "case", b"[{},[]]") not in [Site._person(key, one) for key, one in site.persons.items()]


def test_the_search_finds_an_event_that_a_person_year_remembers() -> None:
    """The control: without the erasure the event is named in the log and in both states."""
    act = Act("police-jor", 0, 1)
    site = Site()
    site.take([act.record(0)], twice=False)
    site.count()
    assert b"\0".join(site.said()).count(act.event_id.encode()) >= 2
    site.take([Act("police-jor", 0, None).record(1)], twice=False)
    site.count()
    site.forget()
    assert site.persons == {}, "the key of an empty person-year would say that the person was known"
    assert [one.topic for one in site.results].count(topics.ERASURES) == 1


def test_a_second_request_keeps_what_the_note_of_the_first_one_names() -> None:
    """An agency asks again before the removal, and asks for a report that came in between: all three are removed."""
    acts = [Act("police-jor", 0, revision) for revision in (1, None, None, 5, None)]
    site = Site()
    for offset, act in enumerate(acts):
        site.take([act.record(offset)], twice=False)
    assert [len(note.markers) for note in site.notes()] == [1, 0, 1]
    assert {note.event for note in site.notes()} == {site.notes()[0].event}
    assert not any(site.compacted().log.values())


def test_no_record_key_stands_for_a_person_or_for_two_records() -> None:
    acts = [Act("police-jor", number, revision) for number in range(3) for revision in range(1, 4)]
    site = Site()
    site.take([act.record(offset) for offset, act in enumerate(acts)], twice=False)
    keys = [record.key for own in site.log.values() for record in own]
    assert len(set(keys)) == len(keys) == len(acts)
    assert raw_events.SEAL.index(EVIDENCE, f"police-jor/case/{acts[0].event_id}/1").encode() in keys
