"""The stage deidentify: raw events in; de-identified records, fates, quarantine and late records out.

Decides the order of the steps: decode under limits, verify, open, admit, scan all texts of the batch, de-identify.
Whatever an event does wrong ends that event in quarantine, its bytes as they came but sealed once more, since an agency
may have put anything anywhere; whatever else goes wrong ends the process.
What the operator replays takes the same steps under its first place, and leaves quarantine where it is admitted.
Does not decide the rules: `streams.core.counting.admit` and `streams.core.counting.deidentify` do.
"""

import asyncio
import contextlib
import datetime as dt
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import faust

from anonymizer.microdata import field_mapping, receipt
from anonymizer.microdata.redaction import Text, Verdict
from anonymizer.policy import Policy
from schemas import catalogue, codec
from schemas.errors import ContractError
from schemas.sealing import Opener
from schemas.signing import Verifier
from streams.broker import topics
from streams.core.counting import admit, deidentify
from streams.core.counting.outcomes import Position, key_of, position_of
from streams.runtime import app as apps
from streams.runtime import state
from streams.runtime.stage import BatchResult, Output, Record
from streams.stages import deidentify_outputs

__all__ = ["STATE", "Deidentify", "Detector", "Private", "attach"]

STATE = "state.deidentify"
STATE_PARTITIONS = 2
_AT_LEAST, _AT_ONCE, _SLICES = 4, 64, 8
"""Records opened, and then scanned, together: a small batch is cut as well, so that one goes on beside the other."""


class Detector(Protocol):
    """Scans texts; every text has a verdict, and none passes because something failed."""

    @property
    def heartbeats(self) -> int:
        """A counter that grows while the detector works: texts that end detector processes may take it minutes."""
        ...

    async def detect(self, texts: Sequence[Text]) -> list[Verdict]:
        """Return the verdicts in the order of the texts."""
        ...


@dataclass(frozen=True, slots=True)
class Private:
    """What this stage alone holds.

    Args:
        sealing: The de-identifier's private key, 32 bytes.
        dedupe: The dedupe party's key, which makes tokens, 32 bytes.
        signing: Every agency's public key, 32 bytes, by which its events are verified.
        detector: Scans free texts.
        as_of: The calendar's date, None while history is filled in.
        code: Version of the code, for the audit log.
        models: SHA-256 of each names model by language, for the audit log.
    """

    sealing: bytes = field(repr=False)
    dedupe: bytes = field(repr=False)
    signing: Mapping[str, bytes]
    detector: Detector
    as_of: dt.date | None
    code: str
    models: Mapping[str, str] = field(default_factory=dict)


def attach(app: faust.App, policy: Policy, agencies: Sequence[str], *, deps: apps.Deps, private: Private) -> None:
    """Make `app` the stage deidentify over the raw events of every agency and kind."""
    kept = state.StateTable(app, STATE, deps.box, deps.epoch, partitions=STATE_PARTITIONS, through=_includes)
    handler, sources = Deidentify(policy, deps, private), topics.sources(agencies)["deidentify"]
    apps.consume(app, sources, handler, kept, lanes=STATE_PARTITIONS, signs=lambda: private.detector.heartbeats)


def _includes(value: bytes) -> int:
    return deidentify.includes(state.through_of(value), value[state.WIDTH :])


