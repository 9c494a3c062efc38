# ruff: noqa: RUF001 - the look-alikes are the point of the tables
"""Twelve tricks that hide a value from patterns while people still read it; seeded where there is a choice."""

import random
from collections.abc import Callable

__all__ = ["DISGUISES"]

_LATIN, _ALIKE = "aeopcxyABEHKMOPCTX", "аеорсхуАВЕНКМОРСТХ"


def _digits(zero: int) -> Callable[[random.Random, str], str]:
    return lambda _, value: value.translate({ord(str(d)): chr(zero + d) for d in range(10)})


def _within(mark: str) -> Callable[[random.Random, str], str]:
    def disguise(draw: random.Random, value: str) -> str:
        places = {draw.randrange(1, len(value)) for _ in range(draw.randint(1, 3))}
        return "".join(mark + c if place in places else c for place, c in enumerate(value))

    return disguise


def _wide(_: random.Random, value: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in value)


def _overridden(_: random.Random, value: str) -> str:
    """Write a value backwards and have it shown forwards."""
    return f"\u202e{value[::-1]}\u202c" if value.isascii() else f"\u202e{value}\u202c"


def _torn(draw: random.Random, value: str) -> str:
    """Break the line at a space if there is one, else anywhere within."""
    places = [place for place, c in enumerate(value) if c == " "]
    if places:
        place = draw.choice(places)
        return f"{value[:place]}\n{value[place + 1 :]}"
    place = draw.randrange(2, len(value) - 1)
    return f"{value[:place]}\n{value[place:]}"


DISGUISES: dict[str, Callable[[random.Random, str], str]] = {
    "zero-width": _within("\u200b"),
    "soft hyphen": _within("\u00ad"),
    "bidi override": _overridden,
    "full width": _wide,
    "Arabic-Indic digits": _digits(0x0660),
    "Persian digits": _digits(0x06F0),
    "tatweel": _within("\u0640"),
    "homoglyphs": lambda _, value: value.translate(str.maketrans(_LATIN, _ALIKE)),
    "no-break space": lambda _, value: value.replace(" ", "\u00a0"),
    "combining marks": _within("\u0301"),
    "mixed case": lambda draw, value: "".join(draw.choice((c.lower(), c.upper())) for c in value),
    "line break": _torn,
}
