"""Structured identifiers disguised by tricks of Unicode are found, and the whole disguise is masked."""

from collections.abc import Callable

import pytest

from anonymizer.engines.presidio import LANGUAGES, Analyzer
from anonymizer.microdata import replace
from tests.support.raw_events import shipped

VALUES = (
    "+961 70 123 456", "lina.k@example.org", "LB62 0999 0000 0001 0019 0122 9114", "12/03/1998", "4111 1111 1111 1111",
    "123-45C67890", "29803120123456", "RL1234567", "10.1.2.3", "https://example.com/a17",
)  # fmt: skip


def _between(mark: str) -> Callable[[str], str]:
    return mark.join


def _digits(zero: int) -> Callable[[str], str]:
    return lambda value: value.translate({ord(str(d)): chr(zero + d) for d in range(10)})


TRICKS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "zero-width space": _between("\u200b"),
    "soft hyphen": _between("\u00ad"),
    "bidi override": lambda value: f"\u202e{value}\u202c",
    "bidi inside": _between("\u200f"),
    "full width": lambda value: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in value),
    "Arabic-Indic digits": _digits(0x0660),
    "Persian digits": _digits(0x06F0),
    "tatweel": _between("\u0640"),
    "no-break space": lambda value: value.replace(" ", "\u00a0"),
    "thin space": lambda value: value.replace(" ", "\u2009"),
    "combining marks": _between("\u0307"),
    "line break": lambda value: value.replace(" ", "\n"),
    "other hyphens": lambda value: value.replace("-", "\u2011"),
}


@pytest.fixture(scope="module")
def analyzer() -> Analyzer:
    return Analyzer(shipped().text)


@pytest.mark.parametrize("trick", TRICKS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_of_a_disguised_value_is_left(analyzer: Analyzer, trick: str, language: str) -> None:
    before, after = {"en": ("wrote ", " then"), "fr": ("note ", " ensuite"), "ar": ("كتبت ", " ثم")}[language]
    for value in VALUES:
        disguised = TRICKS[trick](value)
        text = before + disguised + after
        masked = replace.replaced(text, analyzer.findings(text, language), shipped().text.replace)
        left = masked.removeprefix(before.rstrip()).removesuffix(after.lstrip()).strip(" \u202e\u202c")
        assert left.startswith("["), (value, masked)
        assert left.endswith("]"), (value, masked)
