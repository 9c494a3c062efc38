"""Overview of everything released, as one Vega-Lite specification: regions down, periods across, a line for a status.

Purpose: decide which rows are totals of a region, and draw each as a point of a line, with its 90 % interval as a band
where it is noisy. A total without a number is a hatched box on the axis, and breaks the line. The tables of one period
are drawn by `connectors.feed.chart`.
Called by: `connectors.feed.drawing`.

Invariants:
- Quarters and years are never drawn side by side, and only the latest twelve periods are drawn.
- The box of a suppressed total has one size, which tells nothing about the number.
"""

import math
from collections.abc import Iterable, Sequence

from connectors.feed import chart_parts, labels
from connectors.feed.chart_parts import BOX_STYLE, COLOURS, HAS_VALUE, NO_VALUE, QUIET, Sheets, Spec
from connectors.feed.feed_rows import latest
from schemas.trend import TOTAL, TrendRow, region_id

__all__ = ["of_all", "totals"]

_PANEL_HEIGHT = 96  # pixels
_BOX_HEIGHT = 16  # pixels of a suppressed total; the same for all, so that it tells nothing about the number
_BOX_WIDTH = 15  # pixels; the boxes of three statuses fit side by side
_PERIOD_WIDTH = 64  # pixels: three boxes side by side
_MOST_PERIODS = 12  # that are drawn: the latest
_LEVEL_LABELS = 4  # periods whose names fit side by side; more are tilted
_WHOM = [labels.label("status", status) for status in ("confirmed", "possible", "unknown")]


def totals(rows: Iterable[TrendRow]) -> tuple[TrendRow, ...]:
    """Return the totals of cases by region: one row per region, period, phenomenon and status."""
    margins = ("phenomenon", "status")
    in_force = latest(row for row in rows if (row.population, row.table) == ("cases", "totals"))
    return tuple(
        row for row in in_force if all(code == TOTAL for name, code in row.dimensions.items() if name not in margins)
    )


def of_all(rows: Iterable[TrendRow]) -> Spec:
    """Return the overview of quarters, or of years where no quarter was released.

    Raises:
        ValueError: no total of cases was released.
    """
    cases = totals(rows)
    if not cases:
        raise ValueError("no total of cases was released")
    # Quarters and years are never drawn side by side: they would be read as one series.
    quarters = [row for row in cases if "-Q" in row.period]
    windows = quarters or list(cases)
    latest_periods = sorted({row.period for row in windows})[-_MOST_PERIODS:]
    drawn = [row for row in windows if row.period in latest_periods]
    filled = {row.dimensions.get("status") for row in drawn if row.value != 0}  # a suppressed total counts as filled
    shown = [row for row in drawn if row.dimensions.get("status") in filled] or drawn
    newest = max(shown, key=lambda row: (row.as_of, row.release))
    notes = ["Hatched: suppressed, which is not zero."] if any(row.value is None for row in shown) else []
    notes += ["Bands: 90 % intervals."] if newest.sd is not None else []
    rule = f"k = {newest.k}" if newest.sd is None else "noisy"
    source = f"Population cases, {rule}, latest release {newest.release}"
    source += f" as of {newest.as_of}, policy {newest.policy}."
    title = {
        "text": "Trafficking and smuggling: persons known to agencies",
        "subtitle": [
            "Totals of cases by region and window, as released. Confirmed and possible victims are never added up.",
            " ".join([*notes, source]),
        ],
    }
    places = sorted({(row.scheme, row.region) for row in shown})
    sheets: Sheets = {}
    panels = [_region(shown, place, sheets, last=place == places[-1]) for place in places]
    return chart_parts.styled(panels, sheets, title=title, spacing=12, colour="shared")


