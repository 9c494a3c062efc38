"""The released trends as an analyst uses them: list, get, export, draw.

Decides which rows a question means. Reads the topics `trend.*` as the principal `analysts` and nothing else.

    from amana.feed import TrendFeed
    frame = TrendFeed().frame("totals")
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from amana.site import Site
from connectors.adapters import registry
from connectors.feed import chart, export, overview, page, rows
from connectors.feed.reader import TrendReader
from connectors.feed.rows import Row
from schemas.errors import ConfigurationError, IntegrityError

__all__ = ["Row", "Summary", "TrendFeed"]

PRINCIPAL = "analysts"


@dataclass(frozen=True, slots=True)
class Summary:
    """What a feed holds of one table: periods from first to last, and cells in force by status."""

    region: str
    population: str
    table: str
    first: str
    last: str
    published: int
    suppressed: int
    withheld: int


class TrendFeed:
    """The released feeds of a site."""

    def __init__(self, site: Site | None = None) -> None:
        """Take a site, by default that of `AMANA_DATA`."""
        self._site = site or Site.open()

    def get(
        self, table: str | None = None, *, regions: Iterable[str] = (), period: str = "", all_revisions: bool = False
    ) -> tuple[Row, ...]:
        """Return released rows, by default those in force: of each cell the latest revision.

        Args:
            table: a table of the policy, None for all.
            regions: region ids, none for all.
            period: `YYYY-Qn` or `YYYY`; empty for all.
            all_revisions: also rows that a later revision replaced.

        Raises:
            ConfigurationError: CFG-150, there is no such feed.
            TransportError: TRA-010 or TRA-150, registry or broker are out of reach.
        """
        allowed = registry.ids(self._site.registry, ["trend"]).allowed("trend")
        with TrendReader(self._site.kafka_settings(PRINCIPAL), allowed) as reader:
            found = tuple(reader.rows(regions))
        kept = found if all_revisions else rows.latest(found)
        return tuple(row for row in kept if table in {None, row.table} and period in {"", row.period})

    def list(self) -> tuple[Summary, ...]:
        """Return what there is, by region, population and table."""
        tables: dict[tuple[str, str, str], list[Row]] = {}
        for row in self.get():
            tables.setdefault((rows.region_id(row), row.population, row.table), []).append(row)
        return tuple(_summary(name, tables[name]) for name in sorted(tables))

    def frame(self, table: str, *, regions: Iterable[str] = (), period: str = "") -> pl.DataFrame:
        """Return one table as a Polars frame; a suppressed value is null."""
        found = export.frames(self.get(table, regions=regions, period=period))
        return found.get(table, pl.DataFrame())

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
            IntegrityError: INT-150, the disk refuses.
            ConfigurationError, TransportError: as `get`.
        """
        found = self.get(table, regions=regions)
        written = export.write(found, directory, formats)
        return (*written, *draw(found, directory)) if charts and found else written


def draw(found: Sequence[Row], directory: Path, *, pictures: bool = True) -> tuple[Path, ...]:
    """Write `chart.html` with every chart, `chart.png`, and with `pictures` `charts/<region>-<period>.png`.

    Raises:
        IntegrityError: INT-150, the disk refuses.
    """
    single = [(name, chart.of_period(mine, *name)) for name, mine in chart.by_period(found).items()]
    over = overview.of_all(found) if overview.totals(found) else single[-1][1]
    titled = [page.Titled("All regions", "overview", over)]
    titled += [page.Titled(_id(scheme, region), period, spec) for (scheme, region, period), spec in single]
    files = {directory / "chart.html": page.page(titled, "Regional trends").encode()}
    files[directory / "chart.png"] = page.picture(over)
    for one in titled[1:] if pictures else ():
        files[directory / "charts" / f"{one.region}-{one.period}.png"] = page.picture(one.spec)
    try:
        for path, content in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    except OSError as error:
        raise IntegrityError("INT-150", f"{directory} cannot be written: {error.strerror}") from error
    return tuple(files)


def one_chart(found: Sequence[Row], region: str, period: str) -> chart.Spec:
    """Return the Vega-Lite specification of one region and period.

    Raises:
        ConfigurationError: CFG-151, nothing was released for it.
    """
    for (scheme, name, window), mine in chart.by_period(found).items():
        if (_id(scheme, name), window) == (region, period):
            return chart.of_period(mine, scheme, name, window)
    raise ConfigurationError("CFG-151", f"nothing was released for region {region!r} and period {period!r}")


def _id(scheme: str, region: str) -> str:
    return scheme if scheme == region else f"{scheme}-{region}"


def _summary(name: tuple[str, str, str], found: Sequence[Row]) -> Summary:
    periods = sorted(row.period for row in found)
    counts = [sum(row.status == status for row in found) for status in ("published", "suppressed", "withheld")]
    return Summary(*name, periods[0], periods[-1], *counts)
