"""Features of Arabic words: stems, skeletons, lists. Names are invented or the commonest there are."""

import hashlib
import json
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anonymizer.microdata.normalise import normalise
from anonymizer.names import arabic, lexicon, recogniser
from anonymizer.names.features_ar import FEATURES
from anonymizer.names.tokens import LINE_BREAK

FEATURES.here("كتاب")  # the lists load here, outside any example's deadline
ARABIC_WORDS = st.text("ابتثجحخدذرزسشصضطظعغفقكلمنهوي", min_size=1, max_size=12)


@pytest.mark.parametrize(
    ("word", "stem", "taken"),
    [
        ("والمدينه", "مدينه", "wa"),
        ("بالمدينه", "مدينه", "ba"),
        ("للمدينه", "مدينه", "la"),
        ("المدينه", "مدينه", "a"),
        ("مدينه", "مدينه", ""),
        ("ولد", "ولد", ""),
    ],
)
def test_a_stem_is_what_remains_without_conjunction_preposition_and_article(word: str, stem: str, taken: str) -> None:
    assert arabic.split(word) == (stem, taken)


@given(ARABIC_WORDS)
def test_a_stem_ends_the_word_and_is_never_empty(word: str) -> None:
    stem, _ = arabic.split(word)
    assert stem
    assert word.endswith(stem)


@pytest.mark.parametrize(("written", "latin"), [("ماركوس", "markos"), ("شارلوت", "charlotte"), ("فيكتور", "victor")])
def test_a_foreign_name_sounds_alike_in_both_scripts(written: str, latin: str) -> None:
    assert arabic.skeleton(written) == arabic.latin_skeleton(latin)


@given(st.text(max_size=12))
def test_a_latin_skeleton_holds_the_letters_of_an_arabic_one(name: str) -> None:
    assert set(arabic.latin_skeleton(name.lower())) <= set("bdfgklmnrstzS")


@pytest.mark.parametrize("name", ["ar_given", "ar_family", "ar_countries", "ar_places", "ar_place_words"])
def test_a_list_is_spelled_as_text_is_folded(name: str) -> None:
    """An unfolded entry would never be met."""
    assert [word for word in lexicon.words(name) if normalise(word).text != word] == []


def test_roles_are_spelled_as_text_is_folded() -> None:
    assert [word for word in lexicon.classes("ar_roles") if normalise(word).text != word] == []


def test_a_nisba_and_a_country_are_told_apart() -> None:
    assert "x=Nc" in FEATURES.here("لبناني")
    assert "x=C" in FEATURES.here("لبنان")


@given(st.one_of(ARABIC_WORDS, st.text(min_size=1, max_size=8).filter(str.strip), st.just(LINE_BREAK)), ARABIC_WORDS)
def test_no_feature_spans_lines_or_stands_twice(one: str, other: str) -> None:
    """Feature names are lines of a model file's header; a doubled one would count twice."""
    for found in (FEATURES.here(one), FEATURES.around(one), FEATURES.pair(one, other)):
        assert len(set(found)) == len(found)
    assert LINE_BREAK not in "".join(FEATURES.pair(LINE_BREAK, other))


def test_the_shipped_model_reads_invented_names() -> None:
    """Names of no list, after a role and between verbs."""
    text = normalise("قال السيد طرزوق الكنداشي لوكالة الأنباء أمس إن زعبول مرقاصي وصل إلى بيروت قادما من دمشق.").text
    found = recogniser.Readers({"ar": recogniser.THRESHOLDS["ar"]}).find(text, "ar")
    covered = " ".join(text[start:end] for start, end, _, _ in found)
    for name in ("طرزوق", "الكنداشي", "زعبول", "مرقاصي", "بيروت", "دمشق"):
        assert name in covered


def test_the_model_is_kept_apart_with_its_licence_and_its_card() -> None:
    """A share-alike model without its licence beside it could not be passed on."""
    folder = resources.files("anonymizer.names") / "models" / "share-alike"
    card = json.loads((folder / "ar.json").read_text(encoding="utf-8"))
    assert "CC BY-SA 4.0" in (folder / "LICENSE.md").read_text(encoding="utf-8")
    assert card["share_alike"]
    assert card["sha256"] == hashlib.sha256((folder / "ar.bin").read_bytes()).hexdigest()
