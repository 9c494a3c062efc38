"""Charts of released rows, as Vega-Lite specifications: one per region and period, and one over all of them.

Decides how a cell is drawn. A suppressed cell is a hatched box of fixed width beside its name, off the scale: it is
not zero, and its width says nothing. A published zero is the number 0. Does not decide what is suppressed.

- Colours are Okabe and Ito's, which people with any colour vision can tell apart; no meaning rests on colour alone.
- Every table names its population, release, revision, k and policy; every chart its scheme, region and period.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

from connectors.feed import labels
from connectors.feed.rows import TOTAL, Row, latest

__all__ = ["Sheets", "Spec", "of_period", "periods_of", "styled"]

Spec = dict[str, Any]
Sheets = dict[str, list[dict[str, object]]]

COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
INK, QUIET, BOX = "#1d2733", "#5b6776", "#eef0f2"
ALL = "#45525f"
_HATCH = "/ / / / / /"
_JOIN = " | "  # between the two names of a line
_STEP = 14  # pixels per bar
_WIDTH, _NAMES = 720, 176  # pixels of all panels of a table, and of the names beside them
_COLUMNS = 4  # panels beside each other
_BOX_WIDTH = 44  # pixels of a suppressed cell, whatever it holds
_LINES = 18  # categories of a table that are drawn; the rest is in the export
_SIDES = ("phenomenon", "status")


@dataclass(frozen=True, slots=True)
class _Point:
    """One cell as it is drawn."""

    category: str
    bar: str
    panel: str
    value: int | None
    status: str
    order: tuple[Any, ...]

    def record(self) -> dict[str, object]:
        shown = f"{self.value:,}" if self.value is not None else self.status
        kept = {"category": self.category, "bar": self.bar, "panel": self.panel}
        kept["line"] = f"{self.category}{_JOIN}{self.bar}"
        return {**kept, "value": self.value, "status": self.status, "shown": shown}


def periods_of(rows: Iterable[Row]) -> tuple[tuple[str, str, str], ...]:
    """Return (scheme, region, period) of every chart there is to draw, sorted."""
    return tuple(sorted({(row.scheme, row.region, row.period) for row in rows}))


def of_period(rows: Iterable[Row], scheme: str, region: str, period: str) -> Spec:
    """Return the chart of one region and period: a panel of bars for every table released for it.

    Raises:
        ValueError: nothing was released for it.
    """
    found = [row for row in latest(rows) if (row.scheme, row.region, row.period) == (scheme, region, period)]
    if not found:
        raise ValueError(f"nothing was released for {scheme}, {region}, {period}")
    tables: dict[tuple[str, str], list[Row]] = {}
    for row in found:
        tables.setdefault((row.population, row.table), []).append(row)
    sheets: Sheets = {}
    sections = [_section(tables[name], sheets) for name in sorted(tables, key=_precedence)]
    title = alt.TitleParams(
        f"{labels.place(scheme, region)}, {labels.period(period)}",
        subtitle=[
            f"Persons known to several agencies, as released. Scheme {scheme}, region {region}, period {period}.",
            "Hatched: suppressed. Such a cell is not zero; its number is withheld so that nobody can be singled out.",
        ],
    )
    return styled(alt.vconcat(*sections, spacing=34).properties(title=title).resolve_scale(color="independent"), sheets)


def _precedence(name: tuple[str, str]) -> tuple[bool, bool, tuple[str, str]]:
    return (name[0] != "cases", name[1] != "totals", name)


def _section(rows: Sequence[Row], sheets: Sheets) -> Any:  # noqa: ANN401 - one of altair's chart classes
    """Draw one table: a line per category, a bar per second dimension or status, a panel per whom it counts."""
    first = rows[0]
    names = sorted({name for row in rows for name in row.dimensions if name not in _SIDES})
    points, hidden = _drawn([_point(row, names) for row in rows])
    words = ", ".join(labels.dimension(name) for name in names)
    title = alt.TitleParams(
        labels.heading(first.population, first.table),
        subtitle=[
            (f"by {words}. " if words else "") + hidden,
            _provenance(first),
        ],
        fontSize=13,
        subtitleFontSize=10,
    )
    sheets[f"{first.population}/{first.table}"] = [point.record() for point in points]
    return _panels(points, f"{first.population}/{first.table}").properties(title=title)


def _provenance(row: Row) -> str:
    source = f"population {row.population}, k = {row.k}, release {row.release}, revision {row.revision}"
    return f"{source}, as of {row.as_of}, policy {row.policy}"


def _point(row: Row, names: Sequence[str]) -> _Point:
    codes = row.dimensions
    category = labels.label(names[0], codes.get(names[0], TOTAL)) if names else "All"
    second = [labels.label(name, codes.get(name, TOTAL)) for name in names[1:]]
    panel, status = labels.label("phenomenon", codes.get("phenomenon", TOTAL)), codes.get("status")
    if second:
        panel = labels.series(codes)
    bar = " · ".join(second) or (labels.label("status", status) if status else "persons")
    total = [codes.get(name) != TOTAL for name in names]
    return _Point(category, bar, panel, row.value, row.status, (*total, category, bar))


def _drawn(points: Sequence[_Point]) -> tuple[list[_Point], str]:
    """Leave out lines, bars and panels where every number is 0, and lines beyond what a chart can show; say which."""
    shown, notes = sorted(points, key=lambda one: one.order), []
    for side in ("panel", "category", "bar"):
        shown, empty = _without_empty(shown, side)
        notes += [f"0 persons in each of: {', '.join(empty)}."] if empty else []
    weight: dict[str, int] = {}
    for point in shown:
        weight[point.category] = weight.get(point.category, 0) + (point.value or 0)
    most = sorted(weight, key=lambda name: (name != "All", -weight[name]))[:_LINES]
    notes += [f"{len(weight) - len(most)} more lines are in the table."] if len(weight) > len(most) else []
    return [point for point in shown if point.category in most], " ".join(notes)


def _without_empty(points: Sequence[_Point], side: str) -> tuple[list[_Point], list[str]]:
    """Drop what holds published zeros alone, unless all does: zeros are said in words, suppressed cells are drawn."""
    filled = {getattr(point, side) for point in points if point.value != 0}
    if not filled:
        return list(points), []
    empty = sorted({getattr(point, side) for point in points} - filled)
    return [point for point in points if getattr(point, side) in filled], empty


def _panels(points: Sequence[_Point], sheet: str) -> Any:  # noqa: ANN401 - as above
    bars = sorted(dict.fromkeys(point.bar for point in points), key=_rank)
    panels = sorted(dict.fromkeys(point.panel for point in points), key=_rank)
    base = alt.Chart(alt.NamedData(sheet)).encode(
        y=_lines_of(list(dict.fromkeys(point.category for point in points)), bars),
        tooltip=[alt.Tooltip(name, type="nominal", title=title) for name, title in _TOOLTIP.items()],
    )
    legend = alt.Legend(title=None, orient="top", symbolType="square", offset=6) if len(bars) > 1 else None
    spectrum = iter(COLOURS)
    scale = alt.Scale(domain=bars, range=[ALL if bar == "All" else next(spectrum) for bar in bars])
    known, unknown = base.transform_filter("datum.value !== null"), base.transform_filter("datum.value === null")
    columns = len(panels) if len(panels) <= _COLUMNS else 3
    counted = any(point.value is not None for point in points)
    axis = alt.Axis(tickMinStep=1, tickCount=3, format=",d") if counted else None
    x = alt.X("value:Q", title="persons", axis=axis, scale=alt.Scale(domainMin=0))
    layered = alt.layer(
        known.mark_bar(height={"band": 0.84}).encode(x=x, color=alt.Color("bar:N", scale=scale, legend=legend)),
        known.mark_text(align="left", dx=4, color=INK, fontSize=10).encode(x=x, text="shown:N"),
        *_hatched(unknown),
    ).properties(width=(_WIDTH - 30 * (columns - 1)) // columns, height={"step": _STEP})
    header = alt.Header(title=None, labels=len(panels) > 1, labelFontSize=11, labelFontWeight="bold", labelColor=INK)
    return layered.facet(facet=alt.Facet("panel:N", sort=panels, header=header), columns=columns, spacing=30)


def _lines_of(categories: Sequence[str], bars: Sequence[str]) -> alt.Y:
    """Place each bar on a line of its own, with half a line between categories and a name at each one's middle."""
    gap = [""] if len(bars) > 1 else []
    domain = [f"{category}{_JOIN}{bar}" for category in categories for bar in (*bars, *gap)]
    middle = [f"{category}{_JOIN}{bars[(len(bars) - 1) // 2]}" for category in categories]
    named = f"split(datum.value, '{_JOIN}')[0]"
    axis = alt.Axis(
        values=middle,
        labelExpr=named,
        labelLimit=_NAMES - 8,
        minExtent=_NAMES,
        labelPadding=6,
        ticks=False,
        domain=False,
    )
    return alt.Y("line:N", title=None, axis=axis, scale=alt.Scale(domain=domain, paddingInner=0, paddingOuter=0))


