"""Request of one tick of the release calendar, and the answer of the release process.

Purpose: ask for the release of everything that is due on a day. The release process, wherever it runs, alone keeps the
audit log and the release ledger; nothing is released here.
Called by: `amana release`, the demonstration (`amana.demo.run`), tests.

1. Find the end of the topic `audit`, before anything is asked.
2. Send the tick to the topic `calendar`, with a random id.
3. Read `audit` from there until the decision with that id appears.

Invariants:
- An answer belongs to the request: it has the same random id, and is looked for from the end that the topic had before.
- The wait ends: after the time given for the stages and ten minutes for the plan it is TRA-142.
"""

import datetime as dt
import json
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError

from connectors.adapters import schema_registry
from connectors.adapters.cluster import Cluster
from connectors.adapters.progress import Offsets
from schemas import codec, limits
from schemas.errors import TransportError

__all__ = ["ReleaseCount", "TickAnswer", "WithheldTable", "request"]

_PLANNING_SECONDS: Final = 600
"""Most time that a plan may take once the stages are idle."""

_ACK_SECONDS: Final = 30

_AUDIT: Final = TopicPartition("audit", 0)


@dataclass(frozen=True, slots=True)
class ReleaseCount:
    """Numbers of cells in the feeds of one population and year; `withheld` are those of withheld tables."""

    population: str
    year: int
    released: int = 0
    suppressed: int = 0
    withheld: int = 0


@dataclass(frozen=True, slots=True)
class WithheldTable:
    """One table that was not released in one window, with the code and the reason."""

    population: str
    window: str
    table: str
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class TickAnswer:
    """Answer to one tick.

    `code` and `reason` say why the tick was refused; both are empty for one that was carried out. `seconds` is the time
    from the request to the answer.
    """

    tick: str
    lines: tuple[ReleaseCount, ...] = ()
    withheld: tuple[WithheldTable, ...] = ()
    code: str = ""
    reason: str = ""
    seconds: float = field(default=0.0, compare=False)

    @classmethod
    def of(cls, details: Mapping[str, str], seconds: float) -> "TickAnswer":
        """Return the answer in the details of an announced decision."""
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
    """Let the calendar tick and wait for the announced outcome; `patience` is how long the stages may take, in seconds.

    Raises:
        TransportError: TRA-142, the release process did not answer; TRA-140 or TRA-031, the broker is out of reach.
    """
    allowed = schema_registry.ids(cluster.registry, ["audit"]).allowed("audit")
    settings = cluster.kafka_settings()
    tick, started = uuid.uuid4().hex, time.monotonic()
    try:
        consumer = KafkaConsumer(**settings, enable_auto_commit=False)
        consumer.assign([_AUDIT])
        with Offsets(settings) as offsets:
            # The end is asked for before the tick is sent: the answer comes after it.
            consumer.seek(_AUDIT, offsets.ends([_AUDIT])[_AUDIT])
        _send(settings, {"id": tick, "as_of": as_of.isoformat(), "timeout": patience})
        for value in _values(consumer, until=started + patience + _PLANNING_SECONDS):
            found = codec.decode(value, allowed, limits.INTERNAL)
            if found["action"] == "calendar" and found["details"].get("tick") == tick:
                consumer.close()
                return TickAnswer.of(found["details"], time.monotonic() - started)
    except KafkaError as error:
        raise TransportError("TRA-140", "the broker is out of reach") from error
    raise TransportError("TRA-142", "the release process did not answer: does `amana worker release` run?")


def _send(settings: Mapping[str, Any], tick: Mapping[str, object]) -> None:
    producer = KafkaProducer(**settings, acks="all")
    try:
        sent = producer.send("calendar", key=str(tick["id"]).encode(), value=json.dumps(tick).encode(), partition=0)
        sent.get(timeout=_ACK_SECONDS)
    finally:
        producer.close(timeout=5)


def _values(consumer: KafkaConsumer, *, until: float) -> Iterator[bytes]:
    while time.monotonic() < until:
        for records in consumer.poll(timeout_ms=200).values():
            yield from (record.value for record in records)
