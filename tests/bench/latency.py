"""When an event is de-identified and when it is counted: what a reader of those topics sees, by its own clock.

An event that is alone in its cell is counted as soon as that cell is first published. Sent, and read, on one machine.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Self

import kafka

from amana.site import Site
from streams.broker import access
from streams.core.counting import aggregate, state_value
from streams.runtime.stage import Record

COUNTRIES = ("EGY", "IRQ", "JOR", "KWT", "LBN", "SAU", "SYR", "TUR")
PLACES = [(f"{year}-{month:02}", at) for year in range(1991, 2021) for month in range(1, 13) for at in COUNTRIES]
PATIENCE_SECONDS = 120


def place_of(number: int) -> dict[str, str]:
    """Return a month and a country that no other number has; there are 2,880."""
    month, country = PLACES[number]
    return {"event_date": month, "CountryOfExploitation": country}


def send(site: Site, records: Iterable[Record]) -> None:
    """Send as fast as the broker takes it, and wait for every acknowledgement."""
    with _producer(site) as producer:
        for sent in [_sent(producer, record) for record in records]:
            sent.get(timeout=60)


def at(site: Site, records: Sequence[Record], lone: Sequence[Record], per_second: float) -> Mapping[str, list[float]]:
    """Send at an even pace; return how long (seconds) each event took to be de-identified, and each of `lone` counted.

    Args:
        site: runs all stages.
        records: what is sent.
        lone: those of them that are alone in their cells: the n-th has `place_of(n)`.
        per_second: the pace.
    """
    seal = site.cluster("worker.aggregate").seal

    def event_of(record: Any) -> str:  # noqa: ANN401 - kafka-python is not typed
        return str(seal.read("deidentified.case", record.value, "deidentified.case", record.key.decode())["event_id"])

    def place(record: Any) -> str:  # noqa: ANN401 - as above
        """Name a cell's country and month; only cells of the cube `profile` have a month."""
        key = record.key.decode().partition(aggregate.SEPARATOR)[0]
        parts = seal.read("cell", record.value[state_value.WIDTH :], "cells", key)["cell"].split("|")
        return "|".join(parts[4:6]) if parts[1] == "profile" else ""

    events = {_event(record): record.offset for record in records}
    places = {"|".join(reversed(place_of(n).values())): record.offset for n, record in enumerate(lone)}
    deidentified = _Reader(site, "deidentified.case", event_of, events.keys())
    counted = _Reader(site, "cells", place, places.keys())
    with deidentified, counted:
        begun = paced(site, records, per_second)
    return {
        way: [seen[name] - begun[number] for name, number in sent.items()]
        for way, sent, seen in (
            ("deidentified", events, deidentified.seen),
            ("counted", places, counted.seen),
        )
    }


def _event(record: Record) -> str:
    return (record.key or b"").decode()


def paced(site: Site, records: Sequence[Record], per_second: float) -> Mapping[int, float]:
    """Return when each was handed to the producer, by the event's number."""
    begun, first = {}, time.perf_counter()
    with _producer(site) as producer:
        for n, record in enumerate(records):
            time.sleep(max(0.0, first + n / per_second - time.perf_counter()))
            begun[record.offset] = time.perf_counter()
            _sent(producer, record)
        producer.flush(60)
    return begun


def _producer(site: Site) -> contextlib.closing[kafka.KafkaProducer]:
    return contextlib.closing(
        kafka.KafkaProducer(**site.cluster(access.ADMIN).kafka_settings(), acks="all", linger_ms=5)
    )


def _sent(producer: kafka.KafkaProducer, record: Record) -> Any:  # noqa: ANN401 - as above
    return producer.send(record.topic, key=record.key, value=record.value, partition=record.partition)


class _Reader:
    """Notes when each of the `wanted` names first comes out of a topic; a context manager that waits for the last."""

    def __init__(self, site: Site, topic: str, name_of: Callable[[Any], str], wanted: Collection[str]) -> None:
        self._consumer = kafka.KafkaConsumer(**site.cluster(access.ADMIN).kafka_settings(), enable_auto_commit=False)
        parts = [kafka.TopicPartition(topic, one) for one in self._consumer.partitions_for_topic(topic) or ()]
        self._consumer.assign(parts)
        self._consumer.seek_to_end(*parts)
        for part in parts:
            self._consumer.position(part)
        self._name_of, self._wanted = name_of, frozenset(wanted)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self.seen: dict[str, float] = {}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *fault: object) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while fault[0] is None and len(self.seen) < len(self._wanted) and time.monotonic() < deadline:
            time.sleep(0.1)
        self._ended.set()
        self._thread.join()
        self._consumer.close()

    def _read(self) -> None:
        while not self._ended.is_set():
            for records in self._consumer.poll(timeout_ms=100).values():
                now = time.perf_counter()
                for record in records:
                    if (name := self._name_of(record)) in self._wanted:
                        self.seen.setdefault(name, now)
