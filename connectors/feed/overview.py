"""One picture of everything released: regions down, periods across, a bar for every total.

Decides which rows are totals of a region, and how a period without a number is drawn: as a hatched box on the axis,
never as no bar. Does not draw the tables of one period (`chart.of_period`).
"""

from collections.abc import Iterable, Sequence

from connectors.feed import chart, labels
from connectors.feed.chart import COLOURS, HOLLOW, INK, KNOWN, QUIET, SHOWN, UNKNOWN, Sheets, Spec, marked
from connectors.feed.rows import TOTAL, Row, latest, region_id

__all__ = ["of_all", "totals"]

_HEIGHT = 96  # pixels of a panel
_BOX_HEIGHT = 16  # pixels of a suppressed total, whatever it holds
_STEP = 64  # pixels of a period: three bars, each wider than a number of three digits
_LAST = 12  # periods that are drawn: the latest of each length
_WHOM = [labels.label("status", status) for status in ("confirmed", "possible", "unknown")]


def totals(rows: Iterable[Row]) -> tuple[Row, ...]:
    """Return the totals of cases by region: one row per region, period, phenomenon and status."""
    margins = ("phenomenon", "status")
    found = latest(row for row in rows if (row.population, row.table) == ("cases", "totals"))
    return tuple(
        row for row in found if all(code == TOTAL for name, code in row.dimensions.items() if name not in margins)
    )


def of_all(rows: Iterable[Row]) -> Spec:
    """Return the overview of quarters, or of years where no quarter was released.

    Raises:
        ValueError: no total of cases was released.
    """
    found = totals(rows)
    if not found:
        raise ValueError("no total of cases was released")
    quarters = [row for row in found if "-Q" in row.period]
    drawn = _last(quarters or found)
    filled = {row.dimensions.get("status") for row in drawn if row.value != 0}  # a suppressed total counts as filled
    shown = [row for row in drawn if row.dimensions.get("status") in filled] or drawn
    one = max(shown, key=lambda row: (row.as_of, row.release))
    rule = f"k = {one.k}" if one.sd is None else "noisy: ± is half the 90 % interval"
    source = f"Population cases, {rule}, latest release {one.release} as of {one.as_of}, policy {one.policy}."
    title = {
        "text": "Trafficking and smuggling: persons known to agencies",
        "subtitle": [
            "Totals of cases by region and window, as released. Confirmed and possible victims are never added up.",
            f"Hatched: suppressed, which is not zero. {source}",
        ],
    }
    places = sorted({(row.scheme, row.region) for row in shown})
    sheets: Sheets = {}
    panels = [_row(shown, place, sheets, last=place == places[-1]) for place in places]
    return chart.styled(panels, sheets, title=title, spacing=12, colour="shared")


def _last(rows: Sequence[Row]) -> list[Row]:
    kept = sorted({row.period for row in rows})[-_LAST:]
    return [row for row in rows if row.period in kept]


def _row(rows: Sequence[Row], place: tuple[str, str], sheets: Sheets, *, last: bool) -> Spec:
    mine = [row for row in rows if (row.scheme, row.region) == place]
    periods = sorted({row.period for row in rows})
    phenomena = sorted({row.dimensions.get("phenomenon", TOTAL) for row in rows}, reverse=True)
    panels = []
    for phenomenon in phenomena:
        found = [row for row in mine if row.dimensions.get("phenomenon", TOTAL) == phenomenon]
        sheet = f"{'/'.join(place)}/{phenomenon}"
        sheets[sheet] = [_record(row) for row in found]
        title = f"{labels.label('phenomenon', phenomenon)}, persons"
        panels.append({"data": {"name": sheet}, **_panel(periods, _persons_of(found, title), last=last)})
    heading = {
        "text": labels.place(*place),
        "fontSize": 12,
        "subtitle": f"feed trend.{region_id(mine[0])}",
        "offset": 4,
    }
    return {"title": heading, "hconcat": panels, "spacing": 34}


def _persons_of(rows: Sequence[Row], title: str) -> Spec:
    values = [row.value for row in rows if row.value is not None]
    counted = {"labels": bool(values), "grid": bool(values), "ticks": bool(values)}
    axis = {"title": title, "format": ",d", "titleFontSize": 10, "minExtent": 34, **counted, **chart.ticks_of(values)}
    return {"field": "value", "type": "quantitative", "axis": axis, "scale": chart.scale_of(values)}


def _panel(periods: Sequence[str], y: Spec, *, last: bool) -> Spec:
    tilted = -40 if len(periods) > 4 else 0  # noqa: PLR2004 - room
    axis = {"title": None, "labelAngle": tilted, "labels": last, "ticks": last}
    scale = {"domain": list(periods), "paddingInner": 0.12, "paddingOuter": 0.06}
    return {
        "width": max(300, _STEP * len(periods)),
        "height": _HEIGHT,
        "encoding": {
            "x": {"field": "period", "type": "nominal", "scale": scale, "axis": axis},
            "xOffset": {"field": "whom", "type": "nominal", "scale": {"domain": _WHOM, "padding": 0.14}},
            "tooltip": [{"field": name, "type": "nominal"} for name in ("period", "whom", "shown")],
        },
        "layer": _layers(y),
    }


def _layers(y: Spec) -> list[Spec]:
    colours = {"domain": _WHOM, "range": list(COLOURS[:3])}
    legend = {"title": None, "orient": "top", "symbolType": "square"}
    colour = {"field": "whom", "type": "nominal", "scale": colours, "legend": legend}
    number = {"type": "text", "dy": -5, "color": INK, "fontSize": 8}
    hatch = {"type": "text", "text": "/ /", "color": QUIET, "fontSize": 9, "baseline": "middle"}
    box = {"type": "bar", **HOLLOW}
    return [
        marked({"type": "bar"}, KNOWN, y=y, color=colour),
        marked(number, KNOWN, y=y, text=SHOWN),
        marked(box, UNKNOWN, y={"value": _HEIGHT}, y2={"value": _HEIGHT - _BOX_HEIGHT}),
        marked(hatch, UNKNOWN, y={"value": _HEIGHT - _BOX_HEIGHT / 2}),
    ]


def _record(row: Row) -> dict[str, object]:
    whom = labels.label("status", row.dimensions.get("status", TOTAL))
    return {"period": row.period, "whom": whom, "value": row.value, "shown": chart.shown_of(row)}
