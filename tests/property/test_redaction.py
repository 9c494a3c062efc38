# ruff: noqa: RUF001 - look-alike characters are what is tested
"""Laws of normalisation, united findings and known identities."""

import itertools
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from anonymizer.microdata import redaction
from anonymizer.microdata.normalise import normalise
from anonymizer.microdata.record_identifiers import identifier_findings
from anonymizer.microdata.redaction import Finding

TRICKS = "\u200b\u00ad\u202e\u0640\u00a0\u064e１٣۴Ａ＠éأＢﬁ…"
TEXTS = st.text(st.one_of(st.characters(codec="utf-8"), st.sampled_from(TRICKS)), max_size=80)


@given(TEXTS)
def test_every_normalised_character_maps_to_a_span_of_the_original(text: str) -> None:
    folded = normalise(text)
    spans = [folded.span(i, i + 1) for i in range(len(folded.text))]
    assert all(0 <= a < b <= len(text) for a, b in spans)
    assert spans == sorted(spans)


@given(TEXTS)
def test_spans_leave_out_only_what_was_dropped_at_the_start(text: str) -> None:
    """A mask over the whole normalised text covers the original from its first visible character to its end."""
    folded = normalise(text)
    if folded.text:
        start, end = folded.span(0, len(folded.text))
        assert end == len(text)
        assert not normalise(text[:start]).text


@given(TEXTS)
def test_normal_text_is_free_of_marks_and_invisible_characters(text: str) -> None:
    assert not {unicodedata.category(c) for c in normalise(text).text} & {"Cf", "Mn", "Me"}


@given(TEXTS)
def test_the_short_way_for_texts_without_tricks_gives_the_same_text(text: str) -> None:
    assert normalise(text).text == normalise("\u200b" + text).text


@given(st.text("0123456789+-/ abc@."))
def test_plain_text_is_left_alone(text: str) -> None:
    assert normalise(text).text == text


FINDINGS = st.lists(
    st.tuples(st.integers(0, 59), st.integers(1, 20), st.sampled_from("AB"), st.sampled_from((0.4, 1.0))).map(
        lambda t: Finding(t[0], min(60, t[0] + t[1]), t[2], t[3])
    ),
    max_size=8,
)


@given(FINDINGS)
def test_united_findings_are_apart_and_cover_the_same_characters(findings: list[Finding]) -> None:
    united = redaction.united(findings)
    assert all(a.end <= b.start for a, b in itertools.pairwise(united))
    covered = {i for f in findings for i in range(f.start, f.end)}
    assert {i for f in united for i in range(f.start, f.end)} == covered


WRITTEN = (
    ("prs_FirstName", "Maryam", "she said MARYAM left", "MARYAM"),
    ("prs_FirstName", "مريم", "قالت لمريم ذلك", "مريم"),
    ("prs_FirstName", "أحمد", "وصل احمد أمس", "احمد"),
    ("prs_SecondName", "Al-Khoury Haddad", "the Haddad family", "Haddad"),
    ("prs_MobilePhone", "+96170123456", "call 70/123 456 now", "70/123 456"),
    ("prs_MobilePhone", "+96170123456", "call ٠٠٩٦١٧٠١٢٣٤٥٦", "٠٠٩٦١٧٠١٢٣٤٥٦"),
    ("prs_IdentityNumber", "199812345678", "id 1998 1234 5678.", "1998 1234 5678"),
    ("prs_Email", "nour@example.org", "to NOUR@EXAMPLE.ORG!", "NOUR@EXAMPLE.ORG"),
    ("prs_FirstName", "Maryam", "M\u200bar\u00adyam was there", "M\u200bar\u00adyam"),
)  # fmt: skip


def test_known_identities_are_found_however_they_are_written() -> None:
    for field, value, text, mention in WRITTEN:
        start = text.index(mention)
        spans = [(f.start, f.end) for f in identifier_findings(normalise(text), {field: value})]
        assert any(a <= start and b >= start + len(mention) for a, b in spans), (value, text, spans)


def test_known_names_do_not_mask_words_that_contain_them() -> None:
    assert identifier_findings(normalise("an example of samples"), {"prs_FirstName": "Sam"}) == []
