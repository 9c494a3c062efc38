"""The outputs of a batch of raw events: de-identified records, outcomes, quarantine, late and audit records.

Decides where each goes, under which key, and what is remembered of each event. Does not open, verify or scan
(`streams.stages.deidentify`), and holds no rule about persons (`streams.core.counting.deidentify`).
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from anonymizer.microdata import receipt
from anonymizer.microdata.redaction import Text, Verdict
from anonymizer.policy import Policy
from schemas.errors import ContractError
from streams.broker import topics
from streams.broker.partitions import partition_of
from streams.core.counting import admit, deidentify
from streams.core.counting.outcomes import Outcome, Position, key_of
from streams.runtime import state
from streams.runtime.stage import BatchResult, Output, Record

__all__ = ["LONGEST_HELD", "DeidentifyBatch", "Maker", "OpenedEvent"]

LONGEST_HELD = 512 * 1024
"""Bytes of a refused record that quarantine holds: far beyond what can be decoded, and fitting into one request."""


@dataclass(slots=True)
class OpenedEvent:
    """One raw record on its way through: what is known of it, or why it is refused."""

    at: Record
    raw: Mapping[str, Any] = field(default_factory=dict)
    texts: Sequence[Text] = ()
    verdicts: Sequence[Verdict] = ()
    late: admit.Lateness | None = None
    refusal: ContractError | None = None

    @property
    def scanned(self) -> list[tuple[str, tuple[Any, ...]]]:
        """The texts with their findings; only where none failed."""
        return [(t.text, v) for t, v in zip(self.texts, self.verdicts, strict=True) if not isinstance(v, ContractError)]


class Maker(Protocol):
    """What makes the contents of outputs: the stage, which holds keys and schemas."""

    @property
    def code(self) -> str:
        """Version of the code."""
        ...

    def record_of(self, event: OpenedEvent, kind: str) -> tuple[dict[str, Any], receipt.Receipt]:
        """De-identify one admitted event."""
        ...

    def sealed(self, data: bytes, place: Position) -> bytes:
        """Seal a refused record whole; no bytes stay no bytes."""
        ...

    def encode(self, stem: str, record: Mapping[str, Any]) -> bytes:
        """Write a record of one of our own schemas."""
        ...


class DeidentifyBatch:
    """The outputs of one batch, in the order of its records, and what it leaves in the state."""

    def __init__(
        self,
        stage: Maker,
        policy: Policy,
        agency: str,
        kind: str,
        value_of: Callable[[str], bytes | None],
        *,
        again: Record | None = None,
    ) -> None:
        self._replayed = again
        self._stage, self._policy, self._agency, self._kind, self._value_of = stage, policy, agency, kind, value_of
        self._outputs: list[Output] = []
        self._seen: dict[str, deidentify.EventHistory] = {}
        self._receipts: list[receipt.Receipt] = []
        self._outcomes: Counter[str] = Counter()

    def result(self, events: Sequence[OpenedEvent]) -> BatchResult:
        """Take each event in turn, then state what was done."""
        for event in events:
            if event.refusal is not None:
                self._quarantine(event.at, event.refusal.code, event.refusal.field)
            elif event.late is not None:
                self._late(event.at, event.late)
            else:
                self._revise(event)
        self._audit(events)
        writes = {key: state.prefixed(seen.through, deidentify.dump(seen)) for key, seen in self._seen.items()}
        return BatchResult(self._outputs, writes)

    def _revise(self, event: OpenedEvent) -> None:
        key = f"{self._agency}/{self._kind}/{event.raw['event_id']}"
        record, done = self._stage.record_of(event, self._kind)
        partition, offset, again = event.at.partition, event.at.offset, self._replayed is not None
        seen = self._remembered(key)
        step = deidentify.step(seen, record, partition=partition, offset=offset, again=again)
        if step is None:
            if seen is not None:  # written again as it is: the changelog may have less than we do
                self._seen[key] = seen
            return
        self._seen[key] = step.seen
        self._receipts.append(done)
        for one in step.records:
            token = one["token"].encode()
            value = self._stage.encode(f"deidentified.{self._kind}", one)
            self._outputs.append(
                Output(topics.deidentified(self._kind), partition_of(token, topics.PARTITIONS), token, value)
            )
        if step.code is not None:
            self._quarantine(event.at, step.code, "revision")
            return
        self._release(event.at)
        if step.outcome is not None:
            self._outcome(event.at, step.outcome)
        else:
            self._outcomes["deidentified"] += 1

    def _remembered(self, key: str) -> deidentify.EventHistory | None:
        value = self._value_of(key) if key not in self._seen else None
        if value is None:
            return self._seen.get(key)
        return deidentify.load(state.through_of(value), value[state.WIDTH :])

    def _quarantine(self, at: Record, code: str, where: str | None) -> None:
        held = self._stage.sealed((at.value or b"")[:LONGEST_HELD], self._position(at))
        record = self._place(at) | {"stage": "deidentify", "code": code, "field": where, "payload": held}
        self._send(topics.quarantine(self._agency), "quarantine", at, record)
        self._outcome(at, "quarantined")
        self._outcomes[f"quarantined.{code}"] += 1

    def _release(self, at: Record) -> None:
        """Take what was replayed out of quarantine."""
        if self._replayed is not None:
            self._outputs.append(Output(topics.quarantine(self._agency), 0, key_of(self._position(at)), None))

    def _late(self, at: Record, late: admit.Lateness) -> None:
        record = self._place(at) | {"period": late.period, "closed_on": late.closed_on.isoformat()}
        self._send("late", "late", at, record)
        self._release(at)
        self._outcome(at, "late")

    def _outcome(self, at: Record, result: str) -> None:
        source = f"raw/{self._agency}/{self._kind}/{at.partition}"
        outcome = Outcome(self._position(at), result, source, at.offset, self._ordinal)
        value = self._stage.encode("outcome", outcome.as_record())
        self._outputs.append(Output("outcomes", partition_of(outcome.key, topics.PARTITIONS), outcome.key, value))
        if result != "quarantined":
            self._outcomes[result] += 1

    def _place(self, at: Record) -> dict[str, Any]:
        return {"agency": self._agency, "kind": self._kind, "partition": at.partition, "offset": at.offset}

    def _send(self, topic: str, stem: str, at: Record, record: Mapping[str, Any]) -> None:
        self._outputs.append(Output(topic, 0, key_of(self._position(at)), self._stage.encode(stem, record)))

    def _position(self, at: Record) -> Position:
        return self._agency, self._kind, at.partition, at.offset

    @property
    def _ordinal(self) -> int:
        """Rank the statements about one raw record: that of a replay outranks the first, and a later replay's that."""
        return 0 if self._replayed is None else self._replayed.offset + 1

    def _audit(self, events: Sequence[OpenedEvent]) -> None:
        """Say what was done to the batch: offsets, hashes, bucketed counts; nothing of a person."""
        first, last = (self._replayed,) * 2 if self._replayed else (events[0].at, events[-1].at)
        outcomes = {f"outcome.{name}": receipt.decade(count) for name, count in sorted(self._outcomes.items())}
        record = {
            "action": "batch",
            "actor": "deidentify",
            "policy": self._policy.digest,
            "code": self._stage.code,
            "topic": first.topic,
            "partition": first.partition,
            "first_offset": first.offset,
            "last_offset": last.offset,
            "details": outcomes | receipt.bucketed(receipt.merged(self._receipts)),
        }
        key = f"{first.topic}/{first.partition}/{first.offset}-{last.offset}".encode()
        self._outputs.append(Output("audit", 0, key, self._stage.encode("audit", record)))
