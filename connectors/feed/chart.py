"""Chart of one region and period, as a Vega-Lite specification: a panel of bars for every released table.

Purpose: decide how a cell of a table is drawn and in which order. The release decided what is suppressed.
Called by: `connectors.feed.drawing`; tests.

    for (scheme, region, period), rows in by_period(feed).items():
        spec = of_period(rows, scheme, region, period)

Invariants:
- Every table names its population, release, revision, k and policy; every chart its scheme, region and period.
- A cell that is not drawn is a published zero, or lies beyond the lines that fit; the subtitle says so in words.
- Every number is one that was released; the chart adds nothing up.
"""

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.feed import chart_parts, labels
from connectors.feed.chart_parts import BOX_STYLE, COLOURS, HAS_VALUE, INK, NO_VALUE, QUIET, SHOWN, Sheets, Spec
from connectors.feed.feed_rows import latest
from schemas.trend import TOTAL, TrendRow

__all__ = ["Place", "by_period", "of_period"]

Place = tuple[str, str, str]
"""Scheme, region, period."""

_ALL_COLOUR = "#45525f"  # of the bar "All", which is the sum of the others and no category beside them
_HATCH = "/ / / / / /"
_JOIN = " | "  # between category and bar in the name of a line
_BAR_HEIGHT = 14  # pixels
_PANELS_WIDTH, _NAMES_WIDTH = 720, 236  # pixels of all panels of a table, and of the names beside them
_MOST_COLUMNS = 4  # panels beside each other
_PANEL_SPACING = 30  # pixels
_BOX_WIDTH = 44  # pixels of a suppressed cell; the same for all, so that it tells nothing about the number
_SUBTITLE_LETTERS = 200  # of a line, as wide as the panels
_MOST_BARS = len(COLOURS)  # beside "All"; the rest is in the export, as no colour may stand for two bars
_MOST_CATEGORIES = 18  # of a table that are drawn; the rest is in the export
_TOOLTIP: Mapping[str, str] = {"category": "what", "bar": "who", "shown": "persons", "status": "status"}
"""Field of a record -> its title in the tooltip."""

_SIDES = ("phenomenon", "status")
_HEADER: Spec = {"labelFontSize": 11, "labelFontWeight": "bold", "labelColor": INK}
_AXIS: Spec = {
    "labelExpr": f"split(datum.value, '{_JOIN}')[0]",
    "labelLimit": _NAMES_WIDTH - 8,
    "minExtent": _NAMES_WIDTH,
    "labelPadding": 6,
    "ticks": False,
    "domain": False,
}


@dataclass(frozen=True, slots=True)
class _Point:
    """One cell as it is drawn; points are drawn in ascending `order`."""

    category: str
    bar: str
    panel: str
    value: int | None
    status: str
    order: tuple[Any, ...]
    shown: str

    def record(self) -> dict[str, object]:
        """Return the record of the chart's data; `line` names the vertical position, one for each category and bar."""
        return {
            "category": self.category,
            "bar": self.bar,
            "panel": self.panel,
            "line": f"{self.category}{_JOIN}{self.bar}",
            "value": self.value,
            "status": self.status,
            "shown": self.shown,
        }


def by_period(rows: Iterable[TrendRow]) -> dict[Place, list[TrendRow]]:
    """Return the rows of every chart by (scheme, region, period), sorted."""
    charts: dict[Place, list[TrendRow]] = {}
    for row in rows:
        charts.setdefault((row.scheme, row.region, row.period), []).append(row)
    return {place: charts[place] for place in sorted(charts)}


def of_period(rows: Iterable[TrendRow], scheme: str, region: str, period: str) -> Spec:
    """Return the chart of one region and period, from the latest revision of every cell.

    Raises:
        ValueError: nothing was released for it.
    """
    in_force = latest(row for row in rows if (row.scheme, row.region, row.period) == (scheme, region, period))
    if not in_force:
        raise ValueError(f"nothing was released for {scheme}, {region}, {period}")
    tables: dict[tuple[str, str], list[TrendRow]] = {}
    for row in in_force:
        tables.setdefault((row.population, row.table), []).append(row)
    sheets: Sheets = {}
    # Cases first, and of a population the totals first: False sorts before True.
    in_order = sorted(tables, key=lambda name: (name[0] != "cases", name[1] != "totals", name))
    sections = [_section(tables[name], sheets) for name in in_order]
    title = {
        "text": f"{labels.place(scheme, region)}, {labels.period(period)}",
        "subtitle": [
            f"Persons known to agencies, as released. Scheme {scheme}, region {region}, period {period}.",
            "Hatched: suppressed. Such a cell is not zero; its number is withheld so that nobody can be singled out.",
        ],
    }
    return chart_parts.styled(sections, sheets, title=title, spacing=34, colour="independent")


