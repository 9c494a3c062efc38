"""The release process's view of the broker: what it reads, what it sends, and when the stages have caught up.

Decides how offsets of other groups are compared with the ends of what they read, and the keys of released rows. Does
not decide anything about a release. Reads without a consumer group: the audit log and the ledger know the positions.
"""

import datetime as dt
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import starmap
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError

from schemas import catalogue, codec, limits
from schemas.errors import ContractError, IntegrityError, TransportError
from schemas.parsing import Parsed
from schemas.trend import TrendRow
from streams.broker import topics
from streams.core.counting import aggregate
from streams.core.releasing.release_decision import Publish
from streams.release.release_ports import AUDIT_STREAM, Cells, Tick
from streams.transparency.decision import Decision

__all__ = ["KafkaBus", "Schemas", "row_key"]

PATIENCE_SECONDS = 120.0
"""How long a tick waits for the stages where it does not say so itself."""

_ACK_SECONDS = 60
_READ = {"enable_auto_commit": False, "auto_offset_reset": "none"}
_AUDIT, _CALENDAR = TopicPartition("audit", 0), TopicPartition("calendar", 0)


@dataclass(frozen=True, slots=True)
class Schemas:
    """Schema ids from the registry, fetched at start: one to write per stem, and those that may be read per stem."""

    writers: Mapping[str, int]
    readers: Mapping[str, Mapping[int, Parsed]]


class KafkaBus:
    """The broker as the principal of the release process."""

    def __init__(self, settings: Mapping[str, Any], schemas: Schemas, agencies: Iterable[str]) -> None:
        """Take client settings, schema ids, and the agencies whose topics the de-identifier reads.

        Raises:
            TransportError: TRA-140, the broker is out of reach.
        """
        agencies = tuple(agencies)
        self._reads = {stage: _partitions(names, agencies) for stage, names in topics.sources(agencies).items()}
        self._cells = _partitions(["cells"], agencies)
        self._settings, self._schemas = settings, schemas
        try:
            self._audit = KafkaConsumer(**settings, **_READ, max_poll_records=500)
            self._calendar = KafkaConsumer(**settings, **_READ, max_poll_records=1)
            self._admin = KafkaAdminClient(**settings)
            self._producer = KafkaProducer(**settings, acks="all", enable_idempotence=True)
        except KafkaError as error:
            raise TransportError("TRA-140", "the broker is out of reach") from error

    def start(self, *, audit: int, calendar: int) -> None:
        """Begin at these offsets; a topic that ends before them is not the one that log and ledger were kept from."""
        for consumer, partition, position in ((self._audit, _AUDIT, audit), (self._calendar, _CALENDAR, calendar)):
            consumer.assign([partition])
            end = consumer.end_offsets([partition])[partition]
            if end < position:
                raise IntegrityError("INT-142", f"topic {partition.topic} ends at {end}, before {position}")
            consumer.seek(partition, position)

    def decisions(self) -> Sequence[Decision]:
        """Return up to 500 records of the topic `audit`."""
        return [self._decision(record) for record in _poll(self._audit, 200)]

    def ticks(self) -> Sequence[Tick]:
        """Return the next tick; a record that is none is passed over, as nobody waits for it."""
        return [tick for record in _poll(self._calendar, 50) if (tick := _tick(record))]

    def settled_ends(self) -> tuple[int, ...] | None:
        """Compare what each stage has committed with the ends of its topics; the audit log's own reading too."""
        everything = [partition for group in self._reads.values() for partition in group]
        ends = self._calendar.end_offsets([*everything, _AUDIT])
        try:
            committed = self._admin.list_group_offsets(list(self._reads))
        except KafkaError as error:
            if error.retriable:  # the broker is still electing a group's coordinator: ask again
                return None
            raise TransportError("TRA-140", f"no offsets of the stages: {type(error).__name__}") from error
        for group, partitions in self._reads.items():
            if any(ends[one] > _offset(committed, group, one) for one in partitions):
                return None
        if self._audit.position(_AUDIT) < ends[_AUDIT]:
            return None
        return tuple(ends[partition] for partition in everything)

    def cells(self) -> Cells:
        """Read the topic `cells` from its beginning to its present end; of each cell the value that includes most."""
        consumer = KafkaConsumer(**self._settings, enable_auto_commit=False)
        try:
            held = aggregate.merge(self._cell_entries(consumer))
        finally:
            consumer.close()
        return {key: cell.counts for key, cell in held.items() if cell.counts}

    def publish(self, region: str, rows: Sequence[TrendRow]) -> None:
        """Send rows to `trend.<region>`."""
        self._send(topics.trend(region), "trend", [(row_key(row), row.record()) for row in rows])

    def announce(self, outcome: Publish, policy: str) -> None:
        """Send a ledger entry, under its release id."""
        header = outcome.header
        entry = {name: getattr(header, name) for name in ("release", "population", "year")}
        entry |= {"mode": outcome.mode, "pattern": outcome.pattern}
        entry |= {"as_of": header.as_of.isoformat(), "policy": policy}
        entry["rho_ppb"] = int(outcome.certificate.get("rho_ppb", "0"))
        self._send("ledger", "ledger", [(header.release.encode(), entry)])

    def report(self, decision: Decision) -> None:
        """Send a decision record; it enters the log like those of other stages."""
        record = {name: getattr(decision, name) for name in Decision.__slots__ if name not in {"at", "source"}}
        record["details"] = dict(decision.details)
        self._send("audit", "audit", [(decision.details.get("tick", "").encode(), record)])

    def close(self) -> None:
        """Close all connections."""
        self._producer.close(timeout=5)
        for client in (self._audit, self._calendar, self._admin):
            client.close()

    def _send(self, topic: str, stem: str, records: Sequence[tuple[bytes, Mapping[str, Any]]]) -> None:
        parsed, number = catalogue.load(stem).parsed, self._schemas.writers[stem]
        try:
            sent = [
                self._producer.send(topic, key=key, value=codec.encode(number, parsed, record), partition=0)
                for key, record in records
            ]
            self._producer.flush(timeout=_ACK_SECONDS)
            for future in sent:
                future.get(timeout=_ACK_SECONDS)
        except KafkaError as error:
            raise TransportError("TRA-141", f"topic {topic} did not acknowledge: {type(error).__name__}") from error

    def _decision(self, record: Any) -> Decision:  # noqa: ANN401 - kafka-python has no types
        source = f"{AUDIT_STREAM}/{record.offset}"
        try:
            fields = codec.decode(record.value, self._schemas.readers["audit"], limits.INTERNAL)
        except ContractError as error:
            raise IntegrityError("INT-143", f"{source} is no decision record: {error.code}") from error
        hour = dt.datetime.fromtimestamp(record.timestamp / 1000, dt.UTC).strftime("%Y-%m-%dT%H")
        return Decision(**fields, at=hour, source=source)

    def _cell_entries(self, consumer: KafkaConsumer) -> Iterator[tuple[str, aggregate.Cell | None]]:
        consumer.assign(self._cells)
        consumer.seek_to_beginning(*self._cells)
        ends = consumer.end_offsets(self._cells)
        while any(consumer.position(partition) < end for partition, end in ends.items()):
            for record in _poll(consumer, 500):
                fields = record.value and codec.decode(record.value, self._schemas.readers["cell"], limits.INTERNAL)
                yield record.key.decode(), aggregate.Cell.from_record(fields) if fields else None


