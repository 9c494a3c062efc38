"""The charts of a feed as files.

Called by: `amana.trend_feed`, the demonstration.
"""

from collections.abc import Sequence
from pathlib import Path

from connectors.feed import chart, overview, page
from schemas.errors import ConfigurationError, IntegrityError
from schemas.trend import TrendRow

__all__ = ["draw", "one_chart"]


def draw(found: Sequence[TrendRow], directory: Path, *, pictures: bool = True) -> tuple[Path, ...]:
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


def one_chart(found: Sequence[TrendRow], region: str, period: str) -> chart.Spec:
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
