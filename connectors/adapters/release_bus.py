"""The topics of the release process on Kafka: decision records, ticks, cells, feeds, and the progress of the stages.

Purpose: implement the port `ReleaseBus` of `streams.release.release_ports`, as the principal `worker.release`.
Called by: `streams.release.release_process`, through that port; composed in `amana.composition.release_parts`.

Invariants:
- There is no consumer group. The audit log and the release ledger know the positions at the start, and a
  `PartitionReader` keeps them from then on.
- A reader that failed is closed, and opened again with the next call. The producer is not: whoever lost the fence asks
  for it again with `fence`, and compares what is out before anything is sent.
- The rows of one call become visible as a whole or not at all.
- No method waits longer than its patience: a broker that is away is a TransportError.
- No record is passed over: where an offset is out of range, the client does not go on at the end by itself.
"""

import datetime as dt
import json
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from connectors.adapters import cells_topic, progress, topic_reading
from connectors.adapters.clients import open_client
from connectors.adapters.fenced_producer import FencedProducer, Outgoing
from connectors.adapters.partition_reader import READ, PartitionReader
from connectors.adapters.released_topics import ReleasedTopics
from schemas import catalogue, codec, limits
from schemas.errors import ContractError, IntegrityError, TransportError
from schemas.parsing import Parsed
from schemas.record_seal import RecordSeal
from schemas.trend import TrendRow
from streams.broker import access, topics
from streams.core.releasing.release_comparison import Claim
from streams.core.releasing.release_decision import Publish, ReleaseDecision
from streams.release.release_ports import AUDIT_STREAM, Cells, Tick
from streams.transparency.decision import Decision

__all__ = ["KafkaBus", "Schemas", "row_key"]

PATIENCE_SECONDS = 120.0
"""Seconds that a tick waits for the stages, if its record does not name a time itself."""

_LOOK_SECONDS = 20.0
"""Longest time of one look at the progress of the stages; the release process looks again until the tick's patience
ends."""

_AUDIT, _CALENDAR = TopicPartition("audit", 0), TopicPartition("calendar", 0)


@dataclass(frozen=True, slots=True)
class Schemas:
    """Schema ids of the site's file, read at start.

    Args:
        writers: stem -> id to write with.
        readers: stem -> id -> schema that may be read.
    """

    writers: Mapping[str, int]
    readers: Mapping[str, Mapping[int, Parsed]]


