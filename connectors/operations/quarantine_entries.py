"""Quarantine of refused records, for the operator: list entries, open one, replay some, drop some.

Purpose: read the topics `quarantine.<agency>` and `refusals` (what dedupe refused), and carry out the operator's
decision about an entry. An entry is named by the topic, partition and offset at which the agency published its record.
Called by: `amana quarantine`, `amana.composition.quarantine_access`, tests.

    found = entries(cluster, code="CON-040")    # listed without a secret
    replay(access, found)                       # after the cause of the refusal was removed

Invariants:
- Opening, replaying or dropping an entry is written to the topic `audit` before it happens.
- A list shows codes and positions only. Sealed bytes are opened for one entry at a time, with the sealing key.
- An entry lives until it is replayed with success or dropped; either writes a tombstone on its key.
- A replayed record passes every step of the stage deidentify again and keeps its first topic, partition and offset.
"""

import base64
import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from kafka import KafkaProducer
from kafka.errors import KafkaError

from connectors.adapters import schema_ids, topic_reading
from connectors.adapters.cluster import Cluster
from schemas import catalogue, codec, limits, sealing
from schemas.errors import ConfigurationError, ContractError, TransportError
from schemas.opening import Opener
from schemas.record_seal import RecordSeal
from streams.broker import topics
from streams.broker.access import OPERATOR
from streams.core.counting.outcomes import key_of

__all__ = [
    "OpeningKeys",
    "QuarantineAccess",
    "QuarantineEntry",
    "drop",
    "entries",
    "event_of",
    "find",
    "open_record",
    "replay",
]

_ACK_SECONDS: Final = 30
_REQUEST_BYTES: Final = 2 << 20
"""Largest request to the broker: a sealed record may be as long as a raw one, and its envelope comes on top."""

_Message = tuple[str, int, bytes, bytes | None]
"""Topic, partition, key, value."""


@dataclass(frozen=True, slots=True)
class QuarantineAccess:
    """Everything that a decision about an entry needs.

    Args:
        cluster: access to broker and registry, as the operator.
        policy: digest of the policy in force, for the audit log.
        code: version of the running code, for the audit log.
    """

    cluster: Cluster
    policy: str
    code: str


@dataclass(frozen=True, slots=True)
class OpeningKeys:
    """The de-identifier's keys, by which one refused record is opened.

    Args:
        refused: opens the record that an entry holds.
        sealing: private keys, 96 bytes each; open what the agencies sealed.
    """

    refused: RecordSeal = dataclasses.field(repr=False)
    sealing: Sequence[bytes] = dataclasses.field(repr=False)


@dataclass(frozen=True, slots=True)
class QuarantineEntry:
    """One refused record: its first place, the stage that refused it, code and field of the refusal.

    `payload` is the whole record, sealed for the de-identifier alone; it is empty where only the place is held.
    """

    agency: str
    kind: str
    partition: int
    offset: int
    stage: str
    code: str
    field: str | None
    payload: bytes = dataclasses.field(repr=False)

    @property
    def topic(self) -> str:
        """Name of the raw topic."""
        return topics.raw(self.agency, self.kind)

    @property
    def place(self) -> str:
        """First place of the record, as `topic/partition/offset`."""
        return f"{self.topic}/{self.partition}/{self.offset}"

    @property
    def held_on(self) -> str:
        """Name of the topic that holds the entry."""
        return topics.quarantine(self.agency) if self.stage == "deidentify" else topics.REFUSALS

    @property
    def key(self) -> bytes:
        """Message key on the topics `quarantine.<agency>`, `refusals` and `replay`."""
        return key_of((self.agency, self.kind, self.partition, self.offset))

    def as_document(self) -> dict[str, Any]:
        """Return the entry as a JSON object, with the length of the payload in its place."""
        fields = {name: getattr(self, name) for name in ("topic", "partition", "offset", "agency", "stage", "code")}
        return {**fields, "field": self.field, "bytes": len(self.payload)}


def entries(cluster: Cluster, *, agency: str | None = None, code: str | None = None) -> list[QuarantineEntry]:
    """Return the entries of all agencies or of one, with any code or with one, sorted by place.

    Raises:
        ConfigurationError: CFG-102, no such agency.
        TransportError: TRA-030, the broker is out of reach.
    """
    agencies = cluster.chosen(agency)
    held: dict[tuple[str, bytes], QuarantineEntry] = {}
    try:
        for topic in (*map(topics.quarantine, agencies), topics.REFUSALS):
            for record in topic_reading.whole(cluster.kafka_settings(), topic):
                # The topic is compacted, but only in time: the last record of a key holds, and a tombstone removes it.
                held.pop((topic, record.key), None)
                if record.value is not None:
                    fields = cluster.seal.read("quarantine", record.value, topic, record.key.decode())
                    held[topic, record.key] = QuarantineEntry(**fields)
    except KafkaError as error:
        raise TransportError("TRA-030", "the broker is out of reach") from error
    chosen = (entry for entry in held.values() if entry.agency in agencies and code in (None, entry.code))
    return sorted(chosen, key=lambda entry: (entry.topic, entry.partition, entry.offset))


def find(cluster: Cluster, places: Iterable[str]) -> list[QuarantineEntry]:
    """Return the entries at these places, each once, in the order of `places`.

    Raises:
        ConfigurationError: CFG-170, nothing is held at one of them.
        TransportError: TRA-030, the broker is out of reach.
    """
    held = {entry.place: entry for entry in entries(cluster)}
    wanted = list(dict.fromkeys(places))
    if missing := [place for place in wanted if place not in held]:
        raise ConfigurationError("CFG-170", f"quarantine holds nothing at {missing[0]}")
    return [held[place] for place in wanted]