def _region(rows: Sequence[TrendRow], place: tuple[str, str], sheets: Sheets, *, last: bool) -> Spec:
    """Return the row of one region, a panel per phenomenon; only the last region names the periods."""
    in_region = [row for row in rows if (row.scheme, row.region) == place]
    # Of all regions, not of this one: a period that a region lacks keeps its place, so that the rows can be compared.
    periods = sorted({row.period for row in rows})
    phenomena = sorted({row.dimensions.get("phenomenon", TOTAL) for row in rows}, reverse=True)
    panels = []
    for phenomenon in phenomena:
        counted = [row for row in in_region if row.dimensions.get("phenomenon", TOTAL) == phenomenon]
        sheet = f"{'/'.join(place)}/{phenomenon}"
        sheets[sheet] = [
            {
                "period": row.period,
                "whom": labels.label("status", row.dimensions.get("status", TOTAL)),
                "value": row.value,
                "low": row.value if row.lo90 is None else max(0.0, row.lo90),
                "high": row.value if row.hi90 is None else row.hi90,
                "shown": chart_parts.shown_of(row),
            }
            for row in counted
        ]
        title = f"{labels.label('phenomenon', phenomenon)}, persons"
        panels.append({"data": {"name": sheet}, **_panel(periods, _persons_of(counted, title), last=last)})
    heading = {
        "text": labels.place(*place),
        "fontSize": 12,
        "subtitle": f"feed trend.{region_id(in_region[0].scheme, in_region[0].region)}",
        "offset": 4,
    }
    return {"title": heading, "hconcat": panels, "spacing": 34}


def _persons_of(rows: Sequence[TrendRow], title: str) -> Spec:
    # The scale holds the bands, so that no interval is cut off.
    values = [math.ceil(row.hi90 or row.value) for row in rows if row.value is not None]
    # Where all is suppressed there is no scale, and an axis of 0 to 1 would look like one.
    visible = {"labels": bool(values), "grid": bool(values), "ticks": bool(values)}
    axis = {
        "title": title,
        "format": ",d",
        "titleFontSize": 10,
        "minExtent": 34,
        **visible,
        **chart_parts.ticks_of(values),
    }
    return {"field": "value", "type": "quantitative", "axis": axis, "scale": chart_parts.scale_of(values)}


def _panel(periods: Sequence[str], y: Spec, *, last: bool) -> Spec:
    tilted = -40 if len(periods) > _LEVEL_LABELS else 0
    axis = {"title": None, "labelAngle": tilted, "labels": last, "ticks": last}
    return {
        "width": max(300, _PERIOD_WIDTH * len(periods)),
        "height": _PANEL_HEIGHT,
        "encoding": {
            "x": {"field": "period", "type": "ordinal", "scale": {"domain": list(periods)}, "axis": axis},
            "tooltip": [{"field": name, "type": "nominal"} for name in ("period", "whom", "shown")],
        },
        "layer": _layers(y),
    }


def _layers(y: Spec) -> list[Spec]:
    colour = {**_by_status(COLOURS[:3]), "legend": {"title": None, "orient": "top", "symbolOpacity": 1}}
    shape = _by_status(("circle", "square", "diamond"))
    low, high = ({**y, "field": "low"}, {"field": "high"})
    # Not filtered: a line or a band breaks at a period without a number.
    broken = {"invalid": "break-paths-show-path-domains"}
    lines = [
        {"mark": {"type": "area", "opacity": 0.22, **broken}, "encoding": {"y": low, "y2": high, "color": colour}},
        {"mark": {"type": "line", "strokeWidth": 1.6, **broken}, "encoding": {"y": y, "color": colour}},
    ]
    dots = chart_parts.layer({"type": "point", "filled": True, "size": 30}, HAS_VALUE, y=y, color=colour, shape=shape)
    return [*lines, dots, *(mark for number, whom in enumerate(_WHOM) for mark in _hatched(whom, number - 1))]


def _by_status(values: Sequence[str]) -> Spec:
    """Return the encoding that gives each status one of these values."""
    return {"field": "whom", "type": "nominal", "scale": {"domain": _WHOM, "range": list(values)}}


def _hatched(whom: str, place: int) -> list[Spec]:
    """Return the layers of one status's totals without a number; `place` is -1, 0 or 1, for boxes side by side."""
    which = f"{NO_VALUE} && datum.whom === '{whom}'"
    aside, middle = place * (_BOX_WIDTH + 2), {"value": _PANEL_HEIGHT - _BOX_HEIGHT / 2}
    box = {"type": "point", "shape": "square", "filled": True, "size": _BOX_WIDTH**2, "xOffset": aside, **BOX_STYLE}
    hatch = {"type": "text", "text": "/ /", "color": QUIET, "fontSize": 9, "baseline": "middle", "xOffset": aside}
    return [chart_parts.layer(box, which, y=middle), chart_parts.layer(hatch, which, y=middle)]
