"""Laws of tokens and spans, whatever the text."""

import itertools
from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from anonymizer.names import spans
from anonymizer.names.tokens import LINE_BREAK, LONGEST_PIECE, pieces, tokenise

TEXTS = st.text(alphabet="abcXYZ 019.,;-'\n\téم", max_size=200)


@given(TEXTS)
def test_tokens_cover_every_character_that_is_no_space(text: str) -> None:
    tokens = tokenise(text)
    covered = {place for start, end in tokens.spans for place in range(start, end)}
    assert all(place in covered or character.isspace() for place, character in enumerate(text))
    assert all(text[a:b] == form or form == LINE_BREAK for form, (a, b) in zip(tokens.forms, tokens.spans, strict=True))


@given(st.lists(st.sampled_from(["word", ".", LINE_BREAK, ";"]), max_size=300))
def test_pieces_are_short_and_leave_no_token_out(forms: Sequence[str]) -> None:
    bounds = pieces(forms)
    assert bounds[0] == 0
    assert bounds[-1] == len(forms)
    assert all(0 < length <= LONGEST_PIECE for length in np.diff(bounds))


@given(TEXTS, st.randoms(use_true_random=False))
def test_spans_are_in_order_apart_and_cover_every_masked_word(text: str, random) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001 - a generator of Hypothesis's
    tokens = tokenise(text)
    rows = [[p := random.random(), 1 - p] for _ in tokens.forms]
    marks = spans.threshold(np.array(rows).reshape(-1, 2), ("O", "PERSON"), 0.5)
    spans.propagate(tokens.forms, marks, part=str.isalpha)
    found = spans.spans(text, tokens, marks)
    assert found == sorted(found)
    assert all(first[1] <= second[0] for first, second in itertools.pairwise(found))
    for (start, end), masked, form in zip(tokens.spans, marks.masked, tokens.forms, strict=True):
        if masked and form[0].isalnum():
            assert any(a <= start and end <= b for a, b, _, _ in found)


def _marks(probabilities: list[float]) -> spans.MaskedTokens:
    rows = np.array([[1 - p, p] for p in probabilities])
    return spans.threshold(rows, ("O", "PERSON"), 0.99)


@given(st.lists(st.sampled_from(["the", "Rana", "of", "a", "room"]), min_size=1, max_size=12), st.data())
def test_sparing_idle_words_uncovers_nothing_else(forms: list[str], data: st.DataObject) -> None:
    """An unmasked token is an idle word, unsure, in a run of idle words alone."""
    risk = st.sampled_from([0.0, 0.2, 0.9])
    marks = _marks(data.draw(st.lists(risk, min_size=len(forms), max_size=len(forms))))
    before = marks.masked.copy()
    spans.unmask_idle(forms, marks, {"the", "of", "a"})
    for place in np.flatnonzero(before & ~marks.masked):
        assert forms[place] in {"the", "of", "a"}
        assert marks.clear[place] >= 0.5
        assert not any(marks.masked[near] for near in (place - 1, place + 1) if 0 <= near < len(forms))
    assert not (marks.masked & ~before).any()


@given(st.floats(0.0, 1.0), st.floats(1.0, 5.0))
def test_a_weight_masks_no_less(risk: float, weight: float) -> None:
    """A type that counts for more is masked wherever it was masked before."""
    rows = np.array([[1 - risk, risk]])
    plain = spans.threshold(rows, ("O", "DEM"), 0.9).masked
    heavy = spans.threshold(rows, ("O", "DEM"), 0.9, {"DEM": weight}).masked
    assert not (plain & ~heavy).any()