def _rank(name: str) -> tuple[int, str]:
    """Order as people read: all, trafficking before smuggling, confirmed before possible, what is unknown last."""
    first = [place for place, word in enumerate(("All", "Trafficking", "", "Smuggling")) if word and word in name]
    second = 0 if "confirmed" in name else 2 if "nknown" in name or "not recorded" in name else 1
    return (10 * (first[0] if first else 2) + second, name)


_TOOLTIP: Mapping[str, str] = {"category": "what", "bar": "who", "shown": "persons", "status": "status"}


def _hatched(unknown: alt.Chart) -> list[Any]:
    """Draw cells without a number: box, hatching and word, placed in pixels so that no scale applies to them."""
    at = {name: alt.value(place) for name, place in (("start", 1), ("end", 1 + _BOX_WIDTH), ("word", _BOX_WIDTH + 6))}
    box = unknown.mark_bar(height={"band": 0.76}, color=BOX, stroke=QUIET, strokeDash=[3, 2], strokeWidth=0.8)
    lines = unknown.mark_text(text=_HATCH, align="left", color=QUIET, fontSize=9, dx=3)
    word = unknown.mark_text(align="left", color=QUIET, fontStyle="italic", fontSize=10)
    return [
        box.encode(x=at["start"], x2=at["end"]),
        lines.encode(x=at["start"]),
        word.encode(x=at["word"], text="shown:N"),
    ]


def styled(chart: Any, sheets: Sheets) -> Spec:  # noqa: ANN401 - as above
    """Return the specification in the one style of all charts, with its data, which altair would copy at each step."""
    spec: Spec = (
        chart.configure(font="sans-serif", background="#ffffff", padding=18)
        .configure_title(anchor="start", fontSize=19, subtitleFontSize=11, color=INK, subtitleColor=QUIET, offset=14)
        .configure_view(stroke=None)
        .configure_axis(labelColor=INK, titleColor=QUIET, gridColor="#e6e9ec", domainColor="#c5ccd3", labelFontSize=11)
        .configure_legend(labelColor=INK, labelFontSize=11)
        .to_dict(validate=False)
    )
    return {**spec, "datasets": dict(sheets)}
