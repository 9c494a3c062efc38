# ruff: noqa: RUF001 - letters of other scripts are the point of the examples
"""Known names by example: what counts as one name, and how much of the text around it belongs to it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anonymizer.microdata import name_matching, phonetic
from anonymizer.microdata.normalise import normalise
from anonymizer.microdata.record_identifiers import identifier_findings

SAME = (
    ("Mohammed", "Muhammad", "Mohamad", "Mehmet", "محمد", "Мухаммед", "Μοχάμεντ", "mo7ammed"),
    ("Khadija", "Khadidja", "Hatice", "خديجة"),
    ("Youssef", "Yusuf", "Yousif", "يوسف"),
    ("Noor", "Nour", "Nur", "نور"),
    ("Jamal", "Gamal", "Djamel", "Cemal", "جمال"),
    ("Abdulrahman", "Abdurrahman", "Abderrahmane", "عبدالرحمن"),
    ("Leila", "Layla", "Leyla", "ليلى", "Лейла"),
    ("Qasim", "Kassem", "Gasim", "قاسم"),
    ("Reza", "Rıza", "رضا"),
    ("Rida", "رضا"),
    ("Ayşe", "Aisha", "Aïcha", "عائشة"),
)
OTHER = (("Lina", "لانا"), ("Omar", "more"), ("نور", "near"), ("Khaled", "could"), ("عبد", "about"), ("Ali", "all"))
INFLECTED = (
    ("Tavri", "she met Tavri's brother", "Tavri's"),
    ("Tavri", "elle a vu l'Tavri", "Tavri"),
    ("Fatma", "Fatma'nın evi", "Fatma'nın"),
    ("Mehmet", "Mehmetin evi", "Mehmetin"),
    ("Narda Tavri", "N. Tavri came", "N. Tavri"),
    ("Narda Tavri", "TAVRI, Narda", "TAVRI, Narda"),
    ("Narda Tavri", "narda\ntavri", "narda\ntavri"),
    ("Narda Tavri", "@nardatavri", "nardatavri"),
    ("Narda Al-Tavri", "the al-Tavri house", "al-Tavri"),
    ("Abdel Rahman", "it was Abd al-Rahman", "Abd al-Rahman"),
    ("Abdulrahman", "قال عبد الرحمن", "عبد الرحمن"),
    ("تافري", "قال للتافري", "للتافري"),
    ("Karim", "قال وكريم", "وكريم"),
    ("Said", "قال سعيد", "سعيد"),
)


def _found(value: str, text: str) -> list[str]:
    form = normalise(text)
    return [text[f.start : f.end] for f in identifier_findings(form, {"prs_FirstName": value})]


@pytest.mark.parametrize("names", SAME, ids=lambda names: names[0])
def test_spellings_of_one_name_agree(names: tuple[str, ...]) -> None:
    plain = [normalise(name).text for name in names]
    apart = [(one, other) for one in plain for other in plain if not phonetic.same_name(one, other)]
    assert apart == []


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_other_words_do_not(one: str, other: str) -> None:
    assert not phonetic.same_name(normalise(one).text, normalise(other).text)


@pytest.mark.parametrize(("value", "text", "mention"), INFLECTED)
def test_what_belongs_to_a_name_is_masked_with_it(value: str, text: str, mention: str) -> None:
    assert mention in _found(value, text)


def test_common_words_are_names_only_as_they_are_written() -> None:
    assert _found("مي", "the way to me and my house") == []
    assert _found("Will", "Will said she will go") == ["Will", "will"]


def test_no_known_names_find_nothing() -> None:
    assert list(name_matching.matcher_of([]).spans("Narda Tavri", "narda tavri")) == []


@given(st.text(max_size=40), st.text(max_size=12))
def test_a_name_is_found_in_any_text_that_holds_it(around: str, name: str) -> None:
    letters = "".join(c for c in normalise(name).text if c.isalpha())
    if len(letters) > 1:
        text = f"{around} . {letters} . {around}"
        form = normalise(text)
        start = len(f"{around} . ")
        spans = [(f.start, f.end) for f in identifier_findings(form, {"prs_FirstName": letters})]
        assert any(a <= start and start + len(letters) <= b for a, b in spans)
