"""What one tick of the calendar releases: from exact cells to protected rows, or a reason to withhold them.

Decides which populations, windows and tables are released and in which rows they appear. Does not decide what is
safe (`anonymizer.tabular`), when (`streams.core.calendar`), or how it is stored and sent (`streams.agents.release`).
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

from anonymizer.policy import Policy
from anonymizer.tabular.program import Engine

__all__ = ["Publish", "TrendRow", "Withhold", "plan"]


@dataclass(frozen=True, slots=True)
class TrendRow:
    """One released cell of one table in one region's feed, as in `trend.avsc`; `value` is None unless published."""

    release: str
    as_of: str
    revision: int
    population: str
    table: str
    scheme: str
    region: str
    period: str
    dimensions: Mapping[str, str]
    value: int | None
    status: str
    k: int
    policy: str

    def record(self) -> dict[str, object]:
        """Return the row as the Avro record of `trend.avsc`."""
        return {**asdict(self), "dimensions": dict(self.dimensions)}


@dataclass(frozen=True, slots=True)
class Publish:
    """One release: one population, window and revision, with its rows for every region and its audit certificate.

    `feeds` maps a region's id, the end of its topic's name, to that topic's rows. `pattern` is the SHA-256 of the
    suppression pattern. `certificate` holds texts for the audit record: counts in it are bucketed.
    """

    release: str
    as_of: dt.date
    population: str
    window: str
    year: int
    revision: int
    mode: str
    pattern: str
    feeds: Mapping[str, tuple[TrendRow, ...]]
    certificate: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Withhold:
    """One table of a release that is not published, and why; `feeds` say so to the analysts without any value."""

    release: str
    as_of: dt.date
    population: str
    window: str
    year: int
    revision: int
    table: str
    code: str
    reason: str
    feeds: Mapping[str, tuple[TrendRow, ...]] = field(default_factory=dict)


def plan(
    cells: Mapping[str, Mapping[str, int]],
    as_of: dt.date,
    published: Sequence[TrendRow],
    policy: Policy,
    *,
    engine: Engine,
) -> tuple[Publish | Withhold, ...]:
    """Plan everything that is due as of a date and not yet released.

    Args:
        cells: cell key (`population|cube|value|…`) → persons by agency; the whole `cells` table.
        as_of: the calendar's date.
        published: every row released so far, of all regions; from it follow what is due and what is frozen.
        policy: populations, tables, regions, thresholds, calendar.
        engine: the solver, the secret seed of the suppression's weights, and the work allowed per joint system,
            beyond which everything of that system is withheld.

    Returns:
        The releases in order of population, window and revision, each followed by the tables withheld from it.
        The same input gives the same outcomes, byte for byte, whatever the order of `cells` and `published`.
    """
    raise NotImplementedError
