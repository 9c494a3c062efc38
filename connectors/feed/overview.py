"""One picture of everything released: regions down, periods across, a bar for every total.

Decides which rows are totals of a region, and how a period without a number is drawn: as a hatched box on the axis,
never as no bar. Does not draw the tables of one period (`chart.of_period`).
"""

from collections.abc import Iterable, Sequence

import altair as alt

from connectors.feed import chart, labels
from connectors.feed.chart import BOX, COLOURS, INK, QUIET, Sheets, Spec
from connectors.feed.rows import TOTAL, Row, latest, region_id

__all__ = ["of_all", "totals"]

_HEIGHT = 96  # pixels of a panel
_BOX_HEIGHT = 16  # pixels of a suppressed total, whatever it holds
_LAST = 12  # periods that are drawn: the latest of each length


def totals(rows: Iterable[Row]) -> tuple[Row, ...]:
    """Return the totals of cases by region: one row per region, period, phenomenon and status."""
    margins = ("phenomenon", "status")
    found = [row for row in latest(rows) if (row.population, row.table) == ("cases", "totals")]
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
    source = f"Population cases, k = {one.k}, latest release {one.release} as of {one.as_of}, policy {one.policy}."
    title = alt.TitleParams(
        "Trafficking and smuggling: persons known to several agencies",
        subtitle=[
            "Totals of cases by region and window, as released. Confirmed and possible victims are never added up.",
            f"Hatched: suppressed, which is not zero. {source}",
        ],
    )
    places = sorted({(row.scheme, row.region) for row in shown})
    sheets: Sheets = {}
    panels = [_row(shown, place, sheets, last=place == places[-1]) for place in places]
    return chart.styled(alt.vconcat(*panels, spacing=12).properties(title=title).resolve_scale(color="shared"), sheets)


def _last(rows: Sequence[Row]) -> list[Row]:
    kept = sorted({row.period for row in rows})[-_LAST:]
    return [row for row in rows if row.period in kept]


def _row(rows: Sequence[Row], place: tuple[str, str], sheets: Sheets, *, last: bool) -> alt.HConcatChart:
    mine = [row for row in rows if (row.scheme, row.region) == place]
    periods = sorted({row.period for row in rows})
    phenomena = sorted({row.dimensions.get("phenomenon", TOTAL) for row in rows}, reverse=True)
    panels = []
    for phenomenon in phenomena:
        records = [_record(row) for row in mine if row.dimensions.get("phenomenon", TOTAL) == phenomenon]
        sheets[f"{'/'.join(place)}/{phenomenon}"] = records
        counted = any(record["value"] is not None for record in records)
        title = f"{labels.label('phenomenon', phenomenon)}, persons"
        ticks = alt.Axis(
            title=title, tickCount=3, format=",d", titleFontSize=10, labels=counted, grid=counted, minExtent=34
        )
        panels.append(_panel(f"{'/'.join(place)}/{phenomenon}", periods, ticks, last=last))
    heading = alt.TitleParams(labels.place(*place), fontSize=12, subtitle=f"feed trend.{region_id(mine[0])}", offset=4)
    return alt.hconcat(*panels, spacing=34).properties(title=heading)


def _panel(sheet: str, periods: Sequence[str], ticks: alt.Axis, *, last: bool) -> alt.LayerChart | alt.FacetChart:
    axis = alt.Axis(title=None, labelAngle=-40 if len(periods) > 4 else 0, labels=last, ticks=last)  # noqa: PLR2004 - room
    whom = [labels.label("status", status) for status in ("confirmed", "possible", "unknown")]
    base = alt.Chart(alt.NamedData(sheet)).encode(
        x=alt.X("period:N", scale=alt.Scale(domain=periods), axis=axis),
        xOffset=alt.XOffset("whom:N", scale=alt.Scale(domain=whom)),
        tooltip=[alt.Tooltip(name, type="nominal") for name in ("period", "whom", "shown")],
    )
    known, unknown = base.transform_filter("datum.value !== null"), base.transform_filter("datum.value === null")
    y = alt.Y("value:Q", axis=ticks, scale=alt.Scale(domainMin=0))
    colour = alt.Color(
        "whom:N",
        scale=alt.Scale(domain=whom, range=list(COLOURS[:3])),
        legend=alt.Legend(title=None, orient="top", symbolType="square"),
    )
    box = unknown.mark_bar(width={"band": 0.8}, color=BOX, stroke=QUIET, strokeDash=[3, 2], strokeWidth=0.8)
    hatch = unknown.mark_text(text="/ /", color=QUIET, fontSize=9, baseline="middle", dx=4)
    layers = [
        known.mark_bar(width={"band": 0.86}).encode(y=y, color=colour),
        known.mark_text(dy=-5, color=INK, fontSize=8).encode(y=y, text="shown:N"),
        box.encode(y=alt.value(_HEIGHT), y2=alt.value(_HEIGHT - _BOX_HEIGHT)),
        hatch.encode(y=alt.value(_HEIGHT - _BOX_HEIGHT / 2)),
    ]
    return alt.layer(*layers).properties(width=max(300, 44 * len(periods)), height=_HEIGHT)


def _record(row: Row) -> dict[str, object]:
    whom = labels.label("status", row.dimensions.get("status", TOTAL))
    shown = f"{row.value:,}" if row.value is not None else row.status
    return {"period": row.period, "whom": whom, "value": row.value, "shown": shown}
