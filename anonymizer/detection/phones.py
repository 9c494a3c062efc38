"""Telephone numbers of the policy's regions, in national or international form.

Two rules:
    - valid number: libphonenumber's matcher takes it for a number of any of the regions (`phone_numbering`).
    - digit groups: it has the digits of a number, by the numbering plans or merely by their count, but not the usual
      form; the fewer signs there are, the lower the score, and context words such as `tel` raise it.

Called by: `recognisers.build`, for the entity PHONE_NUMBER.

Invariants:
- Numbers that the second rule finds within one candidate do not overlap; of those that begin at one group of digits the
  longest is taken.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import phonenumbers
import regex  # type: ignore[import-untyped]  # ships no type information

from anonymizer.detection import pattern_recogniser, phone_numbering

__all__ = ["Phone"]

_KINDS: Final = ("fixed_line", "mobile", "toll_free", "premium_rate", "shared_cost", "voip", "personal_number", "uan")
_CANDIDATE: Final = r"(?<![\w+])[+(0-9](?:[\s().\-/~+]{0,3}[0-9]){5,18}(?![0-9])"
_HINT: Final = r"[0-9](?:[\s().\-/~]{0,3}[0-9]){5}"
_GROUP: Final = regex.compile(r"[0-9]+")
_NEAR: Final = pattern_recogniser.context(
    "phone", "tel", "mobile", "cell", "call", "whatsapp", "viber", "fax", "contact", "hotline", "portable", "appel",
    "numero", "numéro", "joindre", "هاتف", "تلفون", "تليفون", "جوال", "موبايل", "رقم", "واتس", "اتصل", "اتصال", "خلوي",
)  # fmt: skip
_SHORTEST: Final = 6
_LONGEST: Final = 15  # digits of a number with its country code: ITU-T E.164
_INTERNATIONAL, _COUNTRY_CODE, _NATIONAL, _BARE = 0.75, 0.5, 0.4, 0.2


class Phone(pattern_recogniser.PatternRecogniser):
    """The recogniser of telephone numbers for some regions (ISO 3166-1 alpha-2).

    Raises:
        ConfigurationError: CFG-022, a region without telephone numbers.
    """

    def __init__(self, regions: Sequence[str], language: str, seconds: float) -> None:
        valid = pattern_recogniser.PatternRule("valid number", phone_numbering.HINT, _NATIONAL)
        loose = pattern_recogniser.PatternRule("digit groups", _CANDIDATE, _NATIONAL, hint=_HINT)
        super().__init__("PHONE_NUMBER", [valid, loose], _NEAR, language, seconds)
        self.numbering = phone_numbering.Numbering(regions)
        self.national = regex.compile("|".join(sorted({_plan(region) for region in regions})))
        codes = sorted({str(phonenumbers.country_code_for_region(region)) for region in regions})
        self.coded = regex.compile(rf"(?:{'|'.join(codes)})[0-9]{{6,11}}")
        every = sorted(map(str, phonenumbers.COUNTRY_CODE_TO_REGION_CODE))
        self.international = regex.compile(rf"(?:{'|'.join(every)})[0-9]{{4,12}}")

    def find(self, text: str, fired: pattern_recogniser.Fired = None) -> Iterator[pattern_recogniser.Span]:
        """Yield valid numbers, and the longest number that starts at each digit group of other candidates."""
        if fired is None:  # Presidio's engine
            places = self.numbering.everywhere(text)
        else:
            places = self.numbering.around_digits(text) if 0 in fired else set()
        for start, end in places:
            yield start, end, self.boosted(text, start, _NATIONAL, fired)
        if fired is None or 1 in fired:
            pattern, _, _ = self.rules[1]
            for match in pattern.finditer(text, timeout=self.seconds):
                yield from self._numbers(text, match.span(), fired)

    def _numbers(
        self, text: str, span: tuple[int, int], fired: pattern_recogniser.Fired
    ) -> Iterator[pattern_recogniser.Span]:
        """Yield the numbers within one candidate, a chain of digit groups; none overlap."""
        start, end = span
        groups = [m.span() for m in _GROUP.finditer(text, start, end)]
        first = 0
        while first < len(groups):
            last, score = self._longest(text, start, groups, first)
            if last is None:
                first += 1
                continue
            begin = start if first == 0 else groups[first][0]
            yield begin, groups[last][1], self.boosted(text, begin, score, fired)
            first = last + 1

    def _longest(
        self, text: str, start: int, groups: Sequence[tuple[int, int]], first: int
    ) -> tuple[int | None, float]:
        """Return the last group and the score of the longest number from group `first` on, (None, 0) if there is none.

        `start` is where the candidate begins and `groups` are the spans of its digit groups.
        """
        plus = first == 0 and "+" in text[start : groups[0][0]]
        # The longest first: a national number may be the beginning of an international one.
        for last in range(len(groups) - 1, first - 1, -1):
            digits = "".join(text[a:b] for a, b in groups[first : last + 1])
            score = (
                self._score(digits, plus=plus) if _SHORTEST <= len(digits) <= _LONGEST + 2 else 0
            )  # 2: the prefix 00
            if score:
                return last, score
        return None, 0

    def _score(self, digits: str, *, plus: bool) -> float:
        """Return the score of some digits as one number, 0 if they are none."""
        if plus:
            return _INTERNATIONAL if self.international.fullmatch(digits) else 0
        if digits.startswith("00") and self.international.fullmatch(digits, 2):
            return _INTERNATIONAL
        if self.national.fullmatch(digits):
            return _NATIONAL
        if self.coded.fullmatch(digits):
            return _COUNTRY_CODE
        return _BARE if len(digits) <= _LONGEST else 0


def _plan(region: str) -> str:
    """Return the pattern of a region's national numbers with an optional trunk prefix."""
    data = phone_numbering.metadata(region)
    kinds = (getattr(data, kind) for kind in _KINDS)
    numbers = sorted({kind.national_number_pattern for kind in kinds if kind and kind.national_number_pattern})
    prefix = f"(?:{data.national_prefix})?" if data.national_prefix else ""
    return f"{prefix}(?:{'|'.join(numbers)})"
