"""How often two agencies' spellings of one person meet, and how often two persons do; prints, and holds a floor."""

import random
from collections import Counter
from collections.abc import Sequence

from connectors.ingest.event.person_key import normal_form
from tests.support.spellings import family_name, given_name, in_arabic, in_latin

PERSONS = 4_000


def drawn(seed: int) -> list[tuple[str, str]]:
    """Draw given and family names as they stand in Arabic, Persian or Latin letters."""
    draw = random.Random(seed)
    return [
        (given_name(draw, locale), family_name(draw, locale))
        for locale in draw.choices(("ar_AA", "fa_IR", "tr_TR"), k=PERSONS)
    ]


def typo(draw: random.Random, word: str) -> str:
    """Leave a letter out, double it, swap it with the next, or write another for it."""
    place = draw.randrange(len(word))
    other = draw.choice("abdefghiklmnorstuyz")
    swapped = word[:place] + word[place + 1 : place + 2] + word[place] + word[place + 2 :]
    return draw.choice(
        (
            word[:place] + word[place + 1 :],
            word[:place] + word[place] + word[place:],
            swapped,
            word[:place] + other + word[place + 1 :],
        )
    )


def share(pairs: Sequence[tuple[tuple[str, ...], tuple[str, ...]]]) -> float:
    """Return the share of pairs with one normal form."""
    return sum(normal_form(one) == normal_form(other) for one, other in pairs) / len(pairs)


def test_spellings_meet_as_often_as_the_page_says() -> None:
    draw = random.Random(7)
    people = drawn(1)
    latin = [(tuple(in_latin(draw, n) for n in p), tuple(in_latin(draw, n) for n in p)) for p in people]
    across = [(tuple(in_latin(draw, n) for n in p), tuple(in_arabic(draw, n) for n in p)) for p in people]
    turned = [(one, one[::-1]) for one, _ in latin]
    misspelt = [(one, (typo(draw, one[0]), one[1])) for one, _ in latin]
    found = {
        "two Latin spellings": share(latin),
        "Latin and Arabic": share(across),
        "order turned": share(turned),
        "one typing error": share(misspelt),
    }
    print("\n" + ", ".join(f"{name} {value:.3f}" for name, value in found.items()))
    assert found["order turned"] == 1
    assert found["two Latin spellings"] > 0.85
    assert found["Latin and Arabic"] > 0.75
    assert found["one typing error"] > 0.6


def test_different_persons_rarely_meet() -> None:
    """Of two persons drawn at random from one birth year, how many share a key: a count that would be one too low."""
    people = sorted(set(drawn(2)))
    forms = Counter(normal_form(p) for p in people)
    meeting = sum(n * (n - 1) for n in forms.values()) / (len(people) * (len(people) - 1))
    print(f"\npairs of different names with one key: {meeting:.2e}")
    assert meeting < 1e-4
