"""Reader of the released feeds on the broker, as the principal `analysts` or as an agency.

Called by: `amana.trend_feed` and `amana notices`.

    with TrendReader(cluster.kafka_settings(), allowed) as reader:
        rows = list(reader.rows(["pave"]))

Invariants:
- Of rows with the same message key the first counts: an earlier version sent rows again after an interruption.
- Every revision is yielded; `feed_rows.latest` chooses the one in force.
- A feed is read to the end that it has at the call.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from connectors.adapters import topic_reading
from connectors.adapters.progress import Offsets
from schemas import codec, limits
from schemas.errors import ConfigurationError, TransportError
from schemas.parsing import Parsed
from schemas.trend import TrendRow

__all__ = ["TrendReader"]

_PREFIX = "trend."


class TrendReader:
    """The feeds that the principal of `settings` may read; a context manager."""

    def __init__(self, settings: Mapping[str, Any], allowed: Mapping[int, Parsed]) -> None:
        """Take client settings and the schema ids of `trend` records.

        Raises:
            TransportError: TRA-150, the broker is out of reach.
        """
        self._allowed, self._offsets = allowed, Offsets(settings)
        try:
            # A release is one transaction: rows of one that was never finished are not read.
            self._consumer = KafkaConsumer(**settings, enable_auto_commit=False, isolation_level="read_committed")
        except KafkaError as error:
            raise _unreachable(error) from error

    def __enter__(self) -> Self:
        """Return the reader."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connection."""
        self._consumer.close()
        self._offsets.close()

    def regions(self) -> tuple[str, ...]:
        """Return the ids of all regions with a feed, sorted.

        Raises:
            TransportError: TRA-150, the broker is out of reach.
        """
        try:
            # The broker lists only topics that this principal may read.
            names = self._consumer.topics()
        except KafkaError as error:
            raise _unreachable(error) from error
        return tuple(sorted(name.removeprefix(_PREFIX) for name in names if name.startswith(_PREFIX)))

    def rows(self, regions: Iterable[str] = ()) -> Iterator[TrendRow]:
        """Yield every released row of these regions, of all if none is named, region by region in order of release.

        Raises:
            ConfigurationError: CFG-150, there is no such feed.
            TransportError: TRA-150, the broker is out of reach; TRA-031, it does not tell where a feed ends.
        """
        available = self.regions()
        for region in tuple(regions) or available:
            if region not in available:
                message = f"there is no feed of {region!r}; there are {', '.join(available)}"
                raise ConfigurationError("CFG-150", message)
            yield from self._first_of_each_key(TopicPartition(f"{_PREFIX}{region}", 0))

    def _first_of_each_key(self, partition: TopicPartition) -> Iterator[TrendRow]:
        seen: set[bytes] = set()
        try:
            self._consumer.assign([partition])
            self._consumer.seek_to_beginning(partition)
            for record in topic_reading.to_present_end(self._consumer, self._offsets.ends([partition], stable=True)):
                if record.key not in seen:
                    seen.add(record.key)
                    yield TrendRow.from_record(codec.decode(record.value, self._allowed, limits.INTERNAL))
        except KafkaError as error:
            raise _unreachable(error) from error


def _unreachable(error: KafkaError) -> TransportError:
    return TransportError("TRA-150", f"the broker is out of reach: {type(error).__name__}")
