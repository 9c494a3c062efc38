"""What the demo promises a newcomer: every row has one end, every figure is right, every result is there."""

import csv
import json
import re
import shutil
import stat
import struct
from collections import Counter
from importlib import resources
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from amana.demo.simulation.agencies import AGENCIES
from anonymizer import policy
from tests.support import demo
from tests.support.audit import FILES
from tests.support.feed import loading_attributes

pytestmark = [pytest.mark.broker, pytest.mark.timeout(1200)]

POLICY = policy.load((resources.files("anonymizer") / "policies" / "default.toml").read_text(encoding="utf-8"))
FIGURES = (
    "rows_read", "refused", "published", "admitted", "quarantined", "duplicates", "superseded", "withdrawn", "late",
    "out_of_scope", "deidentified", "counted", "cells", "released", "suppressed",
)  # fmt: skip
COLUMN_OF = {"duplicate": "duplicates"}
CLOSED = "2022"  # the last year whose annual revision lies before 15 January 2025
NAMED = re.compile(r"entry \d+|checkpoint \d+|the log's key")


@pytest.fixture(scope="module")
def report(ran: demo.Ran) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ran.out / "report.json").read_text(encoding="utf-8"))
    return found


def test_every_row_has_exactly_one_end(ran: demo.Ran, report: dict[str, Any]) -> None:
    assert ran.code == 0, ran.said
    assert report["difference"] == 0
    assert report["rows_read"] == report["refused"] + report["published"] == 20_000
    assert report["published"] == sum(report[name] for name in (*COLUMN_OF.values(), "quarantined", "late", "counted",
        "superseded", "withdrawn", "out_of_scope"))  # fmt: skip


def test_what_discloses_is_private_and_what_is_public_is_not(ran: demo.Ran) -> None:
    """Input and exact counts are their owner's alone; everybody may read a public key and the ids of schemas."""
    for folder in ("input", "internal"):
        assert {mode(path) for path in (ran.out / folder).rglob("*") if path.is_file()} == {0o600}
        assert mode(ran.out / folder) == 0o700
    assert {mode(path) for path in ran.site.rglob("*.lock")} <= {0o600}
    assert {mode(path) for path in (ran.site / "public").rglob("*") if path.is_file()} == {0o644}


def mode(path: Path) -> int:
    """Return the permissions of a file or folder."""
    return stat.S_IMODE(path.stat().st_mode)


def test_the_report_gives_every_figure_in_total_and_none_of_an_agency(ran: demo.Ran, report: dict[str, Any]) -> None:
    assert all(type(report[name]) is int for name in FIGURES)
    assert all(seconds >= 0 for seconds in report["seconds"].values())
    shown = (ran.out / "report.json").read_text(encoding="utf-8")
    assert not [agency.id for agency in AGENCIES if agency.id in shown]
    said_again = report["admitted"] - report["deidentified"]  # the very same row twice comes out once
    assert 0 < said_again < report["duplicates"]
    internal = json.loads((ran.out / "internal" / "report.json").read_text(encoding="utf-8"))
    assert set(internal) == {agency.id for agency in AGENCIES}
    assert all(sum(one[name] for one in internal.values()) == report[name] for name in ("rows_read", "counted", "late"))


def test_what_became_of_every_agencys_rows_is_what_the_answer_key_says(ran: demo.Ran) -> None:
    """Rows of a year that is closed on the demo's day are late whatever else they are."""
    expected: Counter[tuple[str, str]] = Counter()
    with (ran.out / "input" / "answer-key" / "expected-outcomes.csv").open(encoding="utf-8", newline="") as text:
        for row in csv.DictReader(text):
            outcome = "late" if row["year"] <= CLOSED else COLUMN_OF.get(row["outcome"], row["outcome"])
            expected[row["agency"], outcome] += int(row["records"])
    with (ran.out / "input" / "answer-key" / "refused.csv").open(encoding="utf-8", newline="") as text:
        expected.update((row["agency"], "refused") for row in csv.DictReader(text))
    internal = json.loads((ran.out / "internal" / "report.json").read_text(encoding="utf-8"))
    names = ("refused", "counted", "duplicates", "superseded", "withdrawn", "out_of_scope", "late", "quarantined")
    found = Counter({(agency, name): one[name] for agency, one in internal.items() for name in names})
    assert +found == expected


def test_the_exact_counts_are_the_answer_keys_cell_by_cell(ran: demo.Ran, report: dict[str, Any]) -> None:
    counted = demo.counted_cells(ran.out / "internal" / "cells.csv")
    expected = demo.expected_cells(ran.out / "input" / "answer-key", closed=CLOSED)
    assert counted - expected == expected - counted == Counter()
    assert len(counted) == report["cells"] > 1_000


def test_every_table_is_there_as_csv_and_as_parquet_with_equal_content(ran: demo.Ran) -> None:
    parquet = {path.stem: pl.read_parquet(path) for path in (ran.out / "trend").glob("*.parquet")}
    assert set(parquet) == {table.name for table in POLICY.tables}
    for name, frame in parquet.items():
        assert frame.height > 0
        assert_frame_equal(frame, pl.read_csv(ran.out / "trend" / f"{name}.csv", schema=frame.schema))


def test_a_cell_has_a_value_if_and_only_if_it_is_published(ran: demo.Ran) -> None:
    told: Counter[str] = Counter()
    for path in sorted((ran.out / "trend").glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as text:
            for row in csv.DictReader(text):
                assert bool(row["value"]) == (row["cell_status"] == "published"), path.name
                told[row["cell_status"]] += 1
    assert told["published"]
    assert told["suppressed"]
    assert set(told) <= {"published", "suppressed", "withheld"}


def test_the_chart_loads_nothing_from_outside(ran: demo.Ran) -> None:
    text = (ran.out / "chart.html").read_text(encoding="utf-8")
    assert loading_attributes(text) == []
    assert "default-src 'none'" in text
    assert "connect-src" not in text
    assert "suppressed" in text


def test_the_chart_is_a_picture_of_a_size_to_read(ran: demo.Ran) -> None:
    raw = (ran.out / "chart.png").read_bytes()
    assert raw.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", raw[16:24])
    assert 400 <= width <= 10_000
    assert 200 <= height <= 20_000
    assert 10_000 < len(raw) < 20_000_000


def test_the_audit_log_verifies_offline_and_names_what_was_changed(ran: demo.Ran, tmp_path: Path) -> None:
    """One byte of each file of a copy, in its middle, is changed by one bit."""
    whole = demo.amana("audit", "verify", ran.out / "audit")
    assert whole.returncode == 0, whole.stderr
    for name in FILES:
        copy = tmp_path / name
        for part in ("audit", "public"):
            shutil.copytree(ran.out / part, copy / part)
        raw = bytearray((copy / "audit" / name).read_bytes())
        raw[len(raw) // 2] ^= 1
        (copy / "audit" / name).write_bytes(raw)
        done = demo.amana("audit", "verify", copy / "audit")
        assert done.returncode == 1, name
        assert NAMED.search(done.stderr), done.stderr
