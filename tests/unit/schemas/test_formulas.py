"""No guarded text begins like a formula, and each comes back as it was."""

from hypothesis import given
from hypothesis import strategies as st

from schemas.formulas import guarded, unguarded

BEGINNINGS = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
texts = st.one_of(st.text(), st.text("'=+-@\t\r\nax\uff1d", max_size=6))


@given(text=texts)
def test_a_guarded_text_comes_back_and_begins_no_formula(text: str) -> None:
    """For every text, also one that looks guarded already."""
    assert not guarded(text).startswith(BEGINNINGS)
    assert unguarded(guarded(text)) == text


@given(one=texts, other=texts)
def test_two_texts_stay_two_texts(one: str, other: str) -> None:
    """Else two codes of a table would become one."""
    assert (guarded(one) == guarded(other)) == (one == other)
