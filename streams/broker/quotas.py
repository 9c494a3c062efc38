"""Quotas of the broker as data: the share of each broker that an agency or the analysts may use.

Purpose: the principals that a quota binds, and the figures unless the operator chose others for the site, which
`amana.site` keeps.

Called by: `amana.provisioning.cluster_quotas` (applies and compares them, measures disks) and `amana.site` (the
operator's choice).

Invariants:
- Agencies and analysts are bound. Workers, officer and operator are not: a stage that catches up uses all there is.
- A quota slows a client down and refuses nothing: the broker delays its answers, and no event is lost.
- An agency has a share of each broker's disk. When it is used up, the agency alone is slowed to `HELD_BYTE_RATE` until
  retention or the operator has made room. Kafka's own `retention.bytes` would delete records that nobody has read.
- Each broker counts for itself, over ten seconds: a burst passes before a client is slowed down.

Source: Kafka's documentation on quotas; KIP-124 for the share of time, KIP-546 for the requests.
"""

import dataclasses
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from streams.broker import access

__all__ = ["ALARM_SHARE", "DEFAULT", "HELD_BYTE_RATE", "LEAST", "Quota", "quotas_by_principal", "shares_used"]


@dataclass(frozen=True, slots=True)
class Quota:
    """The limits of one principal on one broker; the names are Kafka's.

    Args:
        producer_byte_rate: Bytes a second that it writes.
        consumer_byte_rate: Bytes a second that it reads.
        request_percentage: Share of the time of one of the broker's threads, in per cent; there are several.
        disk_bytes: Bytes of an agency's topics on the broker, quarantine and notices included; no quota of Kafka's.
    """

    # 3,200 full events of 1.25 kB a second: what two publishers of one agency seal at full speed, a fifth of what a
    # broker on two shared cores takes of single events, and a twenty-fifth of what it takes in large records.
    producer_byte_rate: int = 4_000_000
    # An agency reads its own quarantine and notices, an analyst releases: megabytes, now and then.
    consumer_byte_rate: int = 4_000_000
    # Half a thread, of the four that the local broker has for requests.
    request_percentage: int = 50
    # 13 million full events in fourteen days: more than any agency has persons.
    disk_bytes: int = 20_000_000_000

    @classmethod
    def of(cls, chosen: Mapping[str, Any]) -> Self:
        """Return the shipped figures, with those of `chosen` in place of theirs.

        Raises:
            ValueError: a name that no quota has, or a figure that is no whole number or too small to publish with.
        """
        for name, figure in chosen.items():
            if type(figure) is not int or name not in LEAST or figure < LEAST[name]:
                raise ValueError(name)
        return dataclasses.replace(cls(), **chosen)

    def chosen(self) -> dict[str, int]:
        """Return the figures that differ from the shipped ones."""
        every = dataclasses.asdict(self)
        return {name: figure for name, figure in every.items() if figure != getattr(DEFAULT, name)}

    def figures(self) -> dict[str, int]:
        """Return the limits that the broker keeps, by Kafka's names."""
        return {name: figure for name, figure in dataclasses.asdict(self).items() if name != "disk_bytes"}

    def held(self) -> Self:
        """Return the quota of an agency whose share of the disk is used up."""
        return dataclasses.replace(self, producer_byte_rate=HELD_BYTE_RATE)


DEFAULT: Final = Quota()
"""The quota of a site whose operator chose no figures."""

LEAST: Final[Mapping[str, int]] = {
    "producer_byte_rate": 200_000,
    "consumer_byte_rate": 200_000,
    "request_percentage": 10,
    "disk_bytes": 1_000_000,
}
"""The smallest figures: with them, a window of `amana publish` (768 KiB) passes long before its client gives up."""


HELD_BYTE_RATE: Final = 1_000
"""Bytes a second of an agency whose share of the disk is used up: it waits, and goes on by itself."""

ALARM_SHARE: Final = 0.8
"""The part of its share of a disk from which on an agency is reported to the operator."""


def quotas_by_principal(
    agencies: Iterable[str], quota: Quota = DEFAULT, full: Collection[str] = ()
) -> dict[str, Quota]:
    """Return the quota of every principal that has one; `full` has the agencies whose share of a disk is used up."""
    of_agencies = {access.agency_principal(agency): quota.held() if agency in full else quota for agency in agencies}
    return of_agencies | {access.ANALYSTS: quota}


def shares_used(sizes: Iterable[tuple[str, int]], agencies: Iterable[str], quota: Quota) -> dict[str, float]:
    """Return the used part of each agency's share of one broker's disk.

    Args:
        sizes: The topic and the size in bytes of each partition on that broker.
        agencies: The agencies of the site.
        quota: The limits of each.
    """
    used: Counter[str] = Counter()
    for topic, size in sizes:
        subject, _, rest = topic.partition(".")
        if subject in {"raw", "quarantine", "notices"}:
            used[rest.partition(".")[0]] += size
    return {agency: used[agency] / quota.disk_bytes for agency in agencies}
