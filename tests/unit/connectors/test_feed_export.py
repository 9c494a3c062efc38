"""Export of the feed: the same bytes for the same rows, no invented values, no formulas."""

import csv
from pathlib import Path

import polars as pl
import pytest

from connectors.feed import export, feed_rows
from schemas.errors import IntegrityError
from tests.support.feed import a_feed_row, a_region


def test_both_formats_hold_every_row_once(tmp_path: Path) -> None:
    found = feed_rows.latest(a_region())
    export.write(found, tmp_path, ["csv", "parquet"])
    for table in ("totals", "exploitation-by-gender", "activities"):
        expected = [row for row in found if row.table == table]
        frame = pl.read_parquet(tmp_path / f"{table}.parquet")
        text = list(csv.DictReader((tmp_path / f"{table}.csv").read_text().splitlines()))
        assert len(frame) == len(text) == len(expected)
        assert frame["value"].sum() == sum(row.value or 0 for row in expected)


def test_a_dimension_named_like_a_field_keeps_its_own_column() -> None:
    frame = export.frames([a_feed_row(dimensions={"status": "confirmed"})])["totals"]
    assert (frame["status"].item(), frame["cell_status"].item()) == ("confirmed", "published")


def test_order_of_arrival_does_not_change_a_byte(tmp_path: Path) -> None:
    found = list(a_region())
    export.write(found, tmp_path / "one", ["csv"])
    export.write(reversed(found), tmp_path / "two", ["csv"])
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


def test_a_suppressed_value_is_empty_and_never_zero(tmp_path: Path) -> None:
    export.write([a_feed_row(None), a_feed_row(0, period="2024-Q2")], tmp_path, ["csv", "parquet"])
    suppressed, zero = csv.DictReader((tmp_path / "totals.csv").read_text().splitlines())
    assert (suppressed["value"], suppressed["cell_status"]) == ("", "suppressed")
    assert (zero["value"], zero["cell_status"]) == ("0", "published")
    assert pl.read_parquet(tmp_path / "totals.parquet")["value"].to_list() == [None, 0]


def test_a_noisy_value_has_its_uncertainty_beside_it_and_an_exact_one_has_none(tmp_path: Path) -> None:
    noisy = a_feed_row(40, period="2024-Q2", sd=7.4, lo90=28.2, hi90=52.6, k=0)
    export.write([a_feed_row(), noisy], tmp_path, ["csv", "parquet"])
    exact, found = csv.DictReader((tmp_path / "totals.csv").read_text().splitlines())
    assert (exact["sd"], exact["lo90"], exact["hi90"]) == ("", "", "")
    assert (found["value"], found["sd"], found["lo90"], found["hi90"]) == ("40", "7.4", "28.2", "52.6")
    assert pl.read_parquet(tmp_path / "totals.parquet")["sd"].to_list() == [None, 7.4]


@pytest.mark.parametrize("code", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"])
def test_no_text_begins_a_formula(tmp_path: Path, code: str) -> None:
    export.write([a_feed_row(dimensions={"country": code})], tmp_path, ["csv"])
    with (tmp_path / "totals.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["country"] == f"'{code}"


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(IntegrityError, match="INT-150"):
        export.write([a_feed_row()], tmp_path / "out", ["csv"])


def test_the_latest_revision_is_in_force_and_of_equal_ones_the_first() -> None:
    first, again, revised = a_feed_row(20), a_feed_row(21, release="x"), a_feed_row(22, revision=1)
    assert feed_rows.latest([first, again, revised]) == (revised,)
    assert feed_rows.latest([first, again]) == (first,)
