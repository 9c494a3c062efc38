"""What the topics tell of everything that was released: the announcements on `ledger`, and the rows of every feed.

Purpose: read both as claims that are compared with the release ledger and with the audit log. The comparison itself is
`streams.core.releasing.release_comparison`.
Called by: `connectors.adapters.release_bus`; tests, for a broker in memory.

Invariants:
- Digests are computed from the rows that lie on the topics, never taken from what a record says about itself.
- Of rows with the same key the first counts, as for every reader of a feed.
- Records of a transaction that was not committed do not count.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from connectors.adapters import topic_reading
from connectors.adapters.clients import open_client
from connectors.adapters.partition_reader import READ
from connectors.adapters.progress import Offsets
from schemas import codec, limits
from schemas.errors import ContractError, IntegrityError, TransportError
from schemas.parsing import Parsed
from schemas.trend import TrendRow, record_digests
from streams.core.releasing.release_comparison import Claim

__all__ = ["ReleasedTopics", "feed_claims"]

_FEED: Final = "trend."
_ANNOUNCED: Final = "ledger"


class ReleasedTopics:
    """A reader of the topics `ledger` and `trend.*`, as the principal of its settings."""

    def __init__(
        self, settings: Mapping[str, Any], offsets: Offsets, readers: Mapping[str, Mapping[int, Parsed]]
    ) -> None:
        """Take client settings, a connection that tells ends, and the schemas of `ledger` and `trend` records."""
        self._settings, self._offsets, self._readers = settings, offsets, readers

    def announced(self) -> dict[str, Claim]:
        """Return what the topic `ledger` announced, by entry.

        Raises:
            IntegrityError: INT-175, a record is no entry of this topic, or one release was announced twice differently.
            TransportError: TRA-031 or TRA-140, the broker is out of reach.
        """
        claims: dict[str, Claim] = {}
        for record in self._records([_ANNOUNCED]):
            fields = _decoded(record, self._readers["ledger"])
            entry, claim = f"{fields['release']}|", Claim(pattern=fields["pattern"])
            if claims.setdefault(entry, claim) != claim:
                raise IntegrityError("INT-175", f"release {fields['release']} was announced twice, differently")
        return claims

    def feeds(self) -> dict[str, Claim]:
        """Return the digests of all rows on the feeds, by entry; raises as `announced`."""
        return feed_claims(
            (
                record.topic.removeprefix(_FEED),
                record.key,
                TrendRow.from_record(_decoded(record, self._readers["trend"])),
            )
            for record in self._records(self._feed_topics())
        )

    def _feed_topics(self) -> list[str]:
        try:
            consumer = open_client(KafkaConsumer, self._settings, **READ)
            try:
                return sorted(name for name in consumer.topics() if name.startswith(_FEED))
            finally:
                consumer.close()
        except KafkaError as error:
            raise _unreachable(error) from error

    def _records(self, names: Sequence[str]) -> Iterator[Any]:
        """Yield every record of these topics, each of which has one partition, up to their present ends."""
        try:
            consumer = open_client(KafkaConsumer, self._settings, **READ, max_poll_records=10_000)
            try:
                for partition in (TopicPartition(name, 0) for name in names):
                    consumer.assign([partition])
                    consumer.seek_to_beginning(partition)
                    yield from topic_reading.to_present_end(consumer, self._offsets.ends([partition]))
            finally:
                consumer.close()
        except KafkaError as error:
            raise _unreachable(error) from error


def feed_claims(sent: Iterable[tuple[str, bytes, TrendRow]]) -> dict[str, Claim]:
    """Return what feeds tell of each entry, from region id, message key and row of every record, in order."""
    # Entry -> region -> key -> row. The rows are given up as soon as their digests are known.
    rows: dict[str, dict[str, dict[bytes, TrendRow]]] = {}
    for region, key, row in sent:
        entry = f"{row.release}|{row.table if row.status == 'withheld' else ''}"
        rows.setdefault(entry, {}).setdefault(region, {}).setdefault(key, row)
    claims = {}
    for entry, regions in rows.items():
        records = {region: [row.record() for row in found.values()] for region, found in regions.items()}
        digest, single = record_digests(records)
        claims[entry] = Claim(rows=digest, regions=single)
    return claims


def _decoded(record: Any, readable: Mapping[int, Parsed]) -> dict[str, Any]:  # noqa: ANN401 - kafka-python has no types
    try:
        fields: dict[str, Any] = codec.decode(record.value or b"", readable, limits.INTERNAL)
    except ContractError as error:
        place = f"{record.topic}/{record.partition}/{record.offset}"
        raise IntegrityError("INT-175", f"{place} is no record of this topic: {error.code}") from error
    return fields


def _unreachable(error: KafkaError) -> TransportError:
    return TransportError("TRA-140", f"the broker is out of reach: {type(error).__name__}")
