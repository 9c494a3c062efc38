"""Coarse values of single raw values."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anonymizer.microdata import generalise, pseudonym, receipt
from schemas import codelists


@given(st.integers(0, 130))
def test_an_age_lies_in_its_band(age: int) -> None:
    low, _, high = generalise.age_band(age).rstrip("+").partition("--")
    assert int(low) <= age <= int(high or 200)


def test_the_bands_are_those_of_the_code_list() -> None:
    assert set(codelists.labels("ageBroad")) == set(generalise.AGE_BANDS)


@pytest.mark.parametrize(
    ("date", "level", "coarse"),
    [("2023-04-17", "month", "2023-04"), ("2023-04", "month", "2023-04"), ("2023", "month", "2023"),
     ("2023-04-17", "year", "2023")],
)  # fmt: skip
def test_a_period_is_never_finer_than_the_date_or_the_policy(date: str, level: str, coarse: str) -> None:
    assert generalise.period(date, level) == coarse  # type: ignore[arg-type]  # a literal in the table above


def test_every_gender_and_status_of_the_standard_has_a_coarse_value() -> None:
    assert {generalise.gender(code) for code in codelists.labels("prs_Gender")} == {"F", "M", "X", "unknown"}
    statuses = {generalise.status(code) for code in codelists.labels("vic_TraffickingStatus")}
    assert statuses == {"possible", "confirmed", "not-a-victim"}


def test_several_citizenships_do_not_single_anybody_out() -> None:
    assert [generalise.citizenship(c) for c in (None, [], ["SYR"], ["SYR", "SYR"], ["SYR", "LBN"])] == [
        "unknown", "unknown", "SYR", "SYR", "multiple",
    ]  # fmt: skip


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32), st.text(), st.text())
def test_a_token_depends_on_key_year_and_subject(one: bytes, other: bytes, a: str, b: str) -> None:
    token = pseudonym.person_token(one, "2023", a)
    assert len(token) == 32
    assert (token == pseudonym.person_token(other, "2023", a)) == (one == other)
    assert (token == pseudonym.person_token(one, "2023", b)) == (a == b)
    assert token != pseudonym.person_token(one, "2024", a)


def test_a_digest_ignores_the_order_of_fields() -> None:
    content = {"a": 1, "b": ["x"], "c": None}
    digests = {pseudonym.content_digest(b"k", dict(order)) for order in itertools.permutations(content.items())}
    assert len(digests) == 1


@given(st.integers(1, 10**7))
def test_a_bucket_holds_its_count_and_tells_only_its_decade(count: int) -> None:
    low, high = map(int, receipt.decade(count).split("-"))
    assert low <= count <= high
    assert high in {10**n for n in range(1, 8)}
    assert receipt.decade(0) == "0"
