"""Quotas of the broker as data: the share of each broker that an agency or the analysts may use.

Purpose: the principals that a quota binds, and the figures unless the operator chose others for the site, which
`amana.site` keeps.

Called by: `amana.provisioning.cluster_quotas` (applies and compares them) and `amana.site` (the operator's choice).

Invariants:
- Agencies and analysts are bound. Workers, officer and operator are not: a stage that catches up uses all there is.
- A quota slows a client down and refuses nothing: the broker delays its answers, and no event is lost.
- Each broker counts for itself, over ten seconds: a burst passes before a client is slowed down.

Source: Kafka's documentation on quotas; KIP-124 for the share of time, KIP-546 for the requests.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from streams.broker import access

__all__ = ["DEFAULT", "LEAST", "Quota", "quotas_by_principal"]


@dataclass(frozen=True, slots=True)
class Quota:
    """The limits of one principal on one broker; the names are Kafka's.

    Args:
        producer_byte_rate: Bytes a second that it writes.
        consumer_byte_rate: Bytes a second that it reads.
        request_percentage: Share of the time of one of the broker's threads, in per cent; there are several.
    """

    # 3,200 full events of 1.25 kB a second: what two publishers of one agency seal at full speed, a fifth of what a
    # broker on two shared cores takes of single events, and a twenty-fifth of what it takes in large records.
    producer_byte_rate: int = 4_000_000
    # An agency reads its own quarantine, an analyst releases: megabytes, now and then.
    consumer_byte_rate: int = 4_000_000
    # Half a thread, of the four that the local broker has for requests.
    request_percentage: int = 50

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
        return {name: figure for name, figure in self.figures().items() if figure != getattr(DEFAULT, name)}

    def figures(self) -> dict[str, int]:
        """Return all figures by Kafka's names."""
        return dataclasses.asdict(self)


DEFAULT: Final = Quota()
"""The quota of a site whose operator chose no figures."""

LEAST: Final[Mapping[str, int]] = {
    "producer_byte_rate": 200_000,
    "consumer_byte_rate": 200_000,
    "request_percentage": 10,
}
"""The smallest figures: with them, a window of `amana publish` (768 KiB) passes long before its client gives up."""


def quotas_by_principal(agencies: Iterable[str], quota: Quota = DEFAULT) -> dict[str, Quota]:
    """Return the quota of every principal that has one."""
    return dict.fromkeys((*map(access.agency_principal, agencies), "analysts"), quota)