class KafkaBus:
    """The broker, as the release process sees it; see `ReleaseBus`."""

    def __init__(
        self, settings: Mapping[str, Any], schemas: Schemas, seal: RecordSeal, agencies: Iterable[str]
    ) -> None:
        """Take what the connections need; each is opened by the first method that needs it.

        Args:
            settings: client settings of the principal `worker.release`.
            schemas: schema ids of `audit`, `trend` and `ledger`.
            seal: opens the exact cells.
            agencies: ids of the agencies whose topics the de-identifier reads.
        """
        agencies = tuple(agencies)
        self._reads = {
            stage: topic_reading.partitions(names, agencies) for stage, names in topics.sources(agencies).items()
        }
        self._cells = topic_reading.partitions(["cells"], agencies)
        self._settings, self._schemas, self._seal = settings, schemas, seal
        self._offsets = progress.Offsets(settings, seconds=_LOOK_SECONDS)
        self._audit = PartitionReader(settings, self._offsets, _AUDIT, most=500)
        self._calendar = PartitionReader(settings, self._offsets, _CALENDAR, most=1)
        self._producer = FencedProducer(settings, access.RELEASE_FENCE)
        self._released = ReleasedTopics(settings, self._offsets, schemas.readers)

    @property
    def is_fenced(self) -> bool:
        """Whether this process alone may send, as far as it knows."""
        return self._producer.is_held

    def fence(self) -> None:
        """Shut every earlier release process out at the broker; what is out can be compared from then on.

        Raises:
            TransportError: TRA-140, the broker is out of reach.
            ConfigurationError: CFG-200, the access rules do not allow it.
        """
        self._producer.take()

    def give_up(self) -> None:
        """Give the fence up; nothing is sent until it is taken again."""
        self._producer.drop()

    def announced(self) -> Mapping[str, Claim]:
        """Return what the topic `ledger` tells of every publication.

        Raises:
            IntegrityError: INT-175, a record of it is none.
            TransportError: TRA-031 or TRA-140, the broker is out of reach.
        """
        return self._released.announced()

    def feeds(self) -> Mapping[str, Claim]:
        """Return the digests of everything that lies on the topics `trend.*`; raises as `announced`."""
        return self._released.feeds()

    def start(self, *, audit: int, calendar: int) -> None:
        """Go on at these offsets of the topics `audit` and `calendar`.

        Raises:
            IntegrityError: INT-142, a topic ends before its offset: it is not the one that was read before.
            TransportError: TRA-031 or TRA-140, the broker is out of reach.
        """
        self._audit.seek(audit)
        self._calendar.seek(calendar)

    def decisions(self) -> Sequence[Decision]:
        """Return the next decision records of the topic `audit`, at most 500, after a wait of at most 0.2 s.

        Raises:
            IntegrityError: INT-143, a record is no decision record.
            TransportError: TRA-031 or TRA-140, the broker is out of reach.
        """
        return [self._decision(record) for record in self._audit.poll(200)]

    def ticks(self) -> Sequence[Tick]:
        """Return the next tick of the calendar, an empty sequence if none has come within 0.05 s; raises as `start`."""
        # A record that is no tick is passed over: it has no id, so nobody can wait for an answer to it.
        return [tick for record in self._calendar.poll(50) if (tick := _tick(record))]

    def settled_ends(self) -> tuple[int, ...] | None:
        """Return the ends of everything that the stages read; None while a stage or the audit log has a lag.

        Raises:
            TransportError: TRA-031, the brokers did not report the offsets in time.
        """
        stages = progress.lag(self._offsets, self._reads)
        if any(stages.by_stage().values()) or self._audit.position < self._offsets.ends([_AUDIT])[_AUDIT]:
            return None
        return tuple(end for ends in stages.ends.values() for end in ends.values())

    def cells(self) -> Cells:
        """Return persons by cell and agency, from the whole topic `cells` up to its present end.

        Raises:
            TransportError: TRA-031 or TRA-140, the broker is out of reach.
        """
        self._seal.renew()
        try:
            consumer = open_client(KafkaConsumer, self._settings, **READ)
            try:
                consumer.assign(self._cells)
                consumer.seek_to_beginning(*self._cells)
                records = topic_reading.to_present_end(consumer, self._offsets.ends(self._cells))
                cells = cells_topic.cells(self._seal, records)
            finally:
                consumer.close()
        except KafkaError as error:
            raise _unreachable(error) from error
        return {key: cell.counts for key, cell in cells.items() if cell.counts}

    def publish(self, decisions: Sequence[ReleaseDecision], policy: str, *, announced: Container[str] = ()) -> None:
        """Announce these decisions, then send all of their rows in one transaction; return when all are visible.

        The announcements are visible before the first row is sent: even in a transaction that is aborted there are no
        rows of a release that a later process would not find announced.

        Args:
            decisions: publications and withheld tables, in order.
            policy: digest of the policy, for the announcements.
            announced: release ids whose announcement lies on the topic `ledger` already.

        Raises:
            IntegrityError: INT-174, another release process has taken over.
            TransportError: TRA-141; all rows or none are visible, and the fence is given up.
        """
        fresh = [one for one in decisions if isinstance(one, Publish) and one.header.release not in announced]
        if fresh:
            self._producer.send([self._announcement(one, policy) for one in fresh])
        feeds = [(region, rows) for decision in decisions for region, rows in decision.feeds.items()]
        if feeds:
            self._producer.send([record for region, rows in feeds for record in self._rows(region, rows)])

    def report(self, decision: Decision) -> None:
        """Send a decision record to `audit`; it enters the log like those of the stages. Raises as `publish`."""
        record = {name: getattr(decision, name) for name in Decision.__slots__ if name not in {"at", "source"}}
        record["details"] = dict(decision.details)
        self._producer.send([self._encoded("audit", "audit", decision.details.get("tick", "").encode(), record)])

    def close(self) -> None:
        """Close all connections."""
        self._producer.drop()
        for connection in (self._audit, self._calendar, self._offsets):
            connection.close()

    def _announcement(self, outcome: Publish, policy: str) -> Outgoing:
        """Return a release's entry of the topic `ledger`, under its release id."""
        header = outcome.header
        entry = {name: getattr(header, name) for name in ("release", "population", "year")}
        entry |= {"mode": outcome.mode, "pattern": outcome.pattern}
        entry |= {"as_of": header.as_of.isoformat(), "policy": policy}
        entry["rho_ppb"] = int(outcome.certificate.get("rho_ppb", "0"))
        return self._encoded("ledger", "ledger", header.release.encode(), entry)

    def _rows(self, region: str, rows: Sequence[TrendRow]) -> list[Outgoing]:
        return [self._encoded(topics.trend(region), "trend", row_key(row), row.record()) for row in rows]

    def _encoded(self, topic: str, stem: str, key: bytes, record: Mapping[str, Any]) -> Outgoing:
        return topic, key, codec.encode(self._schemas.writers[stem], catalogue.load(stem).parsed, record)

    def _decision(self, record: Any) -> Decision:  # noqa: ANN401 - kafka-python has no types
        source = f"{AUDIT_STREAM}/{record.offset}"
        try:
            fields = codec.decode(record.value, self._schemas.readers["audit"], limits.INTERNAL)
        except ContractError as error:
            raise IntegrityError("INT-143", f"{source} is no decision record: {error.code}") from error
        # The audit log keeps the hour of a decision and no finer time.
        hour = dt.datetime.fromtimestamp(record.timestamp / 1000, dt.UTC).strftime("%Y-%m-%dT%H")
        return Decision(**fields, at=hour, source=source)


def row_key(row: TrendRow) -> bytes:
    """Return the message key of a row: release, table, period and dimensions; a row sent again has the same key."""
    # Sorted, as the order of a mapping is no part of a cell's name.
    dimensions = "|".join(f"{name}={code}" for name, code in sorted(row.dimensions.items()))
    return f"{row.release}|{row.table}|{row.period}|{dimensions}".encode()


def _unreachable(error: KafkaError) -> TransportError:
    return TransportError("TRA-140", f"the broker is out of reach: {type(error).__name__}")


def _tick(record: Any) -> Tick | None:  # noqa: ANN401 - kafka-python has no types
    try:
        fields = json.loads(record.value)
        patience = float(fields.get("timeout", PATIENCE_SECONDS))
        return Tick(record.offset, str(fields["id"]), dt.date.fromisoformat(fields["as_of"]), patience)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
