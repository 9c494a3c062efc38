"""The stage deidentify: raw events in; de-identified records, outcomes, quarantine, late and audit records out.

Purpose: takes a batch of raw events through the steps

    1. decode the envelope      (`schemas.codec`)
    2. verify the signature     (`schemas.signing`)
    3. open and decode          (`schemas.opening`)
    4. admit                    (`streams.core.counting.admit`)
    5. scan the texts           (detector processes)
    6. de-identify and send     (`streams.stages.deidentify_outputs`)

The handler is called by the loop of `streams.runtime.app`, once for each batch.

Called by: `amana.composition.stages` (`attach`).

Invariants:
- An event that breaks the contract ends in quarantine, sealed as it came, and holds nothing up; any other failure ends
  the process.
- An event means what the schema of this code says whose digest the agency signed; no registry has a part in it.
- A text whose scan failed never passes: its event is refused.
- Keys that were replaced are taken over before a batch, and at once where a record needs one that is not here yet.
- A record that the operator replays is processed from step 1 and keeps its original topic, partition and offset: counts
  end up as if it had never been refused.
"""

import asyncio
import contextlib
import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import faust

from anonymizer.governance.policy_timeline import PolicyTimeline
from anonymizer.microdata import field_mapping
from anonymizer.microdata.redaction import Text, Verdict
from anonymizer.policy import Policy
from schemas import catalogue, codec, limits, sealing
from schemas.errors import ContractError, IntegrityError
from schemas.opening import Opener
from schemas.signing import Verifier
from streams.broker import topics
from streams.core.counting import admit, deidentify
from streams.core.counting.outcomes import key_of, position_of
from streams.runtime import app as apps
from streams.runtime import state
from streams.runtime.stage import BatchResult, Output, Record
from streams.stages.deidentify_outputs import (
    FAILED,
    PURE_FAULTS,
    STATE,
    DeidentifyBatch,
    OpenedEvent,
    OutputTools,
    rank_of,
)
from streams.stages.record_encoder import RecordEncoder

__all__ = ["Deidentify", "Detector", "OwnKeys", "Private", "attach"]

STATE_PARTITIONS = 2

# A batch is opened and scanned in slices, so that the detectors work while the next slice is opened.
_LEAST_SLICE, _LARGEST_SLICE, _SLICES = 4, 64, 8


class Detector(Protocol):
    """Scans texts for names and other identifiers; a text whose scan failed has a fault as its verdict."""

    @property
    def heartbeats(self) -> int:
        """A counter that grows while the detector works: texts that end detector processes may take it minutes."""
        ...

    async def detect(self, texts: Sequence[Text]) -> list[Verdict]:
        """Return the verdicts in the order of the texts."""
        ...


@dataclass(frozen=True, slots=True)
class OwnKeys:
    """The keys that this stage alone holds.

    Args:
        sealing: The de-identifier's private keys, 96 bytes each: the present one and those before it.
        dedupe: The dedupe party's keys, which make person tokens, 32 bytes each, by the first year of events that each
            is for; the first one is for year 0.
        signing: Every agency's public keys, 32 bytes each, by which its events are verified: the present one, then
            those before it that still count.
    """

    sealing: Sequence[bytes] = field(repr=False)
    dedupe: Mapping[int, bytes] = field(repr=False)
    signing: Mapping[str, Sequence[bytes]]


@dataclass(frozen=True, slots=True)
class Private:
    """The secrets and settings that this stage alone holds.

    Args:
        keys: The keys at the start.
        detector: Scans free texts.
        as_of: Returns the calendar's date, None while history is filled in; the operator moves it at any time.
        today: Returns the day on which an event is admitted, UTC.
        code: Version of the code, for the audit log.
        models: SHA-256 of each names model by language, for the audit log.
        replaced: Returns the keys if they were changed since it was called last, else None.
        policies: Returns the policies to go over to before a batch, None if there are none.
    """

    keys: OwnKeys
    detector: Detector
    as_of: Callable[[], dt.date | None]
    today: Callable[[], dt.date]
    code: str
    models: Mapping[str, str] = field(default_factory=dict)
    replaced: Callable[[], OwnKeys | None] = lambda: None
    policies: Callable[[], PolicyTimeline | None] = lambda: None


@dataclass(frozen=True, slots=True)
class _InForce:
    """The policies and rules of one batch, the same from its first step to its last.

    Args:
        policies: The newest policy says how texts are treated; whether an event is late, that of the event's year.
        rules: The rules by kind.
    """

    policies: PolicyTimeline
    rules: Mapping[str, deidentify.Rules]

    @property
    def policy(self) -> Policy:
        """The newest policy."""
        return self.policies.newest


