"""Charts of a feed as files: a page with all of them, and a picture of each.

Purpose: decide which files there are, and their names. The content of a chart is decided by `connectors.feed.chart` and
`connectors.feed.overview`.
Called by: `amana.trend_feed`, `amana.demo.demo_outputs`.

Invariants:
- Everything is drawn before the first file is written.
"""

from collections.abc import Sequence
from pathlib import Path

from connectors.feed import chart, overview, page
from connectors.feed.chart_parts import Spec
from schemas.errors import ConfigurationError, IntegrityError
from schemas.trend import TrendRow, region_id

__all__ = ["draw", "one_chart"]


def draw(rows: Sequence[TrendRow], directory: Path, *, pictures: bool = True) -> tuple[Path, ...]:
    """Write `chart.html` with every chart, `chart.png`, and with `pictures` `charts/<region>-<period>.png` each.

    Args:
        rows: released rows, at least one.
        directory: made if there is none.
        pictures: whether each chart becomes a PNG too; drawing takes most of the time.

    Returns:
        The paths of the files.

    Raises:
        IntegrityError: INT-150, the disk refuses.
    """
    single = [
        page.Titled(region_id(in_place[0].scheme, in_place[0].region), place[-1], chart.of_period(in_place, *place))
        for place, in_place in chart.by_period(rows).items()
    ]
    # Without a total of cases there is nothing to compare: the last single chart stands for all.
    over = overview.of_all(rows) if overview.totals(rows) else single[-1].spec
    everything = [page.Titled("All regions", "overview", over), *single]
    files = {directory / "chart.html": page.page(everything, "Regional trends").encode()}
    files[directory / "chart.png"] = page.picture(over)
    for titled in single if pictures else ():
        files[directory / "charts" / f"{titled.region}-{titled.period}.png"] = page.picture(titled.spec)
    try:
        for path, content in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    except OSError as error:
        raise IntegrityError("INT-150", f"{directory} cannot be written: {error.strerror}") from error
    return tuple(files)


def one_chart(rows: Sequence[TrendRow], region: str, period: str) -> Spec:
    """Return the Vega-Lite specification of one region and period.

    Raises:
        ConfigurationError: CFG-151, nothing was released for it.
    """
    for place, in_place in chart.by_period(rows).items():
        if (region_id(in_place[0].scheme, in_place[0].region), place[-1]) == (region, period):
            return chart.of_period(in_place, *place)
    raise ConfigurationError("CFG-151", f"nothing was released for region {region!r} and period {period!r}")
