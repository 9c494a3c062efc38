"""Features of French words: digits, lists, and flags from elsewhere in the document."""

import hashlib
import json
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anonymizer.microdata.normalise import normalise
from anonymizer.names import lexicon, recogniser
from anonymizer.names.features_fr import FEATURES
from anonymizer.names.tokens import LINE_BREAK, tokenise

FEATURES.here("Livre")  # the lists load here, outside any example's deadline
WORDS = st.from_regex(r"\w{1,12}", fullmatch=True)


@pytest.mark.parametrize(
    ("form", "kind"),
    [("12", "D"), ("45", "B"), ("1998", "Y"), ("7100", "4"), ("1er", "O"), ("46087", "5"), ("A4", "Z")],
)
def test_a_number_is_told_by_what_it_can_be(form: str, kind: str) -> None:
    assert f"k={kind}" in FEATURES.around(form)


def test_months_peoples_and_countries_need_no_capital() -> None:
    assert "x=month" in FEATURES.here("decembre")
    assert "x=people" in FEATURES.here("libanaise")
    assert "x=country" in FEATURES.here("liban")


@pytest.mark.parametrize("form", ["sœur", "Sœurs", "soeur"])
def test_a_ligature_is_looked_up_as_two_letters(form: str) -> None:
    """The folding of texts leaves it whole; the lists do not have it."""
    assert "x=kin" in FEATURES.here(form)


def test_a_word_after_a_title_is_flagged_wherever_it_stands() -> None:
    tokens = tokenise("M. Tavelin est venu. Plus tard, Tavelin partit.")
    titled = FEATURES.flags(tokens.forms)["titled"].tolist()
    assert [form for form, flag in zip(tokens.forms, titled, strict=True) if flag] == ["Tavelin", "Tavelin"]


def test_a_capital_that_is_also_small_elsewhere_is_flagged() -> None:
    tokens = tokenise("Maison vendue. La maison est vide.")
    flags = FEATURES.flags(tokens.forms)
    assert flags["small"].tolist()[0]
    assert not flags["never small"].tolist()[0]


@pytest.mark.parametrize("name", ["fr_countries", "fr_ranks"])
def test_a_list_is_spelled_as_text_is_folded(name: str) -> None:
    """An unfolded entry would never be met."""
    assert [word for word in lexicon.words(name) if normalise(word).text.lower() != word] == []


def test_classes_of_words_are_spelled_as_text_is_folded() -> None:
    assert [word for word in lexicon.classes("fr_words") if normalise(word).text.lower() != word] == []


@given(WORDS, WORDS)
def test_no_feature_stands_twice(one: str, other: str) -> None:
    for found in (FEATURES.here(one), FEATURES.around(one), FEATURES.pair(one, other)):
        assert len(set(found)) == len(found)


@given(st.lists(st.one_of(WORDS, st.just(LINE_BREAK)), max_size=20))
def test_flags_hold_one_value_per_token(forms: list[str]) -> None:
    assert all(len(values) == len(forms) for values in FEATURES.flags(forms).values())


def test_the_shipped_model_reads_an_invented_narrative() -> None:
    """Names of no list, a date, a case number, a place."""
    text = normalise(
        "Le 14 décembre 1998, Mme Orvaline Tazoubert fut arrêtée à Beyrouth par M. Kertchoul. Sa requête (no 41234/98) "
        "fut rejetée le 3 mars 2001."
    ).text
    found = recogniser.Readers({"fr": 0.99}).find(text, "fr")
    covered = " ".join(text[start:end] for start, end, _, _ in found)
    for word in ("14 decembre 1998", "Orvaline", "Tazoubert", "Beyrouth", "Kertchoul", "41234/98", "3 mars 2001"):
        assert word in covered


def test_the_card_belongs_to_the_model() -> None:
    folder = resources.files("anonymizer.names") / "models"
    card = json.loads((folder / "fr.json").read_text(encoding="utf-8"))
    assert card["sha256"] == hashlib.sha256((folder / "fr.bin").read_bytes()).hexdigest()
