"""The released trends, for analysts: the public class `TrendFeed` lists, returns and exports them.

Purpose: choose the released rows that a question means. Reads the topics `trend.*` as the principal `analysts`, and
nothing else.
Called by: `amana feed`, `amana.demo.demo_outputs`, the package `amana`, and an analyst's own program:

    from amana import TrendFeed
    frame = TrendFeed().frame("totals")

Invariants:
- It reads released rows alone: the principal `analysts` may read nothing else.
- Rows in force are returned, unless all revisions are asked for.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from amana.site import Site
from connectors.adapters import schema_ids
from connectors.adapters.cluster import Cluster
from connectors.feed import drawing, export, feed_rows
from connectors.feed.trend_reader import TrendReader
from schemas.trend import TrendRow
from streams.broker import access

__all__ = ["TableSummary", "TrendFeed", "TrendRow"]


@dataclass(frozen=True, slots=True)
class TableSummary:
    """Extent of one table in a feed: its first and last period, and its cells in force by status."""

    region: str
    population: str
    table: str
    first: str
    last: str
    published: int
    suppressed: int
    withheld: int


class TrendFeed:
    """The released feeds of a cluster."""

    def __init__(self, cluster: Cluster | None = None) -> None:
        """Take the analysts' cluster access, by default that of the site that `AMANA_DATA` names."""
        self._cluster = cluster or Site.open().cluster(access.ANALYSTS)

    def get(
        self, table: str | None = None, *, regions: Iterable[str] = (), period: str = "", all_revisions: bool = False
    ) -> tuple[TrendRow, ...]:
        """Return released rows, by default those in force: of each cell the latest revision.

        Args:
            table: a table of the policy, None for all.
            regions: region ids, none for all.
            period: `YYYY-Qn` or `YYYY`; empty for all.
            all_revisions: also rows that a later revision replaced.

        Raises:
            ConfigurationError: CFG-150, there is no such feed; CFG-042, its schema has no id on file.
            TransportError: TRA-150, the broker is out of reach.
        """
        allowed = schema_ids.allow_list(self._cluster.schema_ids, ["trend"]).allowed("trend")
        with TrendReader(self._cluster.kafka_settings(), allowed) as reader:
            released = tuple(reader.rows(regions))
        # A revision replaces single cells: the latest is chosen for each cell, not for each publication.
        kept = released if all_revisions else feed_rows.latest(released)
        return tuple(row for row in kept if table in {None, row.table} and period in {"", row.period})

    def list(self) -> tuple[TableSummary, ...]:
        """Return the extent of every table, by region, population and table; raises as `get`."""
        tables: dict[tuple[str, str, str], list[TrendRow]] = {}
        for row in self.get():
            tables.setdefault((row.region_id, row.population, row.table), []).append(row)
        summaries = []
        for name, rows in sorted(tables.items()):
            periods = sorted(row.period for row in rows)
            cells = [sum(row.status == status for row in rows) for status in ("published", "suppressed", "withheld")]
            summaries.append(TableSummary(*name, periods[0], periods[-1], *cells))
        return tuple(summaries)

    def frame(self, table: str, *, regions: Iterable[str] = (), period: str = "") -> pl.DataFrame:
        """Return one table as a Polars frame, empty if nothing fits; a suppressed value is null; raises as `get`."""
        frames = export.frames(self.get(table, regions=regions, period=period))
        return frames.get(table, pl.DataFrame())

    def export(
        self,
        directory: Path,
        *,
        table: str | None = None,
        regions: Iterable[str] = (),
        formats: Sequence[export.Format] = ("csv",),
        charts: bool = False,
    ) -> tuple[Path, ...]:
        """Write `<table>.<format>` for every table and, with `charts`, `chart.html`, `chart.png` and one PNG a chart.

        Raises:
            IntegrityError: INT-150, a file cannot be written.
            ConfigurationError, TransportError: as `get`.
        """
        rows = self.get(table, regions=regions)
        written = export.write(rows, directory, formats)
        # Without a row there is no chart: an empty picture would look like a result of zero.
        return (*written, *drawing.draw(rows, directory)) if charts and rows else written
