"""Every topic of the system, as a table: who keys it, what it carries, how long the broker holds it, and why.

Decides names, partitions, schemas and retention. Does not talk to a broker (`amana.provisioning.cluster_setup` does)
and does not say who may read what (`streams.broker.access` does).

- Retention is set on every topic: the broker deletes by record timestamp, and events are years old. So the
  timestamp is always the arrival (`LogAppendTime`), and nothing depends on a default.
- A keyed topic never gains partitions: another number is another generation of topics.
- No topic is made by the broker on its own; what is not in this table does not exist.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from schemas.catalogue import KINDS

__all__ = [
    "FOR_EVER",
    "PARTITIONS",
    "RAW_RETENTION_MS",
    "REPLAY",
    "Topic",
    "all_topics",
    "deidentified",
    "is_raw",
    "partitions",
    "quarantine",
    "raw",
    "raws",
    "sources",
    "trend",
]

PARTITIONS: Final = 4
"""Of every keyed topic behind the de-identifier; their writers place keys by it."""

_DAY_MS: Final = 24 * 60 * 60 * 1000

RAW_RETENTION_MS: Final = 14 * _DAY_MS
"""Long enough to repair a stopped de-identifier, in milliseconds; short, since these are records about persons."""

REPLAY: Final = "replay"
"""The topic on which the operator puts a refused record again, under the place where it was published."""

FOR_EVER: Final = -1
"""The broker's word for no deletion."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic: `partitions` is a count, `retention_ms` milliseconds after arrival, `subject` None where not Avro."""

    name: str
    partitions: int
    key: str
    subject: str | None
    why: str
    retention_ms: int = FOR_EVER
    cleanup: Literal["delete", "compact"] = "delete"

    def settings(self) -> Mapping[str, str]:
        """Return the broker's settings of this topic, every one that deletion depends on."""
        settings = {
            "cleanup.policy": self.cleanup,
            "retention.ms": str(self.retention_ms),
            "retention.bytes": "-1",
            "message.timestamp.type": "LogAppendTime",
        }
        if self.retention_ms != FOR_EVER:
            # Deletion works on closed segments: one a day keeps the promise to within a day.
            settings["segment.ms"] = str(_DAY_MS)
        return settings


def raw(agency: str, kind: str) -> str:
    """Name the topic on which `agency` publishes events of `kind`."""
    return f"raw.{agency}.{kind}"


def deidentified(kind: str) -> str:
    """Name the topic of de-identified events of `kind`."""
    return f"deidentified.{kind}"


def quarantine(agency: str) -> str:
    """Name the topic that holds what `agency` sent and the system refused."""
    return f"quarantine.{agency}"


def trend(region: str) -> str:
    """Name the topic on which the trends of a region id of the policy are released."""
    return f"trend.{region}"


def is_raw(topic: str) -> bool:
    """Tell whether an agency writes that topic."""
    return topic.startswith("raw.")


def raws(agencies: Iterable[str]) -> list[str]:
    """Name every topic on which these agencies publish."""
    return [raw(agency, kind) for agency in agencies for kind in KINDS]


def sources(agencies: Iterable[str]) -> dict[str, list[str]]:
    """Name the topics that each stage reads, its state aside."""
    return {
        "deidentify": [*raws(agencies), REPLAY],
        "dedupe": [deidentified(kind) for kind in KINDS],
        "aggregate": ["deltas"],
    }


def partitions(names: Iterable[str], agencies: Iterable[str]) -> list[tuple[str, int]]:
    """List every partition of these topics of a site, as (topic, number)."""
    counts = {topic.name: topic.partitions for topic in all_topics(agencies, ())}
    return [(name, number) for name in names for number in range(counts[name])]


def all_topics(agencies: Iterable[str], regions: Iterable[str]) -> tuple[Topic, ...]:
    """List every topic of a site with these agencies and the policy's region ids, in the order of the flow."""
    agencies, regions = tuple(agencies), tuple(regions)
    return (
        *(_raw(agency, kind) for agency in agencies for kind in KINDS),
        *(_deidentified(kind) for kind in KINDS),
        *_STAGES,
        *(_quarantine(agency) for agency in agencies),
        *(_trend(region) for region in regions),
    )


def _raw(agency: str, kind: str) -> Topic:
    why = "sealed records about persons: deleted days after arrival"
    return Topic(raw(agency, kind), 2, "event id", f"raw.{kind}-value", why, retention_ms=RAW_RETENTION_MS)


def _deidentified(kind: str) -> Topic:
    why = "a full replay starts here; kept until the last revision of its year, which the operator prunes"
    return Topic(deidentified(kind), PARTITIONS, "person token", f"deidentified.{kind}-value", why)


def _quarantine(agency: str) -> Topic:
    why = "sealed; until it is replayed or dropped, which deletes it"
    return Topic(quarantine(agency), 1, "source", "quarantine-value", why, cleanup="compact")


def _trend(region: str) -> Topic:
    return Topic(trend(region), 1, "table and window", "trend-value", "a release is never taken back")


_STAGES: Final = (
    Topic(
        REPLAY,
        2,
        "source",
        None,
        "sealed records from quarantine, once more, in their raw partition",
        retention_ms=RAW_RETENTION_MS,
    ),
    Topic("deltas", PARTITIONS, "cell", "delta-value", "what a replay of aggregate starts from"),
    Topic("cells", PARTITIONS, "cell", "cell-value", "the exact counts and aggregate's changelog", cleanup="compact"),
    Topic("outcomes", PARTITIONS, "source", "outcome-value", "the outcome of every published event"),
    Topic("late", 1, "source", "late-value", "evidence of what came after its last revision"),
    Topic("audit", 1, "record id", "audit-value", "decision records on their way to the audit log"),
    Topic("ledger", 1, "entry id", "ledger-value", "every charge against the disclosure budget"),
    Topic("calendar", 1, "tick id", None, "the operator's clock: the date as of which releases are planned"),
    Topic("state.deidentify", 2, "event id", None, "changelog: last token and revision of an event", cleanup="compact"),
    Topic(
        "state.dedupe",
        PARTITIONS,
        "person token",
        None,
        "changelog: revisions and representative event of a person-year",
        cleanup="compact",
    ),
)
