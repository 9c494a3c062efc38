"""The stage dedupe: de-identified events in; deltas, outcomes and conflicts out.

Purpose: turns records into events of `streams.core.counting.dedupe`, and the steps of that module into records. The
handler is called by the loop of `streams.runtime.app`, once for each batch.

Called by: `amana.composition.stages` (`attach`).

Invariants:
- The state key is `kind|token`: all events of one person-year and kind are in one partition, and in one state value.
- A person-year that occurs several times in a batch is written once, after the batch's last event of it.
- The payload of a conflict is not repeated in quarantine: here it would hold the person token.
"""

from collections.abc import Callable, Sequence
from typing import Any

import faust

from anonymizer.policy import Policy
from schemas import catalogue, codec, limits
from schemas.errors import ContractError, IntegrityError
from schemas.identifiers import PersonToken
from streams.broker import topics
from streams.broker.partitions import partition_of
from streams.core.counting import cube, dedupe
from streams.core.counting.outcomes import Outcome, key_of
from streams.runtime import app as apps
from streams.runtime import state
from streams.runtime.stage import BatchResult, Output, Record
from streams.stages.record_encoder import RecordEncoder

__all__ = ["STATE", "Dedupe", "attach"]

STATE = "state.dedupe"


def attach(app: faust.App, policy: Policy, *, deps: apps.Deps) -> None:
    """Make `app` the stage dedupe over the de-identified events of every kind."""
    kept = state.StateTable(app, STATE, deps.box, deps.epoch, partitions=topics.PARTITIONS)
    apps.consume(app, topics.sources(())["dedupe"], Dedupe(policy, deps), kept, rebuilds=True)


class Dedupe:
    """The handler of the stage; the topic of a batch names the kind."""

    def __init__(self, policy: Policy, deps: apps.Deps) -> None:
        self._policy, self._encoder = policy, RecordEncoder(deps.ids)
        self._allowed = {topics.deidentified(kind): deps.readable[f"deidentified.{kind}"] for kind in catalogue.KINDS}
        self._kinds = {topics.deidentified(kind): kind for kind in catalogue.KINDS}

    async def __call__(self, batch: Sequence[Record], value_of: Callable[[str], bytes | None]) -> BatchResult:
        """Include each event of a batch in its person-year."""
        outputs: list[Output] = []
        persons: dict[str, dedupe.PersonYear] = {}
        for record in batch:
            token, event = self._event(record)
            key = f"{event.kind}|{token}"
            source = f"{event.kind}/{record.partition}"
            if key not in persons:
                value = value_of(key)
                persons[key] = dedupe.PersonYear()
                if value is not None:
                    persons[key] = dedupe.load(state.through_of(value), event.kind, value[state.WIDTH :])
            step = dedupe.apply(persons[key], event, source, record.offset)
            # None: included already. The value is written again as it is, since after a crash the changelog may lack
            # it.
            if step is None:
                continue
            persons[key] = step.person
            outputs += [self._delta(delta, source, record.offset) for delta in step.deltas]
            outputs += [self._outcome(outcome) for outcome in step.outcomes]
            if step.conflict:
                outputs.append(self._conflict(event))
        return BatchResult(outputs, {key: state.prefixed(p.through, dedupe.dump(p)) for key, p in persons.items()})

    def _event(self, record: Record) -> tuple[PersonToken, dedupe.DeidentifiedEvent]:
        """Read the token and the event of one record.

        Raises:
            IntegrityError: INT-020, the record is not one of the schemas that were allowed at start.
        """
        # Our own de-identifier wrote the record: passing it over would lose a count, so the stage ends.
        try:
            read = codec.decode(record.value or b"", self._allowed[record.topic], limits.INTERNAL)
        except ContractError as error:
            raise IntegrityError("INT-020", f"a de-identified record cannot be read: {error.code}") from None
        kind = self._kinds[record.topic]
        return read["token"], dedupe.DeidentifiedEvent(
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

    def _cells(self, read: dict[str, Any], kind: str) -> dedupe.Cells | None:
        """Return the event's cells, None if it is out of scope or no population counts its kind."""
        if read["state"] != "reported" or read.get("status") == cube.OUT_OF_SCOPE_STATUS:
            return None
        population = self._policy.population_of(kind)
        return None if population is None else cube.cells(read, population)

    def _delta(self, delta: dedupe.Delta, source: str, offset: int) -> Output:
        key = delta.cell.encode()
        record = {
            "cell": delta.cell,
            "agency": delta.agency,
            "amount": delta.amount,
            "source": source,
            "offset": offset,
            "ordinal": delta.ordinal,
        }
        return Output("deltas", partition_of(key, topics.PARTITIONS), key, self._encoder.encode("delta", record))

    def _outcome(self, outcome: Outcome) -> Output:
        partition = partition_of(outcome.key, topics.PARTITIONS)
        return Output("outcomes", partition, outcome.key, self._encoder.encode("outcome", outcome.as_record()))

    def _conflict(self, event: dedupe.DeidentifiedEvent) -> Output:
        """Return the record of a refused revision in quarantine, with the place of its raw record."""
        partition, offset = event.raw
        record = {
            "agency": event.agency,
            "kind": event.kind,
            "partition": partition,
            "offset": offset,
            "stage": "dedupe",
            "code": dedupe.CONFLICT,
            "field": "revision",
            "payload": b"",
        }
        value = self._encoder.encode("quarantine", record)
        return Output(topics.quarantine(event.agency), 0, key_of(event.position), value)