def _section(rows: Sequence[TrendRow], sheets: Sheets) -> Spec:
    """Return one table: a line per category, a bar per second dimension or status, a panel for each group counted."""
    first = rows[0]
    names = sorted({name for row in rows for name in row.dimensions if name not in _SIDES})
    # The first dimension makes the lines, the others the bars.
    points, hidden = _drawn([_point(row, names) for row in rows])
    dimensions = ", ".join(labels.dimension(name) for name in names)
    subtitle = (f"by {dimensions}. " if dimensions else "") + hidden
    source = f"population {first.population}, {chart_parts.provenance_rule(first)}, release {first.release}"
    provenance = f"{source}, revision {first.revision}, as of {first.as_of}, policy {first.policy}"
    title = {
        "text": labels.heading(first.population, first.table),
        "subtitle": [*textwrap.wrap(subtitle, _SUBTITLE_LETTERS), provenance],
        "fontSize": 13,
        "subtitleFontSize": 10,
    }
    sheet = f"{first.population}/{first.table}"
    sheets[sheet] = [point.record() for point in points]
    return {"data": {"name": sheet}, "title": title, **_panels(points)}


def _point(row: TrendRow, names: Sequence[str]) -> _Point:
    codes = row.dimensions
    category = labels.label(names[0], codes.get(names[0], TOTAL)) if names else "All"
    second = [labels.label(name, codes.get(name, TOTAL)) for name in names[1:]]
    panel, status = labels.label("phenomenon", codes.get("phenomenon", TOTAL)), codes.get("status")
    if second:
        # Two dimensions take lines and bars: phenomenon and status are left for the panel.
        panel = labels.series(codes)
    bar = " · ".join(second) or (labels.label("status", status) if status else "persons")
    # False sorts before True: totals come first.
    order = (*(codes.get(name) != TOTAL for name in names), category, bar)
    return _Point(category, bar, panel, row.value, row.status, order, chart_parts.shown_of(row))


def _drawn(points: Sequence[_Point]) -> tuple[list[_Point], str]:
    """Leave out panels, lines and bars of published zeros, and lines beyond what a chart can show; say which in words.

    A suppressed cell keeps its line: left out, it would look like a zero.
    """
    shown, notes = sorted(points, key=lambda point: point.order), []
    for side in ("panel", "category", "bar"):
        filled = {getattr(point, side) for point in shown if point.value != 0}
        empty = sorted({getattr(point, side) for point in shown} - filled)
        # Where all are published zeros, all stay: a chart without any would look like one without data.
        if filled and empty:
            shown = [point for point in shown if getattr(point, side) in filled]
            notes.append(f"0 persons in each of: {', '.join(empty)}.")
    for side, word, most in (("bar", "bars", _MOST_BARS), ("category", "lines", _MOST_CATEGORIES)):
        kept, left_out = _largest(shown, side, most)
        shown = [point for point in shown if getattr(point, side) in kept]
        notes += [f"{left_out} more {word} are in the table."] if left_out else []
    return shown, " ".join(notes)


def _largest(points: Sequence[_Point], side: str, most: int) -> tuple[set[str], int]:
    """Return the names of a side with the most persons, "All" beside them, and the number of those left out."""
    # A suppressed cell, whose number is not in the feed, weighs nothing.
    weight: dict[str, int] = {}
    for point in points:
        name = getattr(point, side)
        weight[name] = weight.get(name, 0) + (point.value or 0)
    others = sorted((name for name in weight if name != "All"), key=lambda name: -weight[name])
    return {"All", *others[:most]}, len(others[most:])


