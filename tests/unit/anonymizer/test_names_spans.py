"""Masked spans: tokens are masked by the threshold, names are found again, neighbours are united."""

import numpy as np

from anonymizer.names import spans
from anonymizer.names.tokens import tokenise

LABELS = ("O", "KEEP", "PERSON", "LOC")


def _found(text: str, persons: dict[str, float], threshold: float = 0.9) -> list[spans.MaskedSpan]:
    """Spans of a text whose given words are a person with the given probability at their first occurrence."""
    tokens, left = tokenise(text), dict(persons)
    rows = []
    for form in tokens.forms:
        sure = left.pop(form, 0.0)
        rows.append([1 - sure, 0.0, sure, 0.0])
    marks = spans.threshold(np.array(rows), LABELS, threshold)
    spans.propagate(tokens.forms, marks, part=lambda form: form[0].isupper() and form != "Mrs")
    return spans.spans(text, tokens, marks)


def test_a_word_is_masked_where_it_is_not_surely_clear() -> None:
    assert _found("then Velmar left", {"Velmar": 0.2}) == [(5, 11, "PERSON", 0.19999999999999996)]
    assert _found("then Velmar left", {"Velmar": 0.05}) == []


def test_what_an_annotator_left_in_clear_counts_as_clear() -> None:
    marks = spans.threshold(np.array([[0.1, 0.88, 0.01, 0.01]]), LABELS, 0.9)
    assert not marks.masked[0]


def test_words_of_a_name_are_one_span_and_its_parts_are_found_again() -> None:
    text = "Peri Quastel came. Mrs Quastel, called Peri, said that Quastels stay."
    assert [text[a:b] for a, b, _, _ in _found(text, {"Peri": 0.9, "Quastel": 0.9})] == [
        "Peri Quastel",
        "Quastel",
        "Peri",
    ]


def test_what_is_masked_in_doubt_is_not_looked_for_elsewhere() -> None:
    text = "Perhaps Velmar. Later Velmar."
    assert len(_found(text, {"Velmar": 0.2})) == 1


def test_a_lone_capital_behind_a_rank_is_a_person_with_the_rank() -> None:
    """A point before the letter, a longer word or no rank leaves it as it was."""
    text = "le caporal G vint, le caporal. G vint, le vent G vint, le caporal Go vint"
    tokens = tokenise(text)
    marks = spans.threshold(np.array([[1.0, 0.0, 0.0, 0.0]] * len(tokens.forms)), LABELS, 0.9)
    spans.mask_initials(tokens.forms, marks, {"caporal"})
    assert spans.spans(text, tokens, marks) == [(3, 12, "PERSON", 1.0)]


def test_signs_and_line_breaks_alone_are_no_span() -> None:
    text = "He said: Velmar.\nThen"
    assert [text[a:b] for a, b, _, _ in _found(text, {":": 0.9, "Velmar": 0.9, ".": 0.9, "\n": 0.9})] == ["Velmar"]


def test_a_name_broken_over_two_lines_is_one_span_where_the_break_is_masked_too() -> None:
    text = "Peri\nQuastel"
    assert [found[:2] for found in _found(text, {"Peri": 0.9, "\n": 0.2, "Quastel": 0.9})] == [(0, 12)]
