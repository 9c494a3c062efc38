"""Every rule finds its example, scans foreign text in little time, and has a hint that matches wherever it does."""

import pytest
import regex  # type: ignore[import-untyped]  # ships no type information

from anonymizer.detection import recognisers
from anonymizer.detection.pattern_recogniser import FLAGS, PatternRecogniser
from anonymizer.microdata.normalise import normalise

ENTITIES = sorted(recognisers.ENTITIES - {"PHONE_NUMBER"})
MADE = dict(zip(ENTITIES, recognisers.build(ENTITIES, [], "en", 2.0), strict=True))
EXAMPLES = [
    (subject.entity, index, rule.example)
    for subject in recognisers.SUBJECTS
    for index, rule in enumerate(subject.rules)
]
CARRIERS = ("{}", "x {}, then", "(see {})", "قال {} ثم", "voir {}.")


def spans(made: PatternRecogniser, text: str, index: int) -> list[str]:
    """Return what one rule alone finds."""
    pattern, score, check = made.rules[index]
    found = [m["value"] if "value" in pattern.groupindex else m[0] for m in pattern.finditer(text)]
    return [one for one in found if score and (check is None or check(one) != 0)]


@pytest.mark.parametrize(("entity", "index", "example"), EXAMPLES)
def test_a_rule_finds_its_example_in_any_sentence(entity: str, index: int, example: str) -> None:
    for carrier in CARRIERS:
        text = normalise(carrier.format(example)).text
        found = spans(MADE[entity], text, index)
        assert any(one in normalise(example).text for one in found), (carrier, found)


@pytest.mark.parametrize(("entity", "index", "example"), EXAMPLES)
def test_a_hint_matches_wherever_its_rule_does(entity: str, index: int, example: str) -> None:
    made = MADE[entity]
    hint = regex.compile(made.hints[index], FLAGS)
    for written in (example, example.upper(), example.lower(), example.replace(" ", "\n")):
        text = normalise(f"a {written} b").text
        for match in made.rules[index][0].finditer(text):
            assert hint.search(match[0]) or hint.search(text, match.start() - 1, match.end() + 1), written


@pytest.mark.parametrize("entity", ENTITIES)
@pytest.mark.parametrize("piece", [".", "1", "1 ", "a", "a.", "a@", "-1", "<", "A<", "و ", "12/", ":", "1.1", "@", " "])
def test_no_rule_takes_long_over_a_repeated_piece(entity: str, piece: str) -> None:
    """Presidio's known blow-ups cost seconds for 8 kB; a policy allows two."""
    text = (piece * 8000)[:8000]
    assert len(list(MADE[entity].find(text))) <= len(text)


def test_every_entity_says_what_it_needs_to_say() -> None:
    for subject in recognisers.SUBJECTS:
        for rule in subject.rules:
            assert rule.example, rule.name
            assert rule.source, rule.name
