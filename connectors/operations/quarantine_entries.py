"""Quarantine as the operator handles it: list entries, open one, put one back on its way, end one.

Decides that each of the last three is written to the audit log before it happens, and how an entry is named: by the
topic, partition and offset at which the agency published it. Does not decide what a replayed record comes to: the stage
deidentify takes it through all its steps again, under its first place.

- An entry lives until it is replayed with success or dropped: either is a tombstone on its key.
- What is listed holds codes and positions; sealed bytes are opened for one entry at a time, with the sealing key.
"""

import base64
import dataclasses
import importlib.metadata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from kafka import KafkaProducer
from kafka.errors import KafkaError

from connectors.adapters import schema_registry, topic_reading
from connectors.adapters.cluster import Cluster
from schemas import catalogue, codec, limits
from schemas.errors import ConfigurationError, ContractError, TransportError
from schemas.opening import Opener
from streams.broker import topics
from streams.core.counting.outcomes import key_of

__all__ = ["QuarantineDesk", "QuarantineEntry", "drop", "entries", "find", "opened", "replay"]

PRINCIPAL: Final = "operator"
_ACK_SECONDS: Final = 30


@dataclass(frozen=True, slots=True)
class QuarantineDesk:
    """What it takes to decide about an entry: the operator's cluster access, the policy's digest, the sealing key."""

    cluster: Cluster
    policy: str
    sealing_key: bytes = dataclasses.field(repr=False)


@dataclass(frozen=True, slots=True)
class QuarantineEntry:
    """One refused record: where it was published, which stage refused it, and why; `payload`: it, sealed whole."""

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
        """Name the raw topic."""
        return topics.raw(self.agency, self.kind)

    @property
    def place(self) -> str:
        """Write `topic/partition/offset`."""
        return f"{self.topic}/{self.partition}/{self.offset}"

    @property
    def key(self) -> bytes:
        """The key on the topics `quarantine.<agency>` and `replay`."""
        return key_of((self.agency, self.kind, self.partition, self.offset))

    def as_document(self) -> dict[str, Any]:
        """Return JSON's shape; the payload is told by its length alone."""
        named = {name: getattr(self, name) for name in ("topic", "partition", "offset", "agency", "stage", "code")}
        return {**named, "field": self.field, "bytes": len(self.payload)}


def entries(cluster: Cluster, *, agency: str | None = None, code: str | None = None) -> list[QuarantineEntry]:
    """Return what lies in quarantine, in the order of places.

    Raises:
        ConfigurationError: CFG-102, no such agency.
        TransportError: TRA-030, the broker is out of reach.
    """
    agencies = cluster.chosen(agency)
    readable = schema_registry.ids(cluster.registry, ["quarantine"]).allowed("quarantine")
    held: dict[bytes, QuarantineEntry] = {}
    try:
        for one in agencies:
            for record in topic_reading.whole(cluster.kafka_settings(), topics.quarantine(one)):
                held.pop(record.key, None)
                if record.value is not None:
                    held[record.key] = QuarantineEntry(**codec.decode(record.value, readable, limits.INTERNAL))
    except KafkaError as error:
        raise TransportError("TRA-030", "the broker is out of reach") from error
    found = (entry for entry in held.values() if code in (None, entry.code))
    return sorted(found, key=lambda entry: (entry.topic, entry.partition, entry.offset))


def find(cluster: Cluster, places: Iterable[str]) -> list[QuarantineEntry]:
    """Return the entries at these places.

    Raises:
        ConfigurationError: CFG-170, nothing is held at one of them; the others of `entries`.
    """
    held = {entry.place: entry for entry in entries(cluster)}
    wanted = list(dict.fromkeys(places))
    if missing := [place for place in wanted if place not in held]:
        raise ConfigurationError("CFG-170", f"quarantine holds nothing at {missing[0]}")
    return [held[place] for place in wanted]


