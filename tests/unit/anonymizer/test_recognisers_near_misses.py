# ruff: noqa: RUF001 - Arabic letters are words here
"""Check digits and shapes: valid values, values with one wrong digit, and values that are no identifiers."""

import pytest

from anonymizer.detection import checksums, recognisers
from anonymizer.detection.presidio import Analyzer
from tests.support.raw_events import shipped


@pytest.fixture(scope="module")
def analyzer() -> Analyzer:
    return Analyzer(shipped(entities=tuple(sorted(recognisers.ENTITIES - {"PHONE_NUMBER"}))).text)


@pytest.mark.parametrize(
    ("check", "valid", "miss"),
    [
        (checksums.kuwait, "285010112358", "285010112359"),
        (checksums.saudi, "1234567897", "1234567898"),
        (checksums.turkey, "10000000146", "10000000147"),
        (checksums.iran, "0499370899", "0499370898"),
        (checksums.egypt, "29803120112345", "29813120112345"),
        (checksums.emirates, "784-1990-1234567-6", "784-1990-1234567-7"),
        (checksums.imei, "352099001761481", "352099001761482"),
        (checksums.card, "4111111111111111", "4111111111111112"),
        (checksums.iran, "0499370899", "1111111111"),
    ],
)
def test_a_valid_number_is_surer_than_its_near_miss(check: checksums.Score, valid: str, miss: str) -> None:
    sure, unsure = check(valid), check(miss)
    assert sure > unsure > 0


@pytest.mark.parametrize(
    ("country", "length"),
    [("SA", 24), ("LB", 28), ("JO", 30), ("EG", 29), ("IQ", 23), ("YE", 30), ("LY", 25), ("TR", 26)],
)
def test_the_length_of_an_account_is_its_countrys(country: str, length: int) -> None:
    assert checksums.iban_length(country) == length


def test_an_account_with_a_wrong_digit_is_still_found(analyzer: Analyzer) -> None:
    for value in ("SA0380000000608010167519", "SA0380000000608010167518"):
        assert any(f.type == "IBAN_CODE" and f.end - f.start == 24 for f in analyzer.findings(f"pay {value} yesterday"))


@pytest.mark.parametrize(
    "text",
    ["under COVID-19 rules, the mid-2004 report", "resolution 1325 of the council", "she paid EUR 200000 for it",
     "12 people in the street", "the 2005/2006 season", "it may be enough for 12", "he was at the table",
     "300000000 metres a second", "enemy. At this point the man left", "article 3 of the act", "F-16 and A-4 planes",
     "room 12, seat 14", "une route de 17 kilometres", "17 ans de prison", "في عام كامل", "خمسة ملايين سيارة"],
)  # fmt: skip
def test_ordinary_words_and_numbers_are_left(analyzer: Analyzer, text: str) -> None:
    assert analyzer.findings(text) == []


@pytest.mark.parametrize(
    ("entity", "text", "value"),
    [
        ("AGE", "a girl aged seventeen came", "aged seventeen"),
        ("AGE", "في السابعة عشرة من عمرها كانت", "السابعة عشرة من عمرها"),
        ("AGE", "وعمرها سبعة عشر عاما فقط", "سبعة عشر عاما"),
        ("AGE", "une femme âgée de dix-sept ans part", "dix-sept ans"),
        ("DATE_TIME", "في ١٢ كانون الثاني/يناير ١٩٩٨ جاء", "١٢ كانون الثاني/يناير ١٩٩٨"),
        ("DATE_TIME", "يوم 12 ذي الحجة 1441هـ جاء", "12 ذي الحجة 1441"),
        ("DATE_TIME", "she was born in 1998 there", "1998"),
        ("COORDINATES", "عند 33°53'38\"N 35°30'06\"E تماما", "33°53'38\"N 35°30'06\"E"),
        ("HANDLE", "see facebook.com/lina.k17, then", "facebook.com/lina.k17"),
        ("HANDLE", "wa.me/96170123456 now", "wa.me/96170123456"),
        ("EMAIL_ADDRESS", "to لينا@مثال.اختبار now", "لينا@مثال.اختبار"),
        ("ADDRESS", "in محلة 123 زقاق 45 دار 6 هناك", "دار 6"),
        ("CREDIT_CARD", "البطاقة 4111 1111 1111 1111 سرقت", "4111 1111 1111 1111"),
        ("PLATE", "لوحة السيارة أ ب ج 1234 بيضاء", "أ ب ج 1234"),
        ("NATIONAL_ID", "رقم السجل 123 هنا", "123"),
    ],
)
def test_what_people_write_is_found_whole(analyzer: Analyzer, entity: str, text: str, value: str) -> None:
    start = text.index(value)
    found = [f for f in analyzer.findings(text) if f.type == entity]
    assert any(f.start <= start and f.end >= start + len(value) for f in found), found


def test_the_fast_way_equals_presidio_for_every_entity(analyzer: Analyzer) -> None:
    for subject in recognisers.SUBJECTS:
        for rule in subject.rules:
            text = f"x {rule.example} and {rule.example}"
            assert analyzer.values_by_prefilter(text, "en") == analyzer.values_by_presidio(text, "en"), rule.name
