# ruff: noqa: RUF001 - look-alike characters are what is tested
"""Structured identifiers disguised by twelve tricks of Unicode are found, and the whole disguise is covered."""

import random
from collections import Counter
from collections.abc import Callable

import pytest

from anonymizer.detection import recognisers
from anonymizer.detection.presidio import Analyzer
from anonymizer.microdata.normalise import forms
from tests.support.identities import Identity, identities
from tests.support.raw_events import shipped

Trick = Callable[[random.Random, str], str]
_LATIN, _ALIKE = "aeopcxyijsABEHKMOPCTX", "аеорсхуіјѕАВЕНКМОРСТХ"
_GREEK = str.maketrans("oAvBEHKMNTXZ", "οΑνΒΕΗΚΜΝΤΧΖ")


def _within(mark: str) -> Trick:
    return lambda _, value: mark.join(value)


def _digits(zero: int) -> Trick:
    return lambda _, value: value.translate({ord(str(d)): chr(zero + d) for d in range(10)})


def _torn(draw: random.Random, value: str) -> str:
    """Break the line somewhere within."""
    place = draw.randrange(2, len(value) - 1)
    return value[:place].rstrip() + "\n" + value[place:].lstrip()


TRICKS: dict[str, Trick] = {
    "as it is": lambda _, value: value,
    "zero-width": _within("\u200b"),
    "soft hyphen": _within("\u00ad"),
    "bidi override": lambda _, value: f"\u202e{value[::-1]}\u202c" if value.isascii() else f"\u202e{value}\u202c",
    "bidi marks": _within("\u200f"),
    "full width": lambda _, value: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in value),
    "Arabic-Indic digits": _digits(0x0660),
    "Persian digits": _digits(0x06F0),
    "tatweel": _within("\u0640"),
    "homoglyphs": lambda draw, value: value.translate(draw.choice((str.maketrans(_LATIN, _ALIKE), _GREEK))),
    "no-break space": lambda _, value: value.replace(" ", "\u00a0"),
    "thin space": lambda _, value: value.replace(" ", "\u2009"),
    "combining marks": _within("\u0307"),
    "mixed case": lambda draw, value: "".join(draw.choice((c.lower(), c.upper())) for c in value),
    "line break": _torn,
    "other hyphens": lambda _, value: value.replace("-", "\u2011"),
}
EACH = 8
LEAST = 0.998


@pytest.fixture(scope="module")
def analyzer() -> Analyzer:
    return Analyzer(shipped(entities=tuple(sorted(recognisers.ENTITIES))).text)


def covered(analyzer: Analyzer, language: str, identity: Identity, disguised: str) -> bool:
    """Say whether every letter and digit of the disguised value lies in some finding of some reading."""
    text = identity.before + disguised + identity.after
    found: set[int] = set()
    for form in forms(text):
        for start, end, _, _ in analyzer.values_by_prefilter(form.text, language):
            found.update(range(*form.span(start, end)))
    start = len(identity.before)
    return all(place in found for place in range(start, start + len(disguised)) if text[place].isalnum())


def test_a_disguised_value_is_covered_whole(analyzer: Analyzer) -> None:
    """Of every type, in three languages, under every trick."""
    draw = random.Random(20)
    missed: Counter[tuple[str, str, str]] = Counter()
    cases = 0
    for trick, disguise in TRICKS.items():
        for language, identity in identities(EACH, seed=cases):
            cases += 1
            if not covered(analyzer, language, identity, disguise(draw, identity.value)):
                missed[trick, identity.type, language] += 1
    assert cases >= 6000
    assert missed.total() <= (1 - LEAST) * cases, missed.most_common()


def test_the_words_around_a_disguised_value_are_kept(analyzer: Analyzer) -> None:
    for language, identity in identities(1, seed=3):
        text = identity.before + identity.value + identity.after
        end = len(identity.before) + len(identity.value)
        found = analyzer.findings(text, language)
        assert all(finding.end <= end for finding in found if finding.start < end), identity
        assert not any(finding.start >= end for finding in found), identity