def open_record(access: QuarantineAccess, keys: OpeningKeys, entry: QuarantineEntry) -> dict[str, Any]:
    """Open one entry for the operator's eyes, after the broker has acknowledged the audit record of it.

    Returns:
        A JSON object with the record in clear; with its bytes in base64 and the code instead, where it does not decode
        or open.

    Raises:
        IntegrityError: INT-026 or INT-027, the entry itself was sealed under another key, or altered.
        TransportError: TRA-170, the broker did not take the audit record; nothing was opened.
    """
    # Logged first: after a crash in between the log names an opening that did not happen, never the other way round.
    _log(access, "shown", [entry])
    payload = keys.refused.open(entry.payload, topics.REPLAY, entry.key.decode()) if entry.payload else b""
    try:
        record = _opened(access, keys, entry, payload)
    except ContractError as error:
        return {"place": entry.place, "code": error.code, "bytes": base64.b64encode(payload).decode()}
    return {"place": entry.place, "code": entry.code, "record": record}


def event_of(access: QuarantineAccess, keys: OpeningKeys, entry: QuarantineEntry) -> str | None:
    """Return the event id of a refused record, None if it holds no envelope; the event itself stays sealed.

    Raises:
        IntegrityError: INT-026 or INT-027, the entry was sealed under another key, or altered.
    """
    payload = keys.refused.open(entry.payload, topics.REPLAY, entry.key.decode()) if entry.payload else b""
    try:
        return str(_envelope(access, payload)["event_id"])
    except ContractError:
        return None


def _envelope(access: QuarantineAccess, payload: bytes) -> Mapping[str, Any]:
    allowed = schema_ids.allow_list(access.cluster.schema_ids, ["envelope"]).allowed("envelope")
    return codec.decode(payload, allowed, limits.ENVELOPE)


def _opened(access: QuarantineAccess, keys: OpeningKeys, entry: QuarantineEntry, payload: bytes) -> dict[str, Any]:
    """Return the event in a refused envelope, whoever signed it."""
    outer = _envelope(access, payload)
    bound = sealing.bound(entry.topic, outer["event_id"], outer["revision"], outer["schema"])
    data = Opener(keys.sealing).open(outer["key_id"], outer["sealed"], bound)
    written = next((one for one in catalogue.versions(f"raw.{entry.kind}") if one.digest == outer["schema"]), None)
    return codec.decode_body(data, (written or catalogue.load(f"raw.{entry.kind}")).parsed)


def replay(access: QuarantineAccess, chosen: Sequence[QuarantineEntry]) -> None:
    """Send entries through the stages again; an event that was counted already is known by its revision, counted once.

    Raises:
        ContractError: CON-045, an entry holds no bytes; nothing was sent.
        TransportError: TRA-170, the broker did not take one; those before it are on their way.
    """
    for entry in chosen:
        if not entry.payload:
            raise ContractError("CON-045", f"nothing to replay at {entry.place}: only its place is held")
    _log(access, "replay", chosen)
    # The same partition number as on the raw topic: the same lane of the de-identifier owns both.
    _send(access.cluster, [(topics.REPLAY, entry.partition, entry.key, entry.payload) for entry in chosen])


def drop(access: QuarantineAccess, chosen: Sequence[QuarantineEntry]) -> None:
    """Drop entries: their records stay counted as quarantined, their bytes go with the next compaction.

    Raises:
        TransportError: TRA-170, the broker did not take one.
    """
    _log(access, "drop", chosen)
    _send(access.cluster, [(entry.held_on, 0, entry.key, None) for entry in chosen])


def _log(access: QuarantineAccess, decision: str, chosen: Sequence[QuarantineEntry]) -> None:
    """Write one decision record per entry to the topic `audit`, from which the release process appends to the log."""
    parsed = catalogue.load("audit").parsed
    schema_id = schema_ids.allow_list(access.cluster.schema_ids, ["audit"]).id_of("audit")
    values = [codec.encode(schema_id, parsed, _decision(access, decision, entry)) for entry in chosen]
    _send(access.cluster, [("audit", 0, entry.key, value) for entry, value in zip(chosen, values, strict=True)])


def _decision(access: QuarantineAccess, decision: str, entry: QuarantineEntry) -> Mapping[str, Any]:
    return {
        "action": "refusal",
        "actor": OPERATOR,
        "policy": access.policy,
        "code": access.code,
        "topic": entry.topic,
        "partition": entry.partition,
        "first_offset": entry.offset,
        "last_offset": entry.offset,
        "details": {"decision": decision, "refused": entry.code, "stage": entry.stage},
    }


def _send(cluster: Cluster, messages: Iterable[_Message]) -> None:
    """Send messages and wait until the broker has acknowledged every one."""
    try:
        producer = KafkaProducer(**cluster.kafka_settings(), acks="all", max_request_size=_REQUEST_BYTES)
        try:
            # All are sent before the first is waited for: one round trip per batch, not one per message.
            futures = [
                producer.send(topic, key=key, value=value, partition=partition)
                for topic, partition, key, value in messages
            ]
            for future in futures:
                future.get(timeout=_ACK_SECONDS)
        finally:
            producer.close(timeout=_ACK_SECONDS)
    except KafkaError as error:
        # The type alone: the client's message may quote the record.
        raise TransportError("TRA-170", f"the broker did not take it: {type(error).__name__}") from None
