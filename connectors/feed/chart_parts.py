"""Parts that all charts share: colours, layers, scales and the one style, as Vega-Lite fragments.

Purpose: one look for every chart. A suppressed cell is a hatched box of fixed size beside its name, off the scale: it
is not zero, and its size says nothing. A published zero is the number 0.
Called by: `connectors.feed.chart`, `connectors.feed.overview`, `connectors.feed.drawing`, `connectors.feed.page`.

Invariants:
- No meaning rests on colour alone.
- A chart fetches nothing; the address of the schema is a name.

Source: Okabe and Ito, Color Universal Design (2008), for the colours, which people with any colour vision can tell
apart; Vega-Lite 6.
"""

from collections.abc import Sequence
from typing import Any, Final

from schemas.trend import TrendRow

__all__ = [
    "BOX_STYLE",
    "COLOURS",
    "HAS_VALUE",
    "INK",
    "NO_VALUE",
    "QUIET",
    "SHOWN",
    "Sheets",
    "Spec",
    "layer",
    "provenance_rule",
    "scale_of",
    "shown_of",
    "styled",
    "ticks_of",
]

Spec = dict[str, Any]
"""A Vega-Lite specification, or a part of one."""

Sheets = dict[str, list[dict[str, object]]]
"""Records of a chart by the name of their data set."""

COLOURS: Final = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
INK: Final = "#1d2733"
"""Colour of text."""

QUIET: Final = "#5b6776"
"""Colour of secondary text and of the hatching."""

HAS_VALUE: Final = "datum.value !== null"
"""Filter of cells with a number."""

NO_VALUE: Final = "datum.value === null"
"""Filter of suppressed and withheld cells."""

SHOWN: Final[Spec] = {"field": "shown", "type": "nominal"}
"""Encoding of the text of a cell."""

BOX_STYLE: Final[Spec] = {"color": "#eef0f2", "stroke": QUIET, "strokeDash": [3, 2], "strokeWidth": 0.8}
"""The box of a cell without a number."""

_SCHEMA: Final = "https://vega.github.io/schema/vega-lite/v6.4.1.json"  # a name; nothing is fetched from there


def shown_of(row: TrendRow) -> str:
    """Return a cell's number, with half of its 90 % interval where it is noisy; without a number, its status."""
    if row.value is None:
        return row.status
    if row.lo90 is None or row.hi90 is None:
        return f"{row.value:,}"
    return f"{row.value:,} ± {(row.hi90 - row.lo90) / 2:,.0f}"


def provenance_rule(row: TrendRow) -> str:
    """Return the rule by which the numbers beside `row` were released: k, or the meaning of the interval."""
    return f"k = {row.k}" if row.sd is None else "noisy: ± is half the 90 % interval"


def scale_of(values: Sequence[int]) -> Spec:
    """Return the scale of these numbers; it begins at 0, even where all of them are 0."""
    return {"domainMin": 0} if any(values) else {"domain": [0, 1]}


def ticks_of(values: Sequence[int]) -> Spec:
    """Return the ticks of the scale of these numbers; at whole persons only."""
    return {"tickCount": 3, "tickMinStep": 1} if any(values) else {"values": [0]}


def layer(mark: Spec, which: str, **encoding: Spec) -> Spec:
    """Return a layer that draws `mark` for the cells that the filter `which` lets through."""
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