def opened(desk: QuarantineDesk, entry: QuarantineEntry) -> dict[str, Any]:
    """Open one entry for the operator's eyes, after the audit log's topic has taken that it is shown.

    A record that does not decode, or whose sealed fields do not open, is told by its bytes in base64 and the code.

    Raises:
        ContractError: CON-030, the entry itself was sealed to another key, or altered.
    """
    _decide(desk, "shown", [entry])
    schema, opener = catalogue.load(f"raw.{entry.kind}"), Opener(desk.sealing_key)
    payload = opener.unwrap(entry.payload, entry.key) if entry.payload else b""
    try:
        record = codec.decode(payload, schema_registry.ids(desk.cluster.registry, [schema.stem]).allowed(schema.stem))
        clear = opener.open(record, schema, topic=entry.topic)
    except ContractError as error:
        return {"place": entry.place, "code": error.code, "bytes": base64.b64encode(payload).decode()}
    return {"place": entry.place, "code": entry.code, "record": {**record, **clear, "sealing": None}}


def replay(desk: QuarantineDesk, chosen: Sequence[QuarantineEntry]) -> None:
    """Put entries on their way again; what was counted before is known by its revision and counts once.

    Raises:
        ContractError: CON-045, an entry that holds no bytes; nothing was sent.
        TransportError: TRA-170, the broker did not take it; those before it are on their way.
    """
    for entry in chosen:
        if not entry.payload:
            raise ContractError("CON-045", f"nothing to replay at {entry.place}: only its place is held")
    _decide(desk, "replay", chosen)
    _send(desk.cluster, [(topics.REPLAY, entry.partition, entry.key, entry.payload) for entry in chosen])


def drop(desk: QuarantineDesk, chosen: Sequence[QuarantineEntry]) -> None:
    """End entries: their records stay counted as quarantined, their bytes go with the next compaction.

    Raises:
        TransportError: TRA-170, the broker did not take it.
    """
    _decide(desk, "drop", chosen)
    _send(desk.cluster, [(topics.quarantine(entry.agency), 0, entry.key, None) for entry in chosen])


def _decide(desk: QuarantineDesk, decision: str, chosen: Sequence[QuarantineEntry]) -> None:
    """Write a decision record each; on return the broker has them, and the release process appends them to the log."""
    parsed = catalogue.load("audit").parsed
    number = schema_registry.ids(desk.cluster.registry, ["audit"]).id_of("audit")
    version = importlib.metadata.version("amana-pipeline")
    values = (codec.encode(number, parsed, _decision(decision, entry, desk.policy, version)) for entry in chosen)
    _send(desk.cluster, [("audit", 0, entry.key, value) for entry, value in zip(chosen, values, strict=True)])


def _decision(decision: str, entry: QuarantineEntry, policy: str, version: str) -> Mapping[str, Any]:
    offsets = {"first_offset": entry.offset, "last_offset": entry.offset}
    about = {"action": "refusal", "actor": PRINCIPAL, "policy": policy, "code": version, **offsets}
    details = {"decision": decision, "refused": entry.code, "stage": entry.stage}
    return {**about, "topic": entry.topic, "partition": entry.partition, "details": details}


def _send(cluster: Cluster, records: Iterable[tuple[str, int, bytes, bytes | None]]) -> None:
    try:
        producer = KafkaProducer(**cluster.kafka_settings(), acks="all", max_request_size=2 << 20)
        try:
            for future in list(_futures(producer, records)):
                future.get(timeout=_ACK_SECONDS)
        finally:
            producer.close(timeout=_ACK_SECONDS)
    except KafkaError as error:
        raise TransportError("TRA-170", f"the broker did not take it: {type(error).__name__}") from None


def _futures(producer: KafkaProducer, records: Iterable[tuple[str, int, bytes, bytes | None]]) -> Iterator[Any]:
    for topic, partition, key, value in records:
        yield producer.send(topic, key=key, value=value, partition=partition)
