"""Charts of released rows, as Vega-Lite specifications: one per region and period, and one over all of them.

Decides how a cell is drawn. A suppressed cell is a hatched box of fixed width beside its name, off the scale: it is
not zero, and its width says nothing. A published zero is the number 0. Does not decide what is suppressed.

- Colours are Okabe and Ito's, which people with any colour vision can tell apart; no meaning rests on colour alone.
- Every table names its population, release, revision, k and policy; every chart its scheme, region and period.
"""

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.feed import labels
from connectors.feed.rows import TOTAL, Row, latest

__all__ = ["Place", "Sheets", "Spec", "by_period", "marked", "of_period", "scale_of", "shown_of", "styled", "ticks_of"]

Spec = dict[str, Any]
Place = tuple[str, str, str]
"""Scheme, region, period."""
Sheets = dict[str, list[dict[str, object]]]

COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
INK, QUIET, BOX = "#1d2733", "#5b6776", "#eef0f2"
ALL = "#45525f"
_HATCH = "/ / / / / /"
_JOIN = " | "  # between the two names of a line
_STEP = 14  # pixels per bar
_WIDTH, _NAMES = 720, 236  # pixels of all panels of a table, and of the names beside them
_COLUMNS = 4  # panels beside each other
_BOX_WIDTH = 44  # pixels of a suppressed cell, whatever it holds
_LETTERS = 200  # of a line under a title, as wide as the panels
_LINES = 18  # categories of a table that are drawn; the rest is in the export
_SIDES = ("phenomenon", "status")
_SCHEMA = "https://vega.github.io/schema/vega-lite/v6.4.1.json"  # a name; nothing is fetched from there
KNOWN, UNKNOWN = "datum.value !== null", "datum.value === null"
SHOWN: Spec = {"field": "shown", "type": "nominal"}
HOLLOW: Spec = {"color": BOX, "stroke": QUIET, "strokeDash": [3, 2], "strokeWidth": 0.8}
_HEADER: Spec = {"labelFontSize": 11, "labelFontWeight": "bold", "labelColor": INK}
_AXIS: Spec = {
    "labelExpr": f"split(datum.value, '{_JOIN}')[0]",
    "labelLimit": _NAMES - 8,
    "minExtent": _NAMES,
    "labelPadding": 6,
    "ticks": False,
    "domain": False,
}


@dataclass(frozen=True, slots=True)
class _Point:
    """One cell as it is drawn."""

    category: str
    bar: str
    panel: str
    value: int | None
    status: str
    order: tuple[Any, ...]
    shown: str

    def record(self) -> dict[str, object]:
        kept = {"category": self.category, "bar": self.bar, "panel": self.panel}
        kept["line"] = f"{self.category}{_JOIN}{self.bar}"
        return {**kept, "value": self.value, "status": self.status, "shown": self.shown}


def by_period(rows: Iterable[Row]) -> dict[Place, list[Row]]:
    """Return the rows of every chart there is to draw by (scheme, region, period), sorted."""
    found: dict[Place, list[Row]] = {}
    for row in rows:
        found.setdefault((row.scheme, row.region, row.period), []).append(row)
    return {place: found[place] for place in sorted(found)}


def of_period(rows: Iterable[Row], scheme: str, region: str, period: str) -> Spec:
    """Return the chart of one region and period: a panel of bars for every table released for it.

    Raises:
        ValueError: nothing was released for it.
    """
    found = latest(row for row in rows if (row.scheme, row.region, row.period) == (scheme, region, period))
    if not found:
        raise ValueError(f"nothing was released for {scheme}, {region}, {period}")
    tables: dict[tuple[str, str], list[Row]] = {}
    for row in found:
        tables.setdefault((row.population, row.table), []).append(row)
    sheets: Sheets = {}
    sections = [_section(tables[name], sheets) for name in sorted(tables, key=_precedence)]
    title = {
        "text": f"{labels.place(scheme, region)}, {labels.period(period)}",
        "subtitle": [
            f"Persons known to agencies, as released. Scheme {scheme}, region {region}, period {period}.",
            "Hatched: suppressed. Such a cell is not zero; its number is withheld so that nobody can be singled out.",
        ],
    }
    return styled(sections, sheets, title=title, spacing=34, colour="independent")


