"""All topics of the system as data: name, partitions, key, schema, retention, and the reason for each.

Purpose: the one list from which topics are made and checked. `streams.broker.access` decides who may read and write
them. A test compares the page `docs/reference/topics.md` with this list.

Called by: `amana.provisioning.cluster_setup` (makes and compares them); `streams.stages`,
`streams.runtime.columnar_fetches`, `streams.runtime.transport`, `connectors.adapters`, `connectors.console`,
`connectors.operations` and `amana.publisher` (names).

Invariants:
- Retention is set on every topic. The broker deletes by the timestamp of a record, and events are years old: therefore
  the timestamp is always that of arrival (`LogAppendTime`), and nothing depends on a default.
- The number of partitions of a keyed topic never changes: another number is another generation of topics.
- No topic exists that is not in this list: the broker makes none on its own.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from schemas.catalogue import KINDS

__all__ = [
    "ERASURES",
    "FOR_EVER",
    "PARTITIONS",
    "RAW_PARTITIONS",
    "RAW_RETENTION_MS",
    "REFUSALS",
    "REPLAY",
    "Topic",
    "all_topics",
    "deidentified",
    "is_compacted",
    "is_raw",
    "notices",
    "partitions",
    "quarantine",
    "raw",
    "raws",
    "sources",
    "trend",
]

PARTITIONS: Final = 4
"""Partitions of every keyed topic behind the de-identifier; the writers choose the partition of a key by it."""

RAW_PARTITIONS: Final = 2
"""Partitions of every raw topic; those of one number share a partition of the de-identifier's state."""

_DAY_MS: Final = 24 * 60 * 60 * 1000

RAW_RETENTION_MS: Final = 14 * _DAY_MS
"""Milliseconds: long enough to repair a stopped de-identifier; short, since these are records about persons."""

ERASURES: Final = "erasures"
"""The topic of what erasures still have to remove."""

REPLAY: Final = "replay"
"""The topic to which the operator sends a refused record again, keyed by the place at which it was published."""

REFUSALS: Final = "refusals"
"""The topic of events that dedupe refused: operator and officer read it, no agency, since the reason may be another
agency's events."""

FOR_EVER: Final = -1
"""The broker's value for no deletion."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic.

    Args:
        name: Its name.
        partitions: Number of its partitions.
        key: Meaning of its record keys.
        subject: Subject of its schema in the registry, None if its values are not Avro, or are sealed.
        why: Reason for its retention, for people.
        retention_ms: Milliseconds after arrival for which records are kept.
        cleanup: Whether old records are deleted, or compacted to the last one of each key.
    """

    name: str
    partitions: int
    key: str
    subject: str | None
    why: str
    retention_ms: int = FOR_EVER
    cleanup: Literal["delete", "compact"] = "delete"

    def settings(self) -> Mapping[str, str]:
        """Return the broker's settings of this topic: every setting that deletion depends on."""
        settings = {
            "cleanup.policy": self.cleanup,
            "retention.ms": str(self.retention_ms),
            "retention.bytes": "-1",
            "message.timestamp.type": "LogAppendTime",
        }
        if self.retention_ms != FOR_EVER:
            # The broker deletes closed segments only: one segment a day keeps the promise to within a day.
            settings["segment.ms"] = str(_DAY_MS)
        return settings


def raw(agency: str, kind: str) -> str:
    """Return the name of the topic on which `agency` publishes events of `kind`."""
    return f"raw.{agency}.{kind}"


def deidentified(kind: str) -> str:
    """Return the name of the topic of de-identified events of `kind`."""
    return f"deidentified.{kind}"


def quarantine(agency: str) -> str:
    """Return the name of the topic of records from `agency` that were refused."""
    return f"quarantine.{agency}"


def notices(agency: str) -> str:
    """Return the name of the topic that tells `agency` what became of its own records."""
    return f"notices.{agency}"


def trend(region: str) -> str:
    """Return the name of the topic of releases for a region id of the policy."""
    return f"trend.{region}"


def is_raw(topic: str) -> bool:
    """Return whether a topic is written by an agency."""
    return topic.startswith("raw.")


