"""Charts draw a suppressed cell as suppressed, name what they stand on, and need no network."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from connectors.feed import chart, overview, page
from connectors.feed.page import Titled
from tests.support.feed import a_feed_row, a_region, loading_attributes


def _values(spec: object) -> Iterator[dict[str, Any]]:
    """Yield every record of a specification's data."""
    if isinstance(spec, dict):
        for name, found in spec.items():
            if name == "datasets":
                yield from (record for records in found.values() for record in records)
            elif name == "values" and found and isinstance(found[0], dict):
                yield from found
            else:
                yield from _values(found)
    elif isinstance(spec, list):
        for one in spec:
            yield from _values(one)


def _is_dark(pixels: bytes) -> bool:
    return pixels.startswith(b"\x89PNG") and len(pixels) > 5_000


@pytest.mark.parametrize("none", [False, True])
def test_a_suppressed_cell_has_no_number_and_says_so(*, none: bool) -> None:
    spec = chart.of_period(a_region(none=none), "pave", "pave", "2024-Q1")
    drawn = list(_values(spec))
    suppressed = [one for one in drawn if one["status"] == "suppressed"]
    assert suppressed
    assert all(one["value"] is None and one["shown"] == "suppressed" for one in suppressed)
    assert not none or len(suppressed) == len(drawn)


def test_bars_and_numbers_stand_for_published_cells_alone() -> None:
    """Every mark with a place on the scale filters out what has no value; the box of a suppressed cell has none."""
    spec = chart.of_period([a_feed_row(None), a_feed_row(0, dimensions={"country": "LBN"})], "pave", "pave", "2024-Q1")
    layers = spec["vconcat"][0]["spec"]["layer"]
    for layer in layers:
        on_scale = "field" in layer["encoding"].get("x", {})
        (only,) = [step["filter"] for step in layer["transform"]]
        assert only == ("datum.value !== null" if on_scale else "datum.value === null")
    assert sum("field" not in layer["encoding"]["x"] for layer in layers) == 3


def test_every_chart_names_what_it_stands_on() -> None:
    text = json.dumps(chart.of_period(a_region(), "pave", "pave", "2024-Q1"))
    for word in ("Scheme pave", "region pave", "population cases", "k = 11", "release cases-2024-Q1-0", "revision 0"):
        assert word in text
    for word in ("policy 0123456789abcdef", "as of 2024-04-20", "Trafficking", "Smuggling", "possible", "confirmed"):
        assert word in text


def test_zeros_are_said_in_words_where_a_line_holds_nothing_else() -> None:
    rows = [a_feed_row(n, dimensions={"country": code}) for code, n in (("LBN", 20), ("JOR", 0))]
    text = json.dumps(chart.of_period(rows, "pave", "pave", "2024-Q1"))
    assert "0 persons in each of: Jordan." in text


def test_trafficking_and_smuggling_never_share_a_panel() -> None:
    for record in _values(chart.of_period(a_region(), "pave", "pave", "2024-Q1")):
        assert not ("Trafficking" in record["panel"] and "Smuggling" in record["panel"])


def test_pictures_are_drawn_also_where_all_is_suppressed() -> None:
    rows = [*a_region(none=True), *a_region(period="2024-Q2", none=True)]
    assert _is_dark(page.picture(chart.of_period(rows, "pave", "pave", "2024-Q1")))
    assert _is_dark(page.picture(overview.of_all(rows)))


def test_the_overview_draws_every_total_once() -> None:
    rows = [*a_region(), *a_region(period="2024-Q2"), *a_region(scheme="levant", region="levant")]
    assert len(list(_values(overview.of_all(rows)))) == 3 * 4


def test_the_page_loads_nothing_and_forbids_itself_to() -> None:
    rows = list(a_region())
    text = page.page([Titled("pave", "2024-Q1", chart.of_period(rows, "pave", "pave", "2024-Q1"))], "Trends </title>")
    assert loading_attributes(text) == []
    assert "default-src 'none'" in text
    assert "connect-src" not in text
    assert "Trends &lt;/title&gt;" in text
    assert not re.search(r"@import|url\(\s*['\"]?https?:", text.partition("<script>")[0])


def test_no_text_of_a_row_can_end_the_script_it_stands_in() -> None:
    spec = chart.of_period([a_feed_row(dimensions={"country": "</script><b>"})], "pave", "pave", "2024-Q1")
    text = page.page([Titled("pave", "2024-Q1", spec)], "Trends")
    assert "</script><b>" not in text
    assert text.count("</script") == text.count("<script>")


def test_a_noisy_number_is_drawn_with_its_uncertainty() -> None:
    row = a_feed_row(1040, sd=7.4, lo90=1028.0, hi90=1052.4, k=0)
    drawn = json.dumps(chart.of_period([row], row.scheme, row.region, row.period), ensure_ascii=False)
    assert "1,040 ± 12" in drawn
    assert "half the 90 % interval" in drawn
    assert "k = 0" not in drawn


@pytest.mark.parametrize("bars", [6, 7, 12])
def test_more_bars_than_colours_are_named_as_left_out(bars: int) -> None:
    """The bars with the most persons are drawn, each in a colour of its own beside "All"."""
    rows = [
        a_feed_row(20 + number, dimensions={"country": "LBN", "gender": f"group {number:02}"}) for number in range(bars)
    ]
    whole = a_feed_row(500, dimensions={"country": "LBN", "gender": "_T"})
    spec = chart.of_period([whole, *rows], "pave", "pave", "2024-Q1")
    (section,) = spec["vconcat"]
    colour = next(layer["encoding"]["color"] for layer in section["spec"]["layer"] if "color" in layer["encoding"])
    assert len(colour["scale"]["domain"]) == 7
    assert len(set(colour["scale"]["range"])) == 7
    assert {f"group {number:02}" for number in range(bars - 6, bars)} < set(colour["scale"]["domain"])
    left_out = f"{bars - 6} more bars are in the table." if bars > 6 else ""
    assert left_out in " ".join(section["title"]["subtitle"])


def test_the_overview_draws_the_interval_of_a_noisy_total_as_a_band() -> None:
    """An exact total has none, a suppressed one breaks line and band."""
    margins = {"phenomenon": "TIP", "status": "confirmed"}
    noisy = a_feed_row(41, table="totals", dimensions=margins, sd=7.4, lo90=-2.0, hi90=53.0, k=0)
    rows = [
        noisy,
        a_feed_row(None, table="totals", dimensions=margins, period="2024-Q2"),
        a_feed_row(20, table="totals", dimensions=margins, period="2024-Q3"),
    ]
    drawn = [(one["value"], one["low"], one["high"]) for one in _values(overview.of_all(rows))]
    assert drawn == [(41, 0.0, 53.0), (None, None, None), (20, 20, 20)]
    marks = [layer["mark"]["type"] for layer in overview.of_all(rows)["vconcat"][0]["hconcat"][0]["layer"]]
    assert marks[:3] == ["area", "line", "point"]
