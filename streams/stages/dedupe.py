"""The stage dedupe: de-identified events in; deltas, outcomes, refused events and disputes out.

Purpose: turns records into events of `streams.core.counting.dedupe`, and the steps of that module into records. The
handler is called by the loop of `streams.runtime.app`, once for each batch.

Called by: `amana.composition.stages` (`attach`).

Invariants:
- The state key stands for `kind|token`: all events of one person-year and kind are in one partition, and in one state
  value, which is sealed under the keys of the year.
- The deltas of a batch leave in few records: one for each partition and year, as long as it stays small enough.
- An event whose year was erased is passed over: nobody can read it any more, its counts remain as they were.
- A person-year that occurs several times in a batch is written once, after the batch's last event of it.
- Disputes between agencies are counted for the officer alone: by batch and attribute, in decades, in the audit log.
- A refused event goes to `refusals`, which its agency cannot read: a full person-year may be other agencies' doing.
- The payload of a refused event is not repeated there: here it would hold the person token.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import faust

from anonymizer.governance.policy_timeline import PolicyTimeline
from anonymizer.microdata import receipt
from schemas import catalogue
from schemas.record_seal import ErasedError
from streams.broker import topics
from streams.broker.partitions import partition_of
from streams.core.counting import cube, dedupe, delta_packs, erasure, state_value
from streams.core.counting.outcomes import key_of
from streams.core.counting.representative import CellReader
from streams.runtime import app as apps
from streams.runtime import state
from streams.runtime.stage import BatchResult, Output, Record
from streams.stages.record_encoder import RecordEncoder

__all__ = ["STATE", "Dedupe", "attach"]

STATE = "state.dedupe"

_Persons = dict[tuple[str, str], dedupe.PersonYear]
"""The person-years of a batch by year and state key."""


def attach(
    app: faust.App,
    policies: PolicyTimeline,
    *,
    deps: apps.Deps,
    code: str,
    replaced: Callable[[], PolicyTimeline | None] = lambda: None,
) -> None:
    """Make `app` the stage dedupe over the de-identified events of every kind; arguments as of `Dedupe`."""
    kept = state.StateTable(app, STATE, deps.box, deps.epoch, partitions=topics.PARTITIONS)
    handler = Dedupe(policies, deps, code, replaced)
    apps.consume(app, topics.sources(())["dedupe"], handler, kept, rebuilds=True)


class Dedupe:
    """The handler of the stage; the topic of a batch names the kind.

    Args:
        policies: The policies at the start.
        deps: The dependencies of the process.
        code: Its version, for the audit log.
        replaced: Returns the policies to go over to before a batch, None if there are none.
    """

    def __init__(
        self,
        policies: PolicyTimeline,
        deps: apps.Deps,
        code: str = "",
        replaced: Callable[[], PolicyTimeline | None] = lambda: None,
    ) -> None:
        self._seal, self._encoder = deps.seal, RecordEncoder(deps.ids, deps.seal)
        self._code, self._replaced = code, replaced
        self._follow(policies)
        self._kinds = {topics.deidentified(kind): kind for kind in catalogue.KINDS}

    def _follow(self, policies: PolicyTimeline) -> None:
        """Count by these policies from now on."""
        self._policies, self._cubes = policies, CellReader(cube.dimensions_by_cube(policies))

    async def __call__(self, batch: Sequence[Record], value_of: Callable[[str], bytes | None]) -> BatchResult:
        """Include each event of a batch in its person-year."""
        self._seal.renew()
        # Between two batches: nothing below waits, so that a batch is counted by one policy.
        if policies := self._replaced():
            self._follow(policies)
        outputs: list[Output] = []
        changes: dict[tuple[str, int], list[delta_packs.Row]] = defaultdict(list)
        persons: _Persons = {}
        disputes: Counter[str] = Counter()
        source = f"{self._kinds[batch[0].topic]}/{batch[0].partition}" if batch else ""
        for record, year, key, event in self._events(batch, value_of, persons):
            step = dedupe.apply(persons[year, key], event, source, record.offset, self._cubes)
            # None: included already. The value is written again as it is, since after a crash the changelog may lack
            # it.
            if step is None:
                continue
            persons[year, key] = step.person
            for delta in step.deltas:
                where = partition_of(delta.cell.encode(), topics.PARTITIONS)
                row = delta_packs.Row(delta.cell, delta.agency, delta.amount, record.offset, delta.ordinal)
                changes[year, where].append(row)
            outputs += map(self._encoder.outcome, step.outcomes)
            if step.refused is not None:
                outputs.append(self._quarantined(event, step.refused))
            disputes.update(f"disputed.{name}" for name in step.disputes)
            disputes.update(f"settled.{name}" for name in step.settled)
        outputs += self._packed(source, changes)
        if disputes:
            outputs.append(self._decision(batch, disputes))
        return BatchResult(outputs, {key: self._dumped(year, key, person) for (year, key), person in persons.items()})

    def _events(
        self, batch: Sequence[Record], value_of: Callable[[str], bytes | None], persons: _Persons
    ) -> Iterator[tuple[Record, str, str, dedupe.DeidentifiedEvent]]:
        """Yield each event of a batch with its record, year and state key; its person-year is in `persons` then."""
        for record in batch:
            if record.value is None:
                continue  # a tombstone: what it stands for was taken back by a record before it
            try:
                read = self._read(record)
            except ErasedError:
                continue
            kind, year = self._kinds[record.topic], read["period"][:4]
            forgotten = erasure.forgotten(read)
            key = forgotten or self._seal.index(year, f"{kind}|{read['token']}")
            if (year, key) not in persons:
                persons[year, key] = self._loaded(value_of, key, kind)
            if forgotten:
                persons[year, key] = dedupe.forget(persons[year, key])
            else:
                yield record, year, key, self._event(read, kind)

    def _loaded(self, value_of: Callable[[str], bytes | None], key: str, kind: str) -> dedupe.PersonYear:
        value = value_of(key)
        if value is None:
            return dedupe.PersonYear()
        return dedupe.load(state_value.through_of(value), kind, self._seal.open(value[state_value.WIDTH :], STATE, key))

    def _dumped(self, year: str, key: str, person: dedupe.PersonYear) -> bytes | None:
        # A person-year whose last event was forgotten is deleted: its key alone would say that the person was known.
        if not person.events:
            return None
        return state_value.prefixed(person.through, self._seal.seal(year, dedupe.dump(person), STATE, key))

    def _packed(self, source: str, changes: Mapping[tuple[str, int], Sequence[delta_packs.Row]]) -> Iterator[Output]:
        """Yield the records of a batch's deltas; within a partition and year they keep the order of their marks."""
        for (year, where), rows in changes.items():
            for start in range(0, len(rows), delta_packs.MOST_ROWS):
                record = delta_packs.pack(year, source, rows[start : start + delta_packs.MOST_ROWS])
                yield self._encoder.of_year("delta", year, "deltas", where, "", record)

    def _read(self, record: Record) -> dict[str, Any]:
        """Open one record.

        Raises:
            IntegrityError: INT-020, INT-026, INT-027, the record is not one that the de-identifier sealed.
            ErasedError: INT-028, the keys of its year were destroyed.
        """
        # Our own de-identifier wrote the record: passing one over that does not open would lose a count, so the stage
        # ends.
        return self._seal.read(record.topic, record.value or b"", record.topic, (record.key or b"").decode())

    def _event(self, read: Mapping[str, Any], kind: str) -> dedupe.DeidentifiedEvent:
        """Return the event that an opened record tells of."""
        return dedupe.DeidentifiedEvent(
            event_id=read["event_id"],
            agency=read["agency"],
            kind=kind,
            revision=read["revision"],
            state=read["state"],
            digest=read["digest"],
            period=read["period"],
            raw=(read["source_partition"], read["source_offset"]),
            cells=self._cells(read, kind),
        )

    def _cells(self, read: Mapping[str, Any], kind: str) -> dedupe.Cells | None:
        """Return the event's cells, None if it is out of scope or no population counts its kind."""
        if read["state"] != "reported" or read.get("status") == cube.OUT_OF_SCOPE_STATUS:
            return None
        # The cubes of the event's year: a year is counted and released by one policy.
        policy = self._policies.of(int(read["period"][:4]))
        return cube.cells_of(read, kind, policy) if policy.populations_of(kind) else None

    def _quarantined(self, event: dedupe.DeidentifiedEvent, code: str) -> Output:
        """Return the record of a refused event for operator and officer, with the place of its raw record."""
        partition, offset = event.raw
        record = {
            "agency": event.agency,
            "kind": event.kind,
            "partition": partition,
            "offset": offset,
            "stage": "dedupe",
            "code": code,
            "field": "revision" if code == dedupe.CONFLICT else None,
            "payload": b"",
        }
        return self._encoder.later_refusal(key_of(event.position), record)

    def _decision(self, batch: Sequence[Record], disputes: Mapping[str, int]) -> Output:
        """Return the audit record of a batch since which agencies report different values about some persons."""
        first, last = batch[0], batch[-1]
        record = {
            "action": "batch",
            "actor": "dedupe",
            "policy": self._policies.newest.digest,
            "code": self._code,
            "topic": first.topic,
            "partition": first.partition,
            "first_offset": first.offset,
            "last_offset": last.offset,
            "details": {name: receipt.decade(count) for name, count in sorted(disputes.items())},
        }
        key = f"dedupe/{first.topic}/{first.partition}/{first.offset}-{last.offset}".encode()
        return self._encoder.decision(key, record)