class Deidentify:
    """The handler; the batch's topic tells agency and kind."""

    def __init__(self, policy: Policy, deps: apps.Deps, private: Private) -> None:
        self._policy, self._deps, self._private = policy, deps, private
        self._opener = Opener(private.sealing)
        self._verifiers = {agency: Verifier(public) for agency, public in private.signing.items()}
        self._raw = {kind: catalogue.load(f"raw.{kind}") for kind in topics.KINDS}
        self._rules = {kind: self._rules_of(kind) for kind in topics.KINDS}

    async def __call__(self, batch: Sequence[Record], value_of: Callable[[str], bytes | None]) -> BatchResult:
        """Take a batch through all steps; the texts of the whole batch are scanned at once."""
        if not batch:
            return BatchResult([], {})
        if batch[0].topic == topics.REPLAY:
            return await self._again(batch, value_of)
        _, agency, kind = batch[0].topic.split(".")
        events: list[deidentify_outputs.OpenedEvent] = []
        scans: list[asyncio.Task[None]] = []
        step = min(_AT_ONCE, max(_AT_LEAST, len(batch) // _SLICES))
        for start in range(0, len(batch), step):
            slice_ = [self._admitted(record, agency, kind) for record in batch[start : start + step]]
            scans.append(asyncio.create_task(self._scan(slice_)))  # the detectors work while the next slice is opened
            events += slice_
            await asyncio.sleep(0)
        await asyncio.gather(*scans)
        return deidentify_outputs.DeidentifyBatch(self, self._policy, agency, kind, value_of).result(events)

    async def _again(self, batch: Sequence[Record], value_of: Callable[[str], bytes | None]) -> BatchResult:
        """Take replayed records one by one, each as the raw record that it was; what names no place is passed over."""
        outputs: list[Output] = []
        writes: dict[str, bytes] = {}

        def known(key: str) -> bytes | None:
            return writes.get(key) or value_of(key)

        for record in batch:
            place = position_of(record.key)
            if place is None or record.value is None or place[1] not in self._raw or place[2] != record.partition:
                continue
            agency, kind, partition, offset = place
            at = Record(topics.raw(agency, kind), partition, offset, record.key, self._unsealed(record.value, place))
            event = self._admitted(at, agency, kind)
            await self._scan([event])
            made = deidentify_outputs.DeidentifyBatch(self, self._policy, agency, kind, known, again=record)
            result = made.result([event])
            outputs += result.outputs
            writes |= result.writes
        return BatchResult(outputs, writes)

    def _unsealed(self, held: bytes, place: Position) -> bytes:
        """Open what quarantine held; what does not open is refused again as it is."""
        with contextlib.suppress(ContractError):
            return self._opener.unwrap(held, key_of(place))
        return held

    def _rules_of(self, kind: str) -> deidentify.Rules:
        raw, made = self._raw[kind], catalogue.load(f"deidentified.{kind}")
        schemas = {schema.stem: hashlib.sha256(schema.text.encode()).hexdigest() for schema in (raw, made)}
        return deidentify.Rules(
            field_mapping.plan(raw, made), self._policy, self._private.dedupe, self._private.models, schemas
        )

    def _admitted(self, record: Record, agency: str, kind: str) -> deidentify_outputs.OpenedEvent:
        """Decode, verify, open and admit one record; what breaks the contract is kept as its refusal."""
        schema = self._raw[kind]
        event = deidentify_outputs.OpenedEvent(record)
        try:
            raw = codec.decode(record.value or b"", self._deps.readable[schema.stem])
            event.raw = raw
            self._verifiers[agency].check(record.value or b"", topic=record.topic)
            opened = self._opener.open(raw, schema, topic=record.topic)
            admit.check(kind, agency, raw, opened, as_of=self._private.as_of)
        except ContractError as error:
            event.refusal = error
            return event
        event.late = admit.lateness(raw, self._policy, self._private.as_of)
        if event.late is None:
            plan = self._rules[kind].plan
            # A withheld text is read for patterns alone: its names go with it, whoever they are.
            names = plan.identities if self._policy.text.narratives == "mask" else ()
            known = {name: opened[name] for name in names if name in opened}
            event.texts = [Text(opened[name], raw["language"], known) for name in plan.texts if opened.get(name)]
        return event

    async def _scan(self, events: Sequence[deidentify_outputs.OpenedEvent]) -> None:
        verdicts = iter(await self._private.detector.detect([text for event in events for text in event.texts]))
        for event in events:
            event.verdicts = [next(verdicts) for _ in event.texts]
            failed = next((v for v in event.verdicts if isinstance(v, ContractError)), None)
            event.refusal = event.refusal or failed

    def record_of(self, event: deidentify_outputs.OpenedEvent, kind: str) -> tuple[dict[str, Any], receipt.Receipt]:
        """De-identify one admitted event."""
        known = {value for text in event.texts for value in text.known.values()}
        return deidentify.record_of(event.raw, event.scanned, self._rules[kind], known)

    def sealed(self, data: bytes, place: Position) -> bytes:
        """Seal a refused record whole; no bytes stay no bytes."""
        return self._opener.wrap(data, key_of(place)) if data else b""

    def encode(self, stem: str, record: Mapping[str, Any]) -> bytes:
        """Write a record of one of our own schemas."""
        return codec.encode(self._deps.ids[stem], catalogue.load(stem).parsed, record)

    @property
    def code(self) -> str:
        """Version of the code."""
        return self._private.code
