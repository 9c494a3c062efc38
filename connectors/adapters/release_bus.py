"""The release process's topics on Kafka: decision records, ticks, cells, feeds, and the progress of the stages.

Called by: `amana.composition.release_parts`; the release process uses it through the port `ReleaseBus`.

Invariants:
- No consumer group: the audit log and the ledger know the positions; `PartitionReader` keeps them from then on.
- A client that failed is closed and opened again with the next call. A method that raised TransportError did nothing,
  or sent rows that are sent again under the same keys, of which a reader takes the first.
- No method waits for longer than its patience: a broker that is away is a TransportError.
- Records are never passed over: where an offset is out of range, the client must not go on at the end by itself.
"""

import contextlib
import datetime as dt
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError

from connectors.adapters import progress, topic_reading
from connectors.adapters.clients import open_client
from connectors.adapters.partition_reader import READ, PartitionReader
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

_ACK_SECONDS = 30
_CLOSE_SECONDS = 5
_LOOK_SECONDS = 20.0
"""How long one look at the stages may take: the release process looks again until the tick's patience ends."""

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
        self._reads = {
            stage: topic_reading.partitions(names, agencies) for stage, names in topics.sources(agencies).items()
        }
        self._cells = topic_reading.partitions(["cells"], agencies)
        self._settings, self._schemas = settings, schemas
        self._offsets = progress.Offsets(settings, seconds=_LOOK_SECONDS)
        self._audit = PartitionReader(settings, self._offsets, _AUDIT, most=500)
        self._calendar = PartitionReader(settings, self._offsets, _CALENDAR, most=1)
        self._producer: KafkaProducer | None = None
        self._connected()

    def start(self, *, audit: int, calendar: int) -> None:
        """Begin at these offsets; a topic that ends before them is not the one that log and ledger were kept from."""
        self._audit.seek(audit)
        self._calendar.seek(calendar)

    def decisions(self) -> Sequence[Decision]:
        """Return up to 500 records of the topic `audit`."""
        return [self._decision(record) for record in self._audit.poll(200)]

    def ticks(self) -> Sequence[Tick]:
        """Return the next tick; a record that is none is passed over, as nobody waits for it."""
        return [tick for record in self._calendar.poll(50) if (tick := _tick(record))]

    def settled_ends(self) -> tuple[int, ...] | None:
        """Return the ends of everything that the stages read; None while a stage or the audit log lags."""
        stages = progress.lag(self._offsets, self._reads)
        if any(stages.by_stage().values()) or self._audit.position < self._offsets.ends([_AUDIT])[_AUDIT]:
            return None
        return tuple(end for ends in stages.ends.values() for end in ends.values())

    def cells(self) -> Cells:
        """Read the topic `cells` from its beginning to its present end; of each cell the value that includes most."""
        try:
            consumer = open_client(KafkaConsumer, self._settings, **READ)
            try:
                held = aggregate.merge(self._cell_entries(consumer))
            finally:
                consumer.close()
        except KafkaError as error:
            raise _unreachable(error) from error
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
        self._drop_producer()
        for one in (self._audit, self._calendar, self._offsets):
            one.close()

    def _send(self, topic: str, stem: str, records: Sequence[tuple[bytes, Mapping[str, Any]]]) -> None:
        parsed, number = catalogue.load(stem).parsed, self._schemas.writers[stem]
        encoded = [(key, codec.encode(number, parsed, record)) for key, record in records]
        producer = self._connected()
        try:
            sent = [producer.send(topic, key=key, value=value, partition=0) for key, value in encoded]
            producer.flush(timeout=_ACK_SECONDS)
            for future in sent:
                future.get(timeout=_ACK_SECONDS)
        except KafkaError as error:
            # An idempotent producer that lost a batch takes no more: the rows are sent again by a new one.
            self._drop_producer()
            raise TransportError("TRA-141", f"topic {topic} did not acknowledge: {type(error).__name__}") from error

    def _connected(self) -> KafkaProducer:
        if self._producer is None:
            try:
                self._producer = open_client(
                    KafkaProducer, self._settings, acks="all", enable_idempotence=True, bootstrap_timeout_ms=10_000
                )
            except KafkaError as error:
                raise _unreachable(error) from error
        return self._producer

    def _drop_producer(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            with contextlib.suppress(KafkaError):
                producer.close(timeout=_CLOSE_SECONDS)

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
        for record in topic_reading.to_present_end(consumer, self._offsets.ends(self._cells)):
            fields = record.value and codec.decode(record.value, self._schemas.readers["cell"], limits.INTERNAL)
            yield record.key.decode(), aggregate.Cell.from_record(fields) if fields else None


def row_key(row: TrendRow) -> bytes:
    """Name a released cell for good: a row sent again after a crash has the key of the first."""
    named = "|".join(f"{name}={code}" for name, code in sorted(row.dimensions.items()))
    return f"{row.release}|{row.table}|{row.period}|{named}".encode()


def _unreachable(error: KafkaError) -> TransportError:
    return TransportError("TRA-140", f"the broker is out of reach: {type(error).__name__}")


def _tick(record: Any) -> Tick | None:  # noqa: ANN401 - kafka-python has no types
    try:
        fields = json.loads(record.value)
        patience = float(fields.get("timeout", PATIENCE_SECONDS))
        return Tick(record.offset, str(fields["id"]), dt.date.fromisoformat(fields["as_of"]), patience)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
