"""The released row: one record and one digest, whoever computes them."""

from dataclasses import replace
from itertools import groupby

import pytest

from schemas import catalogue, codec
from schemas.trend import TrendRow, region_id, rows_digest
from tests.support.releases import a_row

TREND = catalogue.load("trend").parsed
EXACT = a_row()
FEW = a_row(value=None, status="suppressed", table="tötal", dimensions={"b": "x", "a": "_T"})
NOISY = replace(EXACT, scheme="ro-cairo", region="gulf", sd=7.4, lo90=28.2, hi90=-52.6e-20, k=0)
WHOLE = replace(NOISY, estimate=-0.4, known=310.2, missing=12.7, agencies=3, certainty="too_uncertain")
DIGEST = "5aa7d39597edcb5773ffc9d599af946c72435e7183f498ad974839e76fde384f"
"""Of the three rows, computed before the row had a module of its own: digests in existing logs must stay valid."""


def read_again(row: TrendRow) -> TrendRow:
    """Send a row through its topic and back."""
    return TrendRow.from_record(codec.decode(codec.encode(1, TREND, row.record()), {1: TREND}))


@pytest.mark.parametrize("row", [EXACT, FEW, NOISY, WHOLE])
def test_a_row_that_was_sent_and_read_is_the_same_row(row: TrendRow) -> None:
    assert read_again(row) == row
    assert read_again(row).record() == row.record()
    assert TrendRow.from_record(row.record()) == row


def test_the_record_has_the_fields_of_the_schema_and_of_exact_rows_the_uncertainty_is_left_out() -> None:
    names = [field.name for field in catalogue.load("trend").fields]
    assert list(WHOLE.record()) == names
    assert list(EXACT.record()) == names[: names.index("sd")]
    assert FEW.record()["value"] is None, "a withheld value is told as null, never left out"


def test_the_digest_of_rows_does_not_change_with_the_code() -> None:
    assert rows_digest({"levant": [EXACT, FEW], "ro-cairo-gulf": [NOISY]}) == DIGEST


def test_the_feed_computes_the_digest_from_what_it_reads() -> None:
    topics = {"levant": [EXACT, FEW], "ro-cairo-gulf": [NOISY]}
    rows = [read_again(row) for sent in topics.values() for row in sent]
    assert rows_digest({region: list(group) for region, group in groupby(rows, lambda row: row.region_id)}) == DIGEST


@pytest.mark.parametrize("other", [replace(EXACT, value=43), replace(EXACT, sd=0.0), replace(EXACT, dimensions={})])
def test_another_row_another_region_or_another_order_is_another_digest(other: TrendRow) -> None:
    digests = {
        rows_digest(feeds)
        for feeds in (
            {"levant": [EXACT, FEW]},
            {"levant": [FEW, EXACT]},
            {"pave": [EXACT, FEW]},
            {"levant": [other, FEW]},
        )
    }
    assert len(digests) == 4


def test_a_scheme_of_one_region_is_not_named_twice() -> None:
    assert region_id("pave", "pave") == "pave"
    assert region_id("ro-cairo", "gulf") == "ro-cairo-gulf"