def is_compacted(topic: str) -> bool:
    """Return whether a topic that stages read may lose records to compaction: repetitions, and what was erased."""
    return topic.startswith("deidentified.")


def raws(agencies: Iterable[str]) -> list[str]:
    """Return the names of all topics on which these agencies publish."""
    return [raw(agency, kind) for agency in agencies for kind in KINDS]


def sources(agencies: Iterable[str]) -> dict[str, list[str]]:
    """Return the names of the topics that each stage reads, without its state."""
    return {
        "deidentify": [*raws(agencies), REPLAY],
        "dedupe": [deidentified(kind) for kind in KINDS],
        "aggregate": ["deltas"],
    }


def partitions(names: Iterable[str], agencies: Iterable[str]) -> list[tuple[str, int]]:
    """Return every partition of these topics of a site, as (topic, number)."""
    counts = {topic.name: topic.partitions for topic in all_topics(agencies, ())}
    return [(name, number) for name in names for number in range(counts[name])]


def all_topics(agencies: Iterable[str], regions: Iterable[str]) -> tuple[Topic, ...]:
    """Return every topic of a site with these agencies and region ids, in the order of the flow."""
    agencies, regions = tuple(agencies), tuple(regions)
    return (
        *(
            Topic(
                raw(agency, kind), RAW_PARTITIONS, "event id", "envelope-value", _WHY_RAW, retention_ms=RAW_RETENTION_MS
            )
            for agency in agencies
            for kind in KINDS
        ),
        *(
            Topic(deidentified(kind), PARTITIONS, "HMAC of the record", None, _WHY_DEIDENTIFIED, cleanup="compact")
            for kind in KINDS
        ),
        *_STAGES,
        *(Topic(quarantine(agency), 1, "source", None, _WHY_QUARANTINE, cleanup="compact") for agency in agencies),
        *(Topic(notices(agency), 1, "none", None, _WHY_NOTICES) for agency in agencies),
        *(
            Topic(trend(region), 1, "table and window", "trend-value", "a release is never taken back")
            for region in regions
        ),
    )


_WHY_RAW: Final = "sealed records about persons: deleted days after arrival"
_WHY_DEIDENTIFIED: Final = (
    "a full replay starts here; kept until its event is erased, or the keys of its year are destroyed"
)
_WHY_QUARANTINE: Final = "sealed; until it is replayed or dropped, which deletes it"

_WHY_NOTICES: Final = "an agency's own books: places, results and codes of its own records, a few bytes for each"

_STAGES: Final = (
    Topic(
        REPLAY,
        2,
        "source",
        None,
        "sealed records from quarantine, once more, in their raw partition",
        retention_ms=RAW_RETENTION_MS,
    ),
    Topic("deltas", PARTITIONS, "none", None, "the source of a replay of aggregate"),
    Topic("cells", PARTITIONS, "HMAC of the cell", None, "exact counts, aggregate's changelog", cleanup="compact"),
    Topic("outcomes", PARTITIONS, "source", None, "the outcome of every published event"),
    Topic(
        REFUSALS,
        1,
        "source",
        None,
        "events that dedupe refused, without their bytes; until they are dropped",
        cleanup="compact",
    ),
    Topic(ERASURES, 1, "HMAC of the event, source", None, "what erasures still have to remove", cleanup="compact"),
    Topic("late", 1, "source", None, "evidence of events that came after the last revision of their year"),
    Topic("audit", 1, "record id", "audit-value", "decision records on their way to the audit log"),
    Topic("ledger", 1, "entry id", "ledger-value", "every charge against the disclosure budget"),
    Topic("calendar", 1, "tick id", None, "the operator's clock: the date as of which releases are planned"),
    Topic(
        "state.deidentify",
        2,
        "HMAC of the event",
        None,
        "changelog: last token and revision of an event",
        cleanup="compact",
    ),
    Topic(
        "state.dedupe",
        PARTITIONS,
        "HMAC of the person token",
        None,
        "changelog: revisions and representative event of a person-year",
        cleanup="compact",
    ),
)
