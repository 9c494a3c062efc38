"""The outputs of a batch of raw events: de-identified records, outcomes, quarantine, late and audit records.

Purpose: decides for each opened event to which topics it goes, under which keys, and what the state remembers of it.
The rules about revisions are those of `streams.core.counting.deidentify`.

Called by: `streams.stages.deidentify`, which has decoded, verified, opened and scanned the events. Nothing here calls
the stage back: the batch is given its rules, an encoder and a seal.

    event refused  ->  quarantine.*, outcome quarantined, notice refused
    event late     ->  late, outcome late, notice late
    erasure        ->  deidentified.* (takes the event back; tombstones), erasures, notice accepted; outcome withdrawn
    otherwise      ->  deidentified.*, notice accepted; or outcome and notice duplicate or superseded, or a conflict
    the batch      ->  notices.*, the notices of its records; audit, with offsets, hashes and bucketed counts

Invariants:
- Outputs are in the order of the records.
- A record that is replayed keeps its first place, and leaves quarantine by a tombstone once it is admitted.
- The audit record holds nothing of a person: counts are in buckets.
- A record has its notice in the batch in which it is decided; a record that the state includes has had it.
- Everything else is sealed: records about a person under the keys of their year, places and codes as evidence.
"""

import contextlib
import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from anonymizer.microdata import receipt
from anonymizer.microdata.redaction import Text, Verdict
from schemas import limits
from schemas.errors import ContractError
from schemas.record_seal import EVIDENCE, REFUSED, ErasedError, RecordSeal
from streams.broker import topics
from streams.broker.partitions import partition_of
from streams.core.counting import admit, deidentify, erasure, state_value
from streams.core.counting.agency_notices import Notice
from streams.core.counting.outcomes import Outcome, Position, key_of
from streams.runtime.stage import BatchResult, Output, Record
from streams.stages.erasure_outputs import ErasureOutputs
from streams.stages.record_encoder import RecordEncoder

__all__ = [
    "FAILED",
    "LARGEST_RECORD",
    "LONGEST_HELD",
    "PURE_FAULTS",
    "STATE",
    "DeidentifyBatch",
    "OpenedEvent",
    "OutputTools",
    "rank_of",
]

STATE = "state.deidentify"
_REVISION_BYTES = 4

LONGEST_HELD = limits.ENVELOPE.total
"""Bytes of a refused record that quarantine holds: the largest one that could ever be admitted; of a longer one it
holds these, and the digest of the rest."""

LARGEST_RECORD = 800_000
"""Bytes of a de-identified record: masking may lengthen texts, and a record must fit in one request."""

NO_KEYS = "CON-054"
"""The code of an event of a year for which there are no keys here."""

TOO_LONG = "CON-055"
"""The code of an event whose masked texts are longer than a record may be."""

FAILED = "CON-056"
"""The code of an event on which a rule fails that should not fail on any."""

PURE_FAULTS = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""Faults of rules that read nothing but the event: they come again at every try, and only for this event."""


@dataclass(slots=True)
class OpenedEvent:
    """One raw record after steps 1 to 5: its content, its texts with verdicts, or why it is refused or late.

    `erases` says that it is no event but the request to erase one, whose id is in `raw`.
    """

    at: Record
    raw: Mapping[str, Any] = field(default_factory=dict)
    texts: Sequence[Text] = ()
    verdicts: Sequence[Verdict] = ()
    late: admit.Lateness | None = None
    refusal: ContractError | None = None
    erases: bool = False

    @property
    def scanned(self) -> list[tuple[str, tuple[Any, ...]]]:
        """Return the texts with their findings, without those whose scan failed."""
        return [(t.text, v) for t, v in zip(self.texts, self.verdicts, strict=True) if not isinstance(v, ContractError)]

    @property
    def identifiers(self) -> set[str]:
        """Return the values of the record's own identifying fields, as far as its texts were scanned for them."""
        return {value for text in self.texts for value in text.record_identifiers.values()}


@dataclass(frozen=True, slots=True)
class OutputTools:
    """The tools that make outputs.

    Args:
        encoder: Writes records of this project's own schemas.
        seal: Seals refused records and the state.
        code: Version of the code, for the audit log.
    """

    encoder: RecordEncoder
    seal: RecordSeal
    code: str


