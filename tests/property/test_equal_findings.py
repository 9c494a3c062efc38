"""Our engine finds what Presidio's engine finds with the same recognisers: equal spans, types and scores."""

from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import presidio_analyzer
import pytest
import regex  # type: ignore[import-untyped]  # ships no type information
from hypothesis import given, settings
from hypothesis import strategies as st

from anonymizer.detection import match_windows, pattern_recogniser, phone_numbering, presidio
from anonymizer.microdata.normalise import normalise
from tests.support import records
from tests.support.narratives import narratives
from tests.support.raw_events import shipped

RULES = shipped().text
ANALYZER = presidio.Analyzer(RULES)
NUMBERS = phone_numbering.Numbering(RULES.phone_regions)
GENERATED, DENSE, CORPUS = 2_000, 1_200, 2_000

VALUES = st.tuples(
    st.integers(0, 30), st.integers(1, 12), st.sampled_from(("URL", "DATE_TIME")), st.sampled_from((0, 0.4, 0.5, 1.0))
).map(lambda drawn: (drawn[0], drawn[0] + drawn[1], drawn[2], drawn[3]))
DIGITS = st.lists(
    st.sampled_from(
        ("0", "00", "+", "961", "3", "03", "7", "71", "123456", "12", "1998", " ", "-", "/", ".", "(", ")", " ext. ",
         "x", ",", ":30", "a", "\n", "é", "م", "%", "12345678901234567890123")
    ),
    max_size=24,
).map("".join)  # fmt: skip


def _unequal(texts: Iterable[tuple[str, str]]) -> list[int]:
    """Return the numbers, never the texts, of those for which the two engines differ."""
    normal = ((normalise(text).text, language) for text, language in texts)
    return [
        n
        for n, given_ in enumerate(normal)
        if ANALYZER.values_by_prefilter(*given_) != ANALYZER.values_by_presidio(*given_)
    ]


def test_records_of_a_hundred_words() -> None:
    assert _unequal(records.generated(GENERATED, seed=23)) == []


def test_texts_with_several_identifiers() -> None:
    assert _unequal((told.text, told.language) for told in islice(narratives(DENSE, seed=29), DENSE)) == []


@pytest.mark.shared
def test_texts_as_people_write_them(shared_dir: Path) -> None:
    """Court files, news and encyclopaedia articles in three languages, full of dates and of numbers of all kinds."""
    assert _unequal(records.corpus(shared_dir / "data" / "ner", CORPUS)) == []


@settings(max_examples=300, deadline=None)
@given(DIGITS)
def test_digits_in_any_company(text: str) -> None:
    assert NUMBERS.around_digits(text) == NUMBERS.everywhere(text)
    assert ANALYZER.values_by_prefilter(text, "en") == ANALYZER.values_by_presidio(text, "en")


@settings(max_examples=500, deadline=None)
@given(st.lists(VALUES, max_size=12))
def test_duplicates_are_removed_as_presidio_does(found: list[presidio.Value]) -> None:
    results = [presidio_analyzer.RecognizerResult(kind, start, end, score) for start, end, kind, score in found]
    kept = presidio_analyzer.EntityRecognizer.remove_duplicates(results)
    assert presidio.distinct(found) == sorted((r.start, r.end, r.entity_type, r.score) for r in kept)


@settings(max_examples=300, deadline=None)
@given(st.text("ab1. ", max_size=120))
def test_a_bounded_pattern_matches_near_its_ends_as_in_the_whole_text(text: str) -> None:
    written = r"(?<![a1])a[b1]{1,4}(?: b){0,2}(?!\.|b)"
    pattern = regex.compile(written, pattern_recogniser.FLAGS)
    ends = sorted({m.end() for m in pattern.finditer(text, overlapped=True)})
    near = match_windows.matches(pattern, text, ends, match_windows.reach(written), 1.0) if ends else ()
    assert [m.span() for m in near] == [m.span() for m in pattern.finditer(text)]


@pytest.mark.parametrize(("pattern", "wide"), [(r"(?<!\w)[0-9]{2,4}(?:a|bcd)?(?!x)", 9), (r"a+b", None), (r"(a", None)])
def test_how_far_a_pattern_looks(pattern: str, wide: int | None) -> None:
    assert match_windows.reach(pattern) == wide


@settings(max_examples=100, deadline=None)
@given(st.integers(800, 1100), st.sampled_from((" ", "x ", "مع ", "é, ")))
def test_a_value_across_the_border_of_two_chunks_is_found_whole(place: int, filler: str) -> None:
    text = (filler * place)[:place] + " lina.k@example.org +961 3 123 456 " + filler * 400
    found = {text[f.start : f.end] for f in ANALYZER.findings(text)}
    assert {"lina.k@example.org", "+961 3 123 456"} <= found