def attach(
    app: faust.App, policies: PolicyTimeline, agencies: Sequence[str], *, deps: apps.Deps, private: Private
) -> None:
    """Make `app` the stage deidentify over the raw events of every agency and kind."""
    kept = state.StateTable(app, STATE, deps.box, deps.epoch, partitions=STATE_PARTITIONS, through=rank_of)
    handler, sources = Deidentify(policies, deps, private), topics.sources(agencies)["deidentify"]
    # Its state cannot be rebuilt from raw topics, which are deleted after days: hence not `rebuilds`.
    apps.consume(app, sources, handler, kept, lanes=STATE_PARTITIONS, heartbeats=lambda: private.detector.heartbeats)


class Deidentify:
    """The handler of the stage; the topic of a batch names agency and kind."""

    def __init__(self, policies: PolicyTimeline, deps: apps.Deps, private: Private) -> None:
        self._deps, self._private, self._keys = deps, private, private.keys
        self._tools = OutputTools(RecordEncoder(deps.ids, deps.seal), deps.seal, private.code)
        self._raw = {kind: catalogue.load(f"raw.{kind}") for kind in catalogue.KINDS}
        self._erasure = catalogue.load("erasure")
        self._take(private.keys, policies)

    def _take(self, keys: OwnKeys, policies: PolicyTimeline) -> None:
        """Use these keys and policies from now on, and no others."""
        self._keys = keys
        self._opener = Opener(keys.sealing)
        self._verifiers = {agency: Verifier(*public) for agency, public in keys.signing.items()}
        rules: dict[str, deidentify.Rules] = {}
        for kind, raw in self._raw.items():
            made = catalogue.load(f"deidentified.{kind}")
            # The audit log names the schemas of a batch by their hashes: a changed text cannot keep its name.
            schemas = {schema.stem: schema.digest.hex() for schema in (raw, made)}
            plan, models = field_mapping.plan(raw, made), self._private.models
            rules[kind] = deidentify.Rules(plan, policies.newest, keys.dedupe[0], models, schemas, keys.dedupe)
        self._in_force = _InForce(policies, rules)

    def _renew(self) -> bool:
        """Take over keys that were replaced, added or destroyed since; return whether there were any."""
        keys = self._private.replaced()
        if keys is not None:
            self._take(keys, self._in_force.policies)
        return keys is not None

    async def __call__(self, batch: Sequence[Record], value_of: Callable[[str], bytes | None]) -> BatchResult:
        """Take a batch through all steps."""
        if not batch:
            return BatchResult([], {})
        self._renew()
        self._deps.seal.renew()
        if policies := self._private.policies():
            self._take(self._keys, policies)
        # A batch waits for detectors, and another one may bring new policies meanwhile: they are not this one's.
        now = self._in_force
        if batch[0].topic == topics.REPLAY:
            return await self._replay(batch, value_of, now)
        _, agency, kind = batch[0].topic.split(".")
        events: list[OpenedEvent] = []
        scans: list[asyncio.Task[None]] = []
        size = min(_LARGEST_SLICE, max(_LEAST_SLICE, len(batch) // _SLICES))
        for start in range(0, len(batch), size):
            slice_ = [self._admitted(record, agency, kind, now) for record in batch[start : start + size]]
            scans.append(asyncio.create_task(self._scan(slice_)))
            events += slice_
            await asyncio.sleep(0)  # lets the scan of this slice begin
        await asyncio.gather(*scans)
        return DeidentifyBatch(self._tools, now.rules[kind], agency, kind, value_of).result(events)

    async def _replay(
        self, batch: Sequence[Record], value_of: Callable[[str], bytes | None], now: _InForce
    ) -> BatchResult:
        """Take replayed records one by one, each as the raw record that it was."""
        outputs: list[Output] = []
        writes: dict[str, bytes | None] = {}

        def latest(key: str) -> bytes | None:
            """Return the value of a key with the writes of this batch: records of one event may follow one another."""
            return writes.get(key) or value_of(key)

        for record in batch:
            place = position_of(record.key)
            # A key that names no place of this partition was not written by a replay: it is passed over.
            if place is None or record.value is None or place[1] not in self._raw or place[2] != record.partition:
                continue
            agency, kind, partition, offset = place
            # So is a record of an agency that has left the site: nothing here could verify its signature.
            if agency not in self._verifiers:
                continue
            value = record.value
            # Bytes that do not open were not sealed by this stage: they are taken as they are, and refused again.
            with contextlib.suppress(IntegrityError):
                value = self._deps.seal.open(value, topics.REPLAY, key_of(place).decode())
            raw = Record(topics.raw(agency, kind), partition, offset, record.key, value)
            event = self._admitted(raw, agency, kind, now)
            await self._scan([event])
            rules = now.rules[kind]
            result = DeidentifyBatch(self._tools, rules, agency, kind, latest, replayed=record).result([event])
            outputs += result.outputs
            writes |= result.writes
        return BatchResult(outputs, writes)

    def _admitted(self, record: Record, agency: str, kind: str, now: _InForce) -> OpenedEvent:
        """Take one record through steps 1 to 4; a breach of the contract is kept as its refusal."""
        event = OpenedEvent(record)
        try:
            event.erases, raw = self._opened(record, agency, kind)
            # 4. Admit. A request for erasure says nothing of its event, and may come at any time.
            if event.erases:
                admit.check_erasure(agency, raw)
                event.raw = raw
                return event
            admit.check(kind, agency, raw, now.policy, today=self._private.today())
            admit.check_declared(kind, raw, now.policies.of(int(raw["event_date"][:4])))
        except ContractError as error:
            event.refusal = error
            return event
        except PURE_FAULTS:
            # The rules read nothing but the event, so that the fault would come again at every start.
            event.refusal = ContractError(FAILED, "a rule of admission fails on this event")
            return event
        event.raw = raw
        event.late = admit.lateness(raw, now.policies.of(int(raw["event_date"][:4])), self._private.as_of())
        if event.late is None:
            plan = now.rules[kind].plan
            # A withheld text is scanned for patterns alone: its names are withheld with it, whoever they belong to.
            names = plan.identities if now.policy.text.narratives == "mask" else ()
            identifiers = {name: raw[name] for name in names if raw[name] is not None}
            event.texts = [Text(raw[name], raw["language"], identifiers) for name in plan.texts if raw[name]]
        return event

    def _opened(self, record: Record, agency: str, kind: str) -> tuple[bool, dict[str, Any]]:
        """Take one record through steps 1 to 3; return whether it is a request for erasure, and what is inside.

        Raises:
            ContractError: CON-001 to CON-007, envelope or event cannot be decoded; CON-030, it does not open; CON-031,
                its agency did not sign it; CON-032, envelope and event contradict each other.
        """
        value = record.value or b""
        # 1. Decode the envelope: the bytes have no other reading than the schema of this code.
        outer = codec.decode(value, self._deps.readable["envelope"], limits.ENVELOPE)
        # 2. Verify: before anything is opened or believed.
        self._verify(agency, value, record.topic)
        # 3. Open and decode, by the schema whose digest was signed.
        readable = *catalogue.versions(f"raw.{kind}"), self._erasure
        schema = next((one for one in readable if one.digest == outer["schema"]), None)
        if schema is None:
            raise ContractError("CON-004", "the event is of a schema that this code does not ship", field="schema")
        if not self._opener.has(outer["key_id"]):
            self._renew()
        bound = sealing.bound(record.topic, outer["event_id"], outer["revision"], outer["schema"])
        event = codec.decode_body(self._opener.open(outer["key_id"], outer["sealed"], bound), schema.parsed)
        if (event["event_id"], event["revision"]) != (outer["event_id"], outer["revision"]):
            raise ContractError("CON-032", "the envelope names another event than the one inside", field="event_id")
        return schema is self._erasure, event

    def _verify(self, agency: str, value: bytes, topic: str) -> None:
        """Refuse an event that none of its agency's keys signed.

        Raises:
            ContractError: CON-031.
        """
        try:
            self._verifiers[agency].check(value, topic=topic)
        except ContractError:
            # The agency may have announced the key a moment ago.
            if not self._renew():
                raise
            self._verifiers[agency].check(value, topic=topic)

    async def _scan(self, events: Sequence[OpenedEvent]) -> None:
        """Take events through step 5; a text whose scan failed refuses its event."""
        # 5. Scan.
        verdicts = iter(await self._private.detector.detect([text for event in events for text in event.texts]))
        for event in events:
            event.verdicts = [next(verdicts) for _ in event.texts]
            failed = next((v for v in event.verdicts if isinstance(v, ContractError)), None)
            event.refusal = event.refusal or failed