class DeidentifyBatch:
    """The outputs of one batch, and the state values that it leaves.

    Args:
        tools: The tools that make outputs.
        rules: The rules for records of this kind.
        agency: The agency of the batch's topic.
        kind: The kind of the batch's topic.
        value_of: Returns the state value of a key.
        replayed: The record of the topic `replay` that the batch's one event comes from; None for raw records.
    """

    def __init__(
        self,
        tools: OutputTools,
        rules: deidentify.Rules,
        agency: str,
        kind: str,
        value_of: Callable[[str], bytes | None],
        *,
        replayed: Record | None = None,
    ) -> None:
        self._tools, self._rules, self._agency, self._kind = tools, rules, agency, kind
        self._value_of, self._replayed = value_of, replayed
        self._eraser = ErasureOutputs(tools.encoder, tools.seal, kind)
        self._outputs: list[Output] = []
        self._histories: dict[str, deidentify.EventHistory] = {}
        self._years: dict[str, deidentify.EventHistory | None] = {}
        self._receipts: list[receipt.Receipt] = []
        self._notices: list[Notice] = []
        self._counts: Counter[str] = Counter()

    def result(self, events: Sequence[OpenedEvent]) -> BatchResult:
        """Take each event in turn, then write the audit record of the batch."""
        for event in events:
            if event.refusal is not None:
                self._quarantine(event.at, event.refusal.code, event.refusal.field)
            elif event.late is not None:
                self._late(event.at, event.late)
            elif event.erases:
                self._erase(event)
            else:
                self._revise(event)
        self._outputs += self._tools.encoder.notices(self._agency, self._notices)
        self._audit(events)
        # The years' counts come last: one that is written counts no event whose own state is not.
        written = self._histories | {key: count for key, count in self._years.items() if count is not None}
        return BatchResult(self._outputs, {key: self._dumped(key, history) for key, history in written.items()})

    def _revise(self, event: OpenedEvent) -> None:
        """De-identify an admitted event and send what its revision changes, or refuse it."""
        try:
            self._accept(event)
        except ContractError as error:
            self._quarantine(event.at, error.code, error.field)

    def _accept(self, event: OpenedEvent) -> None:
        """De-identify an admitted event, and send what its revision changes.

        Raises:
            ContractError: CON-052, CON-054 to CON-056, CON-006, the event cannot be taken; nothing of it was kept.
        """
        text, key = self._names_of(event)
        record, done = self._record_of(event)
        partition, offset, replayed = event.at.partition, event.at.offset, self._replayed is not None
        history = self._history(key)
        step = deidentify.step(history, record, partition=partition, offset=offset, replayed=replayed)
        if step is None:
            # Included already. The value is written again as it is, since after a crash the changelog may lack it.
            if history is not None:
                self._histories[key] = history
            return
        outputs = self._reports(step, text)
        if step.records:
            self._count_in_year(record, partition, offset)
        self._outputs += outputs
        self._histories[key] = step.history
        self._receipts.append(done)
        if step.code is not None:
            self._quarantine(event.at, step.code, "revision")
            return
        self._release(event.at)
        if step.outcome is not None:
            self._outcome(event.at, step.outcome)
            self._notice(event.at, step.outcome)
        else:
            # The outcome of a de-identified record is decided by dedupe, and is none of the agency's business.
            self._notice(event.at, "accepted")
            self._counts["deidentified"] += 1

    def _erase(self, event: OpenedEvent) -> None:
        """Take an event out of states and counts, at its agency's request; one that is not known is noted."""
        text, key = self._names_of(event)
        at, history, replayed = event.at, self._history(key), self._replayed is not None
        if history is not None and not replayed and at.offset <= history.through:
            self._histories[key] = history  # included already, as in `_accept`
            return
        try:
            if history is None:
                # What is left of an event takes memory for ever: the policy bounds that of unknown ones too.
                self._count_in_year({"state": "reported", "period": erasure.NO_YEAR}, at.partition, at.offset)
        except ContractError as error:
            self._quarantine(at, error.code, error.field)
            return
        self._outputs += self._eraser.outputs(text, key, history, self._position(at))
        self._histories[key] = erasure.left_of(history, at.offset, replayed=replayed)
        self._release(at)
        self._notice(at, "accepted")
        self._counts["erased"] += 1
        if history is None or history.erased:  # else the outcome is decided by dedupe, as of a withdrawal
            self._outcome(at, "withdrawn")

    def _names_of(self, event: OpenedEvent) -> tuple[str, str]:
        """Return the text that stands for an event in keyed hashes, and its state key."""
        text = erasure.event_text(self._agency, self._kind, event.raw["event_id"])
        return text, self._tools.seal.index(EVIDENCE, text)

    def _history(self, key: str) -> deidentify.EventHistory | None:
        """Return the state of an event."""
        # Of two revisions of one event in a batch, the second sees what the first left; the state has it only after.
        if key not in self._histories and (value := self._value_of(key)) is not None:
            return self._loaded(key, value)
        return self._histories.get(key)

    def _record_of(self, event: OpenedEvent) -> tuple[dict[str, Any], receipt.Receipt]:
        """Return the de-identified record of an admitted event and its receipt.

        Raises:
            ContractError: CON-056, a rule fails on the event; CON-054, there are no keys of its year.
        """
        try:
            record, done = deidentify.record_of(event.raw, event.scanned, self._rules, event.identifiers)
        except PURE_FAULTS:
            raise ContractError(FAILED, "a rule of de-identification fails on this event") from None
        # Nothing of a year can be sealed before its keys are made, or after they were destroyed.
        if not self._tools.seal.has(deidentify.year_of(record)):
            raise ContractError(NO_KEYS, "there are no keys of the event's year", field="event_date")
        return record, done

    def _reports(self, step: deidentify.DeidentifyStep, text: str) -> list[Output]:
        """Return the de-identified records of a step of the event that `text` stands for.

        Raises:
            ContractError: CON-006, a record does not fit its schema; CON-055, it is larger than a request may be.
        """
        outputs = []
        for changed in step.records:
            topic, year = topics.deidentified(self._kind), deidentify.year_of(changed)
            # All records of a person are in one partition. Each has a key of its own: keys link nobody's records, and
            # an erasure can name every one of them.
            token = self._tools.seal.index(year, changed["token"])
            partition_to = partition_of(token.encode(), topics.PARTITIONS)
            moved = changed["state"] == "moved"
            name = erasure.record_text(text, step.history.accepted, moved=moved)
            key = self._tools.seal.index(EVIDENCE, name)
            output = self._tools.encoder.of_year(topic, year, topic, partition_to, key, changed)
            if len(output.value or b"") > LARGEST_RECORD:
                raise ContractError(TOO_LONG, "the masked texts are longer than a record may be", field="narrative")
            outputs.append(output)
        return outputs

    def _count_in_year(self, record: Mapping[str, Any], partition: int, offset: int) -> None:
        """Count one accepted revision in its year.

        Raises:
            ContractError: CON-052, the policy's bound leaves no room for it.
        """
        year = deidentify.year_of(record)
        key = deidentify.year_key(self._agency, self._kind, year, partition)
        if key not in self._years:
            value = self._value_of(key)
            self._years[key] = None if value is None else self._loaded(key, value)
        count = self._years[key]
        most = self._rules.policy.bounds.revisions_per_year // topics.RAW_PARTITIONS
        replayed = self._replayed is not None
        if not deidentify.has_room(count, record, offset, most, replayed=replayed):
            raise ContractError(deidentify.MANY_IN_YEAR, "the year has no room for more revisions", field="event_date")
        self._years[key] = deidentify.counted_in_year(count, year, offset, replayed=replayed)

    def _loaded(self, key: str, value: bytes) -> deidentify.EventHistory | None:
        """Read a state value; an event whose year was erased has no history."""
        with contextlib.suppress(ErasedError):
            data = self._tools.seal.open(value[state_value.WIDTH + _REVISION_BYTES :], STATE, key)
            return deidentify.load(state_value.through_of(value), data)
        return None

    def _dumped(self, key: str, history: deidentify.EventHistory) -> bytes:
        """Write a state value: `through` and the revision, which rank values, then the sealed rest."""
        revision = history.revision.to_bytes(_REVISION_BYTES, "big")
        scope = EVIDENCE if history.year == erasure.NO_YEAR else history.year
        sealed = self._tools.seal.seal(scope, deidentify.dump(history), STATE, key)
        return state_value.prefixed(history.through, revision + sealed)

    def _quarantine(self, at: Record, code: str, where: str | None) -> None:
        held, key = _held(at.value or b""), key_of(self._position(at)).decode()
        # Sealed once more, for the de-identifier alone: whoever lists the entries cannot open the records.
        payload = self._tools.seal.seal(REFUSED, held, topics.REPLAY, key) if held else b""
        record = self._place(at) | {"stage": "deidentify", "code": code, "field": where, "payload": payload}
        self._outputs.append(self._tools.encoder.refusal(self._agency, key.encode(), record))
        self._outcome(at, "quarantined")
        self._notice(at, "refused", code, where)
        self._counts[f"quarantined.{code}"] += 1

    def _release(self, at: Record) -> None:
        """Take a replayed record out of quarantine."""
        if self._replayed is not None:
            self._outputs.append(Output(topics.quarantine(self._agency), 0, key_of(self._position(at)), None))

    def _late(self, at: Record, late: admit.Lateness) -> None:
        record = self._place(at) | {"period": late.period, "closed_on": late.closed_on.isoformat()}
        self._outputs.append(self._tools.encoder.late(key_of(self._position(at)), record))
        self._release(at)
        self._outcome(at, "late")
        self._notice(at, "late")

    def _notice(self, at: Record, result: str, code: str | None = None, where: str | None = None) -> None:
        replayed = self._replayed is not None
        self._notices.append(Notice(self._kind, at.partition, at.offset, result, code, where, replayed))

    def _outcome(self, at: Record, result: str) -> None:
        source = f"raw/{self._agency}/{self._kind}/{at.partition}"
        # Of the outcomes of one raw record, a replay's outranks the first one's, and a later replay's outranks that.
        ordinal = 0 if self._replayed is None else self._replayed.offset + 1
        outcome = Outcome(self._position(at), result, source, at.offset, ordinal)
        self._outputs.append(self._tools.encoder.outcome(outcome))
        if result != "quarantined":  # those are counted by code
            self._counts[result] += 1

    def _place(self, at: Record) -> dict[str, Any]:
        return {"agency": self._agency, "kind": self._kind, "partition": at.partition, "offset": at.offset}

    def _position(self, at: Record) -> Position:
        return self._agency, self._kind, at.partition, at.offset

    def _audit(self, events: Sequence[OpenedEvent]) -> None:
        """Write the audit record of the batch: offsets, hashes and bucketed counts."""
        first, last = (self._replayed,) * 2 if self._replayed else (events[0].at, events[-1].at)
        counts = {f"outcome.{name}": receipt.decade(count) for name, count in sorted(self._counts.items())}
        record = {
            "action": "batch",
            "actor": "deidentify",
            "policy": self._rules.policy.digest,
            "code": self._tools.code,
            "topic": first.topic,
            "partition": first.partition,
            "first_offset": first.offset,
            "last_offset": last.offset,
            "details": counts | receipt.bucketed(receipt.merged(self._receipts)),
        }
        key = f"{first.topic}/{first.partition}/{first.offset}-{last.offset}".encode()
        self._outputs.append(self._tools.encoder.decision(key, record))


def _held(value: bytes) -> bytes:
    """Return the bytes of a refused record that quarantine holds; those of a longer record are refused again."""
    rest = value[LONGEST_HELD:]
    return value[:LONGEST_HELD] + (hashlib.sha256(rest).digest() if rest else b"")


def rank_of(value: bytes) -> int:
    """Return the rank of a state value among those of one event (`deidentify.rank`), without opening it."""
    revision = int.from_bytes(value[state_value.WIDTH : state_value.WIDTH + _REVISION_BYTES], "big")
    return deidentify.rank(state_value.through_of(value), revision)
