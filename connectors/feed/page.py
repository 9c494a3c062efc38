"""Rendering of charts: an HTML page that needs no network, and PNG pictures.

Purpose: put charts on one page, on which a reader chooses one by region and period. The content of a chart is decided
by `connectors.feed.chart` and `connectors.feed.overview`.
Called by: `connectors.feed.drawing`.

Invariants:
- The page carries the whole of Vega, and its content security policy forbids every connection.
- No text of a row can end the script in which it is embedded.

Source: vl-convert, which bundles Vega, Vega-Lite and vega-embed and draws without a browser; W3C, Content Security
Policy Level 3.
"""

import functools
import html
import json
from collections.abc import Sequence
from dataclasses import dataclass
from string import Template

import vl_convert

from connectors.feed.chart_parts import Spec

__all__ = ["Titled", "page", "picture"]


@dataclass(frozen=True, slots=True)
class Titled:
    """One chart of a page: the region and period by which it is chosen, and its specification."""

    region: str
    period: str
    spec: Spec


def page(charts: Sequence[Titled], title: str) -> str:
    """Return a self-contained HTML page with these charts; the first is shown when it opens."""
    packed = _Packed()
    # The words are complete only after the last chart was packed, so they are written after the charts.
    plain = [{"region": chart.region, "period": chart.period, "spec": packed.spec(chart.spec)} for chart in charts]
    inlined = {"charts": _inline(plain), "words": _inline(list(packed.places))}
    return _PAGE.substitute(title=html.escape(title), bundle=_bundle(), **inlined)


class _Packed:
    """The values of all charts' records, each once; records refer to them by place.

    A page of all charts is several times smaller with it: the same few names and codes fill every record.
    """

    def __init__(self) -> None:
        self.places: dict[object, int] = {}

    def spec(self, spec: Spec) -> Spec:
        """Return a specification whose data sets are column names and rows of places."""
        sheets, places = {}, self.places
        for sheet, records in spec["datasets"].items():
            # All records of a sheet have the fields of the first, in its order.
            names = list(records[0]) if records else []
            rows = [[places.setdefault(record[name], len(places)) for name in names] for record in records]
            sheets[sheet] = {"names": names, "rows": rows}
        return {**spec, "datasets": sheets}


def picture(spec: Spec, *, scale: float = 1.5) -> bytes:
    """Return a chart as PNG; `scale` is pixels of the picture per pixel of the chart."""
    # No address is allowed: a specification cannot make the drawing process load anything.
    drawn: bytes = vl_convert.vegalite_to_png(spec, scale=scale, allowed_base_urls=[])
    return drawn


@functools.cache
def _bundle() -> str:
    bundle: str = vl_convert.javascript_bundle(None)  # type: ignore[arg-type] # None is its documented default
    # The bundle's own texts hold the end of a script, which would end the one around it.
    return bundle.replace("</script", "<\\/script")


def _inline(value: Sequence[object]) -> str:
    """Return JSON in which nothing can end the script around it: no `<`, and no line separator of old JavaScript."""
    return (
        json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        .replace("<", "\\u003c")
        .replace("\u2028", "\\u2028")
    )


_PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; img-src data:">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
body { font: 15px/1.5 sans-serif; color: #1d2733; margin: 0; }
header { position: sticky; top: 0; z-index: 1; background: #fff; padding: .7rem 1.2rem; }
header { border-bottom: 1px solid #c5ccd3; }
header h1 { font-size: 1rem; display: inline; margin: 0 1.5rem 0 0; }
select, button { font: inherit; padding: .2rem .5rem; margin-inline-end: .5rem; }
main { padding: 0 1.2rem 2rem; overflow-x: auto; }
</style>
</head>
<body>
<header>
<h1>$title</h1>
<label>Region <select id="region"></select></label>
<label>Period <select id="period"></select></label>
<button id="earlier" type="button">Earlier</button><button id="later" type="button">Later</button>
</header>
<main id="chart">
<noscript>This page draws its charts with JavaScript, all of which is in the page itself.</noscript>
</main>
<script>$bundle</script>
<script>
"use strict";
const words = $words, charts = $charts;
const region = document.getElementById("region"), period = document.getElementById("period");
function fill(select, names, kept) {
  select.replaceChildren(...[...new Set(names)].map(name => new Option(name, name)));
  if (names.includes(kept)) select.value = kept; else select.selectedIndex = select.options.length - 1;
}
function unpacked(sheets) {
  const record = (names, row) => Object.fromEntries(row.map((place, at) => [names[at], words[place]]));
  const records = sheet => sheet.rows.map(row => record(sheet.names, row));
  return Object.fromEntries(Object.entries(sheets).map(([name, sheet]) => [name, records(sheet)]));
}
function draw() {
  const found = charts.find(one => one.region === region.value && one.period === period.value);
  vegaEmbed("#chart", {...found.spec, datasets: unpacked(found.spec.datasets)}, {actions: false, renderer: "svg"});
}
function choose() {
  fill(period, charts.filter(one => one.region === region.value).map(one => one.period), period.value);
  draw();
}
function step(by) {
  period.selectedIndex = Math.min(Math.max(period.selectedIndex + by, 0), period.options.length - 1);
  draw();
}
fill(region, charts.map(one => one.region), charts[0].region);
region.addEventListener("change", choose);
period.addEventListener("change", draw);
document.getElementById("earlier").addEventListener("click", () => step(-1));
document.getElementById("later").addEventListener("click", () => step(1));
choose();
</script>
</body>
</html>
""")