def shown_of(row: Row) -> str:
    """Return a cell's number, with half of its interval where it is noisy, or what became of it."""
    if row.value is None:
        return row.status
    if row.lo90 is None or row.hi90 is None:
        return f"{row.value:,}"
    return f"{row.value:,} ± {(row.hi90 - row.lo90) / 2:,.0f}"


def _precedence(name: tuple[str, str]) -> tuple[bool, bool, tuple[str, str]]:
    return (name[0] != "cases", name[1] != "totals", name)


def _section(rows: Sequence[Row], sheets: Sheets) -> Spec:
    """Draw one table: a line per category, a bar per second dimension or status, a panel per whom it counts."""
    first = rows[0]
    names = sorted({name for row in rows for name in row.dimensions if name not in _SIDES})
    points, hidden = _drawn([_point(row, names) for row in rows])
    words = ", ".join(labels.dimension(name) for name in names)
    said = (f"by {words}. " if words else "") + hidden
    title = {
        "text": labels.heading(first.population, first.table),
        "subtitle": [*textwrap.wrap(said, _LETTERS), _provenance(first)],
        "fontSize": 13,
        "subtitleFontSize": 10,
    }
    sheet = f"{first.population}/{first.table}"
    sheets[sheet] = [point.record() for point in points]
    return {"data": {"name": sheet}, "title": title, **_panels(points)}


def _provenance(row: Row) -> str:
    rule = f"k = {row.k}" if row.sd is None else "noisy: ± is half the 90 % interval"
    source = f"population {row.population}, {rule}, release {row.release}, revision {row.revision}"
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
    return _Point(category, bar, panel, row.value, row.status, (*total, category, bar), shown_of(row))


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


def _panels(points: Sequence[_Point]) -> Spec:
    bars = sorted(dict.fromkeys(point.bar for point in points), key=_rank)
    panels = sorted(dict.fromkeys(point.panel for point in points), key=_rank)
    columns = len(panels) if len(panels) <= _COLUMNS else 3
    header = {"title": None, "labels": len(panels) > 1, **_HEADER}
    return {
        "facet": {"field": "panel", "type": "nominal", "sort": panels, "header": header},
        "columns": columns,
        "spacing": 30,
        "spec": {
            "width": (_WIDTH - 30 * (columns - 1)) // columns,
            "height": {"step": _STEP},
            "encoding": {
                "y": _lines_of(list(dict.fromkeys(point.category for point in points)), bars),
                "tooltip": [{"field": name, "type": "nominal", "title": title} for name, title in _TOOLTIP.items()],
            },
            "layer": [*_counted(_persons_of(points), _colours_of(bars)), *_hatched()],
        },
    }


def _counted(x: Spec, colour: Spec) -> list[Spec]:
    """Draw cells with a number: bar and number."""
    text = {"type": "text", "align": "left", "dx": 4, "color": INK, "fontSize": 10}
    bar = {"type": "bar", "height": {"band": 0.84}}
    return [marked(bar, KNOWN, x=x, color=colour), marked(text, KNOWN, x=x, text=SHOWN)]


def _persons_of(points: Sequence[_Point]) -> Spec:
    values = [point.value for point in points if point.value is not None]
    axis = {**ticks_of(values), "format": ",d"} if values else None
    return {"field": "value", "type": "quantitative", "title": "persons", "axis": axis, "scale": scale_of(values)}


def scale_of(values: Sequence[int]) -> Spec:
    """Return the scale of these numbers; it begins at 0, also where there is nothing else to show."""
    return {"domainMin": 0} if any(values) else {"domain": [0, 1]}


def ticks_of(values: Sequence[int]) -> Spec:
    """Return where the scale of these numbers is marked; whole persons only."""
    return {"tickCount": 3, "tickMinStep": 1} if any(values) else {"values": [0]}


