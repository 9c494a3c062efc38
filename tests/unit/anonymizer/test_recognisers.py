# ruff: noqa: RUF001 - look-alike characters are what is tested
"""Identifiers that are found in each language, and ordinary text that is not."""

import pytest

from anonymizer.detection import checksums
from anonymizer.detection.presidio import LANGUAGES, Analyzer, language_of
from tests.support.narratives import narratives
from tests.support.raw_events import patterns


@pytest.fixture(scope="module")
def analyzer() -> Analyzer:
    return Analyzer(patterns())


FOUND = (
    ("PHONE_NUMBER", "+961 3 123 456"), ("PHONE_NUMBER", "03/123456"), ("PHONE_NUMBER", "٠٣/١٢٣٤٥٦"),
    ("PHONE_NUMBER", "00963 944 123 456"), ("PHONE_NUMBER", "+964 770 123 4567"), ("PHONE_NUMBER", "0100 123 4567"),
    ("EMAIL_ADDRESS", "a.person@example.org"), ("EMAIL_ADDRESS", "a.person＠example.org"),
    ("EMAIL_ADDRESS", "a\u200b.person@exa\u00admple.org"), ("EMAIL_ADDRESS", "lina (at) example (dot) org"),
    ("DATE_TIME", "12/03/1998"), ("DATE_TIME", "١٢/٠٣/١٩٩٨"), ("DATE_TIME", "1998-03-12"),
    ("DATE_TIME", "12 March 1998"),
    ("DATE_TIME", "March 12, 1998"), ("DATE_TIME", "12 février 1998"), ("DATE_TIME", "1er août 1998"),
    ("DATE_TIME", "12 آذار 1998"), ("DATE_TIME", "١٢ كانون الثاني ١٩٩٨"), ("DATE_TIME", "12 رمضان 1441"),
    ("URL", "https://example.com/a?b=c"), ("URL", "t.me/somebody"), ("IP_ADDRESS", "10.1.2.3"),
    ("IP_ADDRESS", "2001:db8::1"), ("CREDIT_CARD", "4111 1111 1111 1111"), ("CREDIT_CARD", "٤١١١ ١١١١ ١١١١ ١١١١"),
    ("CASE_NUMBER", "123-45C67890"), ("CASE_NUMBER", "123-45-67890"), ("CASE_NUMBER", "LBN/2021/00123"),
    ("NATIONAL_ID", "29803120123456"), ("NATIONAL_ID", "784-1990-1234567-1"), ("NATIONAL_ID", "10000000146"),
    ("NATIONAL_ID", "35202-1234567-1"), ("PASSPORT", "RL1234567"),
    ("IBAN_CODE", "SA0380000000608010167519"), ("IBAN_CODE", "LB62 0999 0000 0001 0019 0122 9114"),
    ("IBAN_CODE", "TN5910006035183598478831"), ("IBAN_CODE", "JO94CBJO0010000000000131000302"),
)  # fmt: skip


@pytest.mark.parametrize(("entity", "value"), FOUND)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_value_is_found_whole_in_every_language(analyzer: Analyzer, entity: str, value: str, language: str) -> None:
    text = f"x {value} yesterday"
    spans = [text[f.start : f.end] for f in analyzer.findings(text, language) if f.type == entity]
    assert value in spans


@pytest.mark.parametrize(
    "text",
    ["She was 17 and earned 300 a month.", "at 12:30:45 in room 14", "Il a travaillé 16 heures par jour.",
     "عملت ست عشرة ساعة في اليوم", "may and march are verbs", "version 1.2 of 3 pages", "the case worker said"],
)  # fmt: skip
def test_plain_words_and_small_numbers_are_left_alone(analyzer: Analyzer, text: str) -> None:
    assert analyzer.findings(text) == []


def test_the_word_behind_a_24_character_iban_is_kept(analyzer: Analyzer) -> None:
    text = "pay SA0380000000608010167519 yesterday"
    assert [(f.start, f.end) for f in analyzer.findings(text) if f.type == "IBAN_CODE"] == [(4, 28)]


def test_a_context_word_makes_a_weak_shape_sure(analyzer: Analyzer) -> None:
    assert not [f for f in analyzer.findings("number of rows: 1234567") if f.type == "NATIONAL_ID"]
    assert [f for f in analyzer.findings("رقم الهوية 1234567") if f.type == "NATIONAL_ID"]


def test_checksums() -> None:
    assert checksums.luhn("4111111111111111")
    assert not checksums.luhn("4111111111111112")
    assert checksums.turkey("10000000146") == 1.0
    assert checksums.iran("0499370899") == 0.8
    assert checksums.mod97("GB82WEST12345698765432")


def test_language_is_told_by_tag_then_by_script() -> None:
    assert language_of("hello", "ar") == "ar"
    assert language_of("قالت إنها بخير", None) == "ar"
    assert language_of("la femme est dans une maison et elle parle", "xx") == "fr"
    assert language_of("she is well") == "en"


def test_planted_values_are_found_in_generated_narratives(analyzer: Analyzer) -> None:
    for told in narratives(400, seed=11):
        found = [(f.start, f.end) for f in analyzer.findings(told.text, told.language)]
        for start, end, kind in told.planted:
            assert any(a <= start and b >= end for a, b in found), (kind, told.text[start:end])


def test_a_value_across_the_border_of_two_chunks_is_found() -> None:
    rules = patterns(chunk_characters=200, overlap_characters=60)
    analyzer = Analyzer(rules)
    for shift in range(150, 230, 7):
        text = "x " * (shift // 2) + "mail lina.k@example.org " + "y " * 60
        start = text.index("lina")
        assert any(f.start <= start and f.end >= start + 18 for f in analyzer.findings(text)), shift
