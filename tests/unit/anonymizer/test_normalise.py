# ruff: noqa: RUF001 - look-alike characters are what is tested
"""Laws of the readings of a text: spans map back, letters are folded, values are joined or turned round."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anonymizer.microdata.lookalikes import skeleton
from anonymizer.microdata.normalise import Normalised, forms, normalise

TRICKS = "\u200b\u00ad\u202e\u202c\u0640\u00a0\u064e١٣۴Ａ＠éأＢﬁ…аеоΟВ\n\r- .\ufe70\u0085①"
TEXTS = st.text(
    st.one_of(st.characters(codec="utf-8"), st.sampled_from(TRICKS), st.sampled_from("ab19@.")), max_size=60
)


def spans(form: Normalised) -> list[tuple[int, int]]:
    return [form.span(i, i + 1) for i in range(len(form.text))]


@given(TEXTS)
def test_every_character_of_every_reading_maps_to_a_span_of_the_original(text: str) -> None:
    for form in forms(text):
        assert all(0 <= a < b <= len(text) for a, b in spans(form))
        assert len(form.text) == len(spans(form))
        assert all(0 <= place < len(form.text) for place in form.news)


@given(TEXTS)
def test_places_ascend_where_no_override_turns_words_round(text: str) -> None:
    for form in forms(text.replace("\u202e", "")):
        assert spans(form) == sorted(spans(form))


@given(TEXTS)
def test_the_first_reading_is_the_normal_form_and_the_others_differ(text: str) -> None:
    first, *further = forms(text)
    assert first == normalise(text)
    assert first.news == ()
    assert all(form.news for form in further)


@given(TEXTS)
def test_normalising_twice_is_normalising_once(text: str) -> None:
    once = normalise(text).text
    assert normalise(once).text == once


@given(TEXTS)
def test_the_skeleton_keeps_places_and_is_its_own_skeleton(text: str) -> None:
    read = skeleton(normalise(text).text)
    assert len(read) == len(normalise(text).text)
    assert skeleton(read) == read


@given(st.text(st.characters(codec="ascii")))
def test_ascii_is_untouched(text: str) -> None:
    assert normalise(text) == Normalised(text, None, None)


@given(TEXTS)
def test_nothing_invisible_is_left(text: str) -> None:
    for form in forms(text):
        assert not {unicodedata.category(c) for c in form.text} & {"Cf", "Mn", "Me"}


@pytest.mark.parametrize(
    ("text", "read"),
    [("lіnа.k@exаmple.org", "lina.k@example.org"), ("ΑВ123", "AB123"), ("12О/3l", "120/31"), ("СА", "CA"),
     ("784-199O", "784-1990"), ("Москва", "Москва"), ("Αθήνα", "Αθήνα"), ("hello", "hello"), ("I am 17", "I am 17")],
)  # fmt: skip
def test_look_alikes_are_read_as_latin_and_honest_words_are_left(text: str, read: str) -> None:
    assert skeleton(text) == read


@pytest.mark.parametrize(
    ("text", "value"),
    [("to lina.k@exam\nple.org now", "lina.k@example.org"), ("born 12 Mar\nch 1998", "12 March 1998"),
     ("id 2980312\r\n0123456.", "29803120123456"), ("mail lina@exam-\nple.org", "lina@example.org"),
     ("file 123-\n45C67890", "123-45C67890"), ("see lina@example.\norg", "lina@example.org"),
     ("from \u202egro.elpmaxe@anil\u202c then", "lina@example.org"), ("اسمها لي\nنا حداد", "لينا")],
)  # fmt: skip
def test_a_torn_or_turned_value_is_read_whole_and_masked_whole(text: str, value: str) -> None:
    form = next(form for form in forms(text) if value in form.text)
    at = form.text.index(value)
    start, end = form.span(at, at + len(value))
    assert form.differs(at, at + len(value))
    assert not form.differs(0, 1)
    assert text[start:end].strip("\u202e\u202c").replace("\n", "").replace("\r", "").replace("-", "")
    assert start > 0
    assert text[start - 1] in " \u202e"


@pytest.mark.parametrize(
    "text", ["She left.\nThen he came.", "THE FACTS\n\nThe woman", "the facts\nThe woman", "a,\nb"]
)
def test_lines_that_end_a_sentence_or_a_title_are_not_joined(text: str) -> None:
    assert len(forms(text)) == 1


@pytest.mark.parametrize(
    ("written", "folded"),
    [("١٢٣۴۵", "12345"), ("ＬＢ６２", "LB62"), ("a\u00a0b\u2009c", "a b c"), ("مـحـمـد", "محمد"), ("أَحْمَد", "احمد"),
     ("ﻣﺤﻤﺪ", "محمد"), ("é\u0301", "e"), ("x\u202ey\u202c", "xy"), ("12\u201103", "12-03"), ("ہ", "ه"), ("①②", "12")],
)  # fmt: skip
def test_one_spelling_for_many(written: str, folded: str) -> None:
    assert normalise(written).text == folded