def _colours_of(bars: Sequence[str]) -> Spec:
    legend = {"title": None, "orient": "top", "symbolType": "square", "offset": 6} if len(bars) > 1 else None
    spectrum = iter(COLOURS)
    scale = {"domain": list(bars), "range": [ALL if bar == "All" else next(spectrum) for bar in bars]}
    return {"field": "bar", "type": "nominal", "scale": scale, "legend": legend}


def _lines_of(categories: Sequence[str], bars: Sequence[str]) -> Spec:
    """Place each bar on a line of its own, with half a line between categories and a name at each one's middle."""
    gap = [""] if len(bars) > 1 else []
    domain = [f"{category}{_JOIN}{bar}" for category in categories for bar in (*bars, *gap)]
    middle = [f"{category}{_JOIN}{bars[(len(bars) - 1) // 2]}" for category in categories]
    scale = {"domain": domain, "paddingInner": 0, "paddingOuter": 0}
    return {"field": "line", "type": "nominal", "title": None, "scale": scale, "axis": {**_AXIS, "values": middle}}


def _rank(name: str) -> tuple[int, str]:
    """Order as people read: all, trafficking before smuggling, confirmed before possible, what is unknown last."""
    first = [place for place, word in enumerate(("All", "Trafficking", "", "Smuggling")) if word and word in name]
    second = 0 if "confirmed" in name else 2 if "nknown" in name or "not recorded" in name else 1
    return (10 * (first[0] if first else 2) + second, name)


_TOOLTIP: Mapping[str, str] = {"category": "what", "bar": "who", "shown": "persons", "status": "status"}


def _hatched() -> list[Spec]:
    """Draw cells without a number: box, hatching and word, placed in pixels so that no scale applies to them."""
    start, end, word = ({"value": place} for place in (1, 1 + _BOX_WIDTH, _BOX_WIDTH + 6))
    box = {"type": "bar", "height": {"band": 0.76}, **HOLLOW}
    lines = {"type": "text", "text": _HATCH, "align": "left", "color": QUIET, "fontSize": 9, "dx": 3}
    name = {"type": "text", "align": "left", "color": QUIET, "fontStyle": "italic", "fontSize": 10}
    return [
        marked(box, UNKNOWN, x=start, x2=end),
        marked(lines, UNKNOWN, x=start),
        marked(name, UNKNOWN, x=word, text=SHOWN),
    ]


def marked(mark: Spec, which: str, **encoding: Spec) -> Spec:
    """Return a layer: a mark for the cells `which` holds of, KNOWN or UNKNOWN."""
    return {"transform": [{"filter": which}], "mark": mark, "encoding": encoding}


def styled(parts: Sequence[Spec], sheets: Sheets, *, title: Spec, spacing: int, colour: str) -> Spec:
    """Return the specification of these parts, one below the other, in the one style of all charts.

    Args:
        parts: specifications that name their data in `sheets`.
        sheets: records by name.
        title: the title over all.
        spacing: pixels between parts.
        colour: `shared` for one legend over all parts, `independent` for one each.
    """
    resolve = {"scale": {"color": colour}}
    whole = {"title": title, "vconcat": list(parts), "spacing": spacing, "resolve": resolve}
    return {"$schema": _SCHEMA, "config": _STYLE, **whole, "datasets": dict(sheets)}


_STYLE: Spec = {
    "font": "sans-serif",
    "background": "#ffffff",
    "padding": 18,
    "title": {
        "anchor": "start",
        "fontSize": 19,
        "subtitleFontSize": 11,
        "color": INK,
        "subtitleColor": QUIET,
        "offset": 14,
    },
    "view": {"stroke": None},
    "axis": {
        "labelColor": INK,
        "titleColor": QUIET,
        "gridColor": "#e6e9ec",
        "domainColor": "#c5ccd3",
        "labelFontSize": 11,
    },
    "legend": {"labelColor": INK, "labelFontSize": 11},
}