def _panels(points: Sequence[_Point]) -> Spec:
    bars = sorted(dict.fromkeys(point.bar for point in points), key=_rank)
    panels = sorted(dict.fromkeys(point.panel for point in points), key=_rank)
    columns = len(panels) if len(panels) <= _MOST_COLUMNS else 3
    header = {"title": None, "labels": len(panels) > 1, **_HEADER}
    return {
        "facet": {"field": "panel", "type": "nominal", "sort": panels, "header": header},
        "columns": columns,
        "spacing": _PANEL_SPACING,
        "spec": {
            "width": (_PANELS_WIDTH - _PANEL_SPACING * (columns - 1)) // columns,
            "height": {"step": _BAR_HEIGHT},
            "encoding": {
                "y": _lines_of(list(dict.fromkeys(point.category for point in points)), bars),
                "tooltip": [{"field": name, "type": "nominal", "title": title} for name, title in _TOOLTIP.items()],
            },
            "layer": [*_counted(points, bars), *_hatched()],
        },
    }


def _counted(points: Sequence[_Point], bars: Sequence[str]) -> list[Spec]:
    """Return the layers of cells with a number: the bar, and the number at its end."""
    values = [point.value for point in points if point.value is not None]
    persons: Spec = {
        "field": "value",
        "type": "quantitative",
        "title": "persons",
        # Without a number there is no scale to read, and an axis would promise one.
        "axis": {**chart_parts.ticks_of(values), "format": ",d"} if values else None,
        "scale": chart_parts.scale_of(values),
    }
    spectrum = iter(COLOURS)
    colour: Spec = {
        "field": "bar",
        "type": "nominal",
        "scale": {"domain": list(bars), "range": [_ALL_COLOUR if bar == "All" else next(spectrum) for bar in bars]},
        "legend": {"title": None, "orient": "top", "symbolType": "square", "offset": 6} if len(bars) > 1 else None,
    }
    bar = {"type": "bar", "height": {"band": 0.84}}
    number = {"type": "text", "align": "left", "dx": 4, "color": INK, "fontSize": 10}
    return [
        chart_parts.layer(bar, HAS_VALUE, x=persons, color=colour),
        chart_parts.layer(number, HAS_VALUE, x=persons, text=SHOWN),
    ]


def _lines_of(categories: Sequence[str], bars: Sequence[str]) -> Spec:
    """Return the vertical axis: a line for each bar, a gap between categories, the name at the middle of a category."""
    # An empty bar in the domain takes the place of a line: the space between categories.
    gap = [""] if len(bars) > 1 else []
    domain = [f"{category}{_JOIN}{bar}" for category in categories for bar in (*bars, *gap)]
    middle = [f"{category}{_JOIN}{bars[(len(bars) - 1) // 2]}" for category in categories]
    scale = {"domain": domain, "paddingInner": 0, "paddingOuter": 0}
    return {"field": "line", "type": "nominal", "title": None, "scale": scale, "axis": {**_AXIS, "values": middle}}


def _rank(name: str) -> tuple[int, str]:
    """Order bars and panels: all, trafficking, smuggling; confirmed before possible, unknown last; else by name."""
    phenomenon = 0 if "All" in name else 1 if "Trafficking" in name else 3 if "Smuggling" in name else 2
    status = 0 if "confirmed" in name else 2 if "nknown" in name or "not recorded" in name else 1
    return (10 * phenomenon + status, name)


def _hatched() -> list[Spec]:
    """Return the layers of cells without a number: box, hatching and word.

    They are placed in pixels, so that no scale applies to them and their width says nothing.
    """
    start, end, word = ({"value": place} for place in (1, 1 + _BOX_WIDTH, _BOX_WIDTH + 6))
    box = {"type": "bar", "height": {"band": 0.76}, **BOX_STYLE}
    lines = {"type": "text", "text": _HATCH, "align": "left", "color": QUIET, "fontSize": 9, "dx": 3}
    name = {"type": "text", "align": "left", "color": QUIET, "fontStyle": "italic", "fontSize": 10}
    return [
        chart_parts.layer(box, NO_VALUE, x=start, x2=end),
        chart_parts.layer(lines, NO_VALUE, x=start),
        chart_parts.layer(name, NO_VALUE, x=word, text=SHOWN),
    ]