def row_key(row: TrendRow) -> bytes:
    """Name a released cell for good: a row sent again after a crash has the key of the first."""
    named = "|".join(f"{name}={code}" for name, code in sorted(row.dimensions.items()))
    return f"{row.release}|{row.table}|{row.period}|{named}".encode()


def _partitions(names: Iterable[str], agencies: Iterable[str]) -> list[TopicPartition]:
    return list(starmap(TopicPartition, topics.partitions(names, agencies)))


def _offset(committed: Mapping[str, Mapping[TopicPartition, Any]], group: str, partition: TopicPartition) -> int:
    """Return the next offset a group will read; -1 or nothing where it never committed, which is the beginning."""
    found = committed.get(group, {}).get(partition)
    return max(0, found.offset) if found is not None else 0


def _poll(consumer: KafkaConsumer, milliseconds: int) -> list[Any]:
    try:
        return [record for records in consumer.poll(timeout_ms=milliseconds).values() for record in records]
    except KafkaError as error:
        raise TransportError("TRA-140", f"the broker is out of reach: {type(error).__name__}") from error


def _tick(record: Any) -> Tick | None:  # noqa: ANN401 - kafka-python has no types
    try:
        fields = json.loads(record.value)
        patience = float(fields.get("timeout", PATIENCE_SECONDS))
        return Tick(record.offset, str(fields["id"]), dt.date.fromisoformat(fields["as_of"]), patience)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
