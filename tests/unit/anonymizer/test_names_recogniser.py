"""The shipped models find names in texts with and without capitals, one by one and together."""

from importlib import resources

import pytest

from anonymizer.names import recogniser, spans
from schemas.errors import ConfigurationError

NARRATIVE = (
    "Mrs Peri Quastel was born in 1991 and left Aleppo on 4 March 2019. In Beirut a man called Rashid Haddad took her "
    "passport. Quastel told the officer, and Mr Haddad was arrested."
)


def _texts(text: str, found: list[tuple[int, int, str, float]]) -> list[str]:
    return [text[start:end] for start, end, _, _ in found]


@pytest.fixture(scope="module")
def english() -> recogniser.Readers:
    return recogniser.Readers({"en": recogniser.THRESHOLDS["en"]})


def test_names_places_and_dates_are_found(english: recogniser.Readers) -> None:
    masked = " | ".join(_texts(NARRATIVE, english.find(NARRATIVE, "en")))
    for name in ("Peri Quastel", "Aleppo", "Beirut", "Rashid Haddad", "4 March 2019", "1991"):
        assert name in masked


def test_a_text_without_capitals_is_read_by_a_model_of_its_own(english: recogniser.Readers) -> None:
    masked = " | ".join(_texts(NARRATIVE, english.find(NARRATIVE.lower(), "en"))).lower()
    for name in ("quastel", "aleppo", "beirut", "haddad", "4 march 2019"):
        assert name in masked


def test_a_score_is_the_probability_of_being_part_of_an_identifier(english: recogniser.Readers) -> None:
    for _, _, kind, score in english.find(NARRATIVE, "en"):
        assert kind in spans.ENTITIES
        assert 1 - recogniser.THRESHOLDS["en"] < score <= 1


def test_texts_read_together_hold_what_each_holds_alone(english: recogniser.Readers) -> None:
    texts = [NARRATIVE, "", NARRATIVE.lower(), "Nobody came.", NARRATIVE.split(". ")[1]]
    readers = recogniser.Readers({"en": recogniser.THRESHOLDS["en"]})
    for together, text in zip(readers.find_all(texts, "en"), texts, strict=True):
        alone = english.find(text, "en")
        assert [found[:3] for found in together] == [found[:3] for found in alone]
        assert [found[3] for found in together] == pytest.approx([found[3] for found in alone])


def test_an_empty_text_holds_nothing(english: recogniser.Readers) -> None:
    assert english.find("", "en") == []
    assert english.find("\n \n", "en") == []


def test_a_language_without_a_model_is_refused_at_the_start() -> None:
    with pytest.raises(ConfigurationError, match="CFG-025"):
        recogniser.Readers({"xx": 0.99})


def test_the_models_are_small() -> None:
    folder = resources.files("anonymizer.names").joinpath("models")
    files = [*folder.iterdir(), *(f for one in folder.iterdir() if one.is_dir() for f in one.iterdir())]
    assert sum(len(one.read_bytes()) for one in files if one.is_file()) < 20_000_000
