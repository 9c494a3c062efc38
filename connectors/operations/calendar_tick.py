"""Request of one tick of the release calendar, and the answer of the release process.

Purpose: ask for the release of everything that is due on a day. Nothing is released here: the release process, on
whichever machine it runs, alone keeps the audit log and the release ledger.
Called by: `amana release`, the demonstration, tests.

1. Find the end of the topic `audit`, before anything is asked.
2. Send the tick to the topic `calendar`, with a random id.
3. Read `audit` from that end on, until the decision with that id appears.

Invariants:
- Two requests at once do not confuse each other: each answer names the id of its tick.
- A request that ends without an answer does not take its tick back: the release process may still carry it out.
"""

import contextlib
import datetime as dt
import json
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError

from connectors.adapters import schema_ids
from connectors.adapters.cluster import Cluster
from connectors.adapters.progress import Offsets
from schemas import codec, limits
from schemas.errors import TransportError

__all__ = ["ReleaseCount", "TickAnswer", "WithheldTable", "request"]

_PLANNING_SECONDS: Final = 600
"""Longest time that the plan of a release may take after the stages are idle."""

_ACK_SECONDS: Final = 30

_AUDIT: Final = TopicPartition("audit", 0)


@dataclass(frozen=True, slots=True)
class ReleaseCount:
    """Numbers of cells that one tick sent to the feeds of one population and year.

    Args:
        population: name of the population.
        year: the year of the windows.
        released: cells with a number.
        suppressed: cells without a number, by primary or complementary suppression.
        withheld: rows that stand for withheld tables.
    """

    population: str
    year: int
    released: int = 0
    suppressed: int = 0
    withheld: int = 0


@dataclass(frozen=True, slots=True)
class WithheldTable:
    """One table that was not released in one window, with the code and the text of the reason."""

    population: str
    window: str
    table: str
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class TickAnswer:
    """Answer of the release process to one tick.

    Args:
        tick: id of the tick.
        lines: numbers of cells by population and year, sorted.
        withheld: the tables that were not released.
        code: error code of a refused tick; empty for one that was carried out.
        reason: text of the refusal; empty likewise.
        seconds: time from the request to the answer.
    """

    tick: str
    lines: tuple[ReleaseCount, ...] = ()
    withheld: tuple[WithheldTable, ...] = ()
    code: str = ""
    reason: str = ""
    seconds: float = field(default=0.0, compare=False)

    @classmethod
    def of(cls, details: Mapping[str, str], seconds: float) -> "TickAnswer":
        """Return the answer that the details of an announced decision hold."""
        if details["outcome"] != "done":
            return cls(details["tick"], code=details["code"], reason=details["reason"], seconds=seconds)
        by_status: dict[tuple[str, int], dict[str, int]] = {}
        for population, year, status, number in json.loads(details["cells"]):
            by_status.setdefault((population, year), {})[_FIELD[status]] = number
        lines = tuple(
            ReleaseCount(population, year, **cells) for (population, year), cells in sorted(by_status.items())
        )
        withheld = tuple(WithheldTable(*fields) for fields in json.loads(details["withheld"]))
        return cls(details["tick"], lines, withheld, seconds=seconds)


_FIELD: Final = {"published": "released", "suppressed": "suppressed", "withheld": "withheld"}
"""Status of a released row -> field of `ReleaseCount`."""


def request(cluster: Cluster, as_of: dt.date, *, patience: float) -> TickAnswer:
    """Request the release of everything that is due on a day, and wait for the answer.

    Args:
        cluster: access to the broker, as the operator.
        as_of: the day.
        patience: seconds that the stages may take until they are idle; the plan may take ten minutes more.

    Raises:
        TransportError: TRA-142, the release process did not answer; TRA-140 or TRA-031, the broker is out of reach.
    """
    allowed = schema_ids.allow_list(cluster.schema_ids, ["audit"]).allowed("audit")
    settings = cluster.kafka_settings()
    tick, started = uuid.uuid4().hex, time.monotonic()
    try:
        with contextlib.closing(
            KafkaConsumer(**settings, enable_auto_commit=False, isolation_level="read_committed")
        ) as consumer:
            consumer.assign([_AUDIT])
            with Offsets(settings) as offsets:
                # 1. Before the tick is sent, so that the answer lies behind this end.
                consumer.seek(_AUDIT, offsets.ends([_AUDIT])[_AUDIT])
            # 2.
            _send_tick(settings, {"id": tick, "as_of": as_of.isoformat(), "timeout": patience})
            # 3. The topic holds the decisions of all stages, and the answers to other ticks.
            for value in _audit_values(consumer, until=started + patience + _PLANNING_SECONDS):
                decision = codec.decode(value, allowed, limits.INTERNAL)
                if decision["action"] == "calendar" and decision["details"].get("tick") == tick:
                    return TickAnswer.of(decision["details"], time.monotonic() - started)
    except KafkaError as error:
        raise TransportError("TRA-140", "the broker is out of reach") from error
    raise TransportError("TRA-142", "the release process did not answer: does `amana worker release` run?")


def _send_tick(settings: Mapping[str, Any], tick: Mapping[str, object]) -> None:
    """Send a tick, and return when the broker has acknowledged it."""
    producer = KafkaProducer(**settings, acks="all")
    try:
        future = producer.send("calendar", key=str(tick["id"]).encode(), value=json.dumps(tick).encode(), partition=0)
        future.get(timeout=_ACK_SECONDS)
    finally:
        producer.close(timeout=5)


def _audit_values(consumer: KafkaConsumer, *, until: float) -> Iterator[bytes]:
    """Yield the values of the records that arrive until an instant of the monotonic clock."""
    while time.monotonic() < until:
        for records in consumer.poll(timeout_ms=200).values():
            yield from (record.value for record in records)
