"""Values of a release: its header, what is published or withheld, and what earlier calls released.

Purpose: the plan, the attack on it, the release ledger and the release process share these values and nothing else.
Called by: `release_plan` and `release_feeds`, which make them; `pre_release_attack`, `streams.release`,
`connectors.adapters.release_ledger`, `connectors.adapters.release_bus` and `amana.composition.release_parts`, which
read them.

Invariants:
- The header says which release it is, and a publication and the tables withheld from it have the same header.
- A withheld table has rows without values, so that an analyst sees that it was withheld.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from schemas.trend import TrendRow
from streams.core.releasing.released_rows import ReleaseHeader

__all__ = ["Cells", "EarlierRelease", "Feeds", "Publish", "ReleaseDecision", "Withhold"]

Cells = Mapping[str, Mapping[str, int]]
"""Cell key (`population|cube|value|…`) → persons by agency."""

Feeds = Mapping[str, tuple[TrendRow, ...]]
"""Region id, the end of its topic's name → the rows of that topic."""


@dataclass(frozen=True, slots=True)
class Publish:
    """One release with its rows for every region and its audit certificate.

    `mode` is the population's: `suppression` or `dp`. `pattern` is the SHA-256 of the suppression pattern of the joint
    system, or of the stored draw. `certificate` holds texts for the audit record, with every count in a bucket.
    """

    header: ReleaseHeader
    mode: str
    pattern: str
    feeds: Feeds
    certificate: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Withhold:
    """One table that is withheld from a release, with the code and the reason; its rows have no values."""

    header: ReleaseHeader
    table: str
    code: str
    reason: str
    feeds: Feeds = field(default_factory=dict)


ReleaseDecision = Publish | Withhold


@dataclass(frozen=True, slots=True)
class EarlierRelease:
    """Everything that one earlier call released: the rows of all regions, and the exact cells behind them."""

    rows: tuple[TrendRow, ...]
    cells: Cells
