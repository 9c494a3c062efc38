"""Bank accounts and payment cards.

Part of the catalogue (`recognisers`). A number that fails its check digits is still found, with a lower score.

Called by: `anonymizer.detection.recognisers`, which builds the recognisers of a policy from these rules.

Invariants: those of `anonymizer.detection.recognisers` (linear patterns, an invented example for each rule).
"""

from collections.abc import Iterator
from typing import Final

from anonymizer.detection import checksums, pattern_recogniser
from anonymizer.detection.pattern_recogniser import START, PatternRule, Subject

__all__ = ["CARD", "IBAN", "Iban"]

CARD: Final = Subject(
    "CREDIT_CARD",
    (
        PatternRule(
            "card",
            rf"{START}(?<!\-)[2-6](?:[\s\-]{{0,2}}[0-9]){{12,18}}(?![0-9])",
            0.2,
            checksums.card,
            example="4111 1111 1111 1111",
            source="ISO/IEC 7812-1: 13 to 19 digits, Luhn",
        ),
    ),
    ("card", "visa", "master", "credit", "carte", "بطاقة", "بطاقته", "بطاقتها", "فيزا"),
)

IBAN: Final = Subject(
    "IBAN_CODE",
    (
        PatternRule(
            "iban",
            r"(?<![A-Z0-9])[A-Z]{2}[0-9]{2}(?:[\s\-.]{0,2}[A-Z0-9]){11,30}",
            0.3,
            hint=r"[A-Z]{2}[0-9]{2}[\s\-.]{0,2}[A-Z0-9]",
            example="LB62 0999 0000 0001 0019 0122 9114",
            where="AE BH DJ EG IL IQ JO KW LB LY MR OM PS QA SA SD SO TN TR YE and the rest of the registry; DZ IR MA",
            source="ISO 13616 registry, ISO 7064 mod 97-10; DZ IR MA as their banks write them",
        ),
    ),
    ("iban", "bank", "account", "compte", "banque", "حساب", "آيبان", "مصرف", "بنك"),
)


class Iban(pattern_recogniser.PatternRecogniser):
    """The recogniser of IBANs of every country of the registry."""

    # Presidio's own pattern also takes the word after a 24-character IBAN and then rejects both. Here the country code
    # tells how many characters belong to the number.

    _MOSTLY: Final = 2
    _MISTYPED: Final = 0.5

    def find(self, text: str, fired: pattern_recogniser.Fired = None) -> Iterator[pattern_recogniser.Span]:
        """Yield IBANs whose check digits hold, and with a lower score those of the right length that fail them."""
        pattern, base, _ = self.rules[0]
        for match in pattern.finditer(text, timeout=self.seconds, overlapped=True):
            places = [i for i in range(match.start(), match.end()) if text[i].isalnum()]  # without spaces and signs
            length = checksums.iban_length(text[places[0]] + text[places[1]])
            if length is None or len(places) < length:
                continue
            value = "".join(text[i] for i in places[:length])
            start, end = match.start(), places[length - 1] + 1
            if checksums.mod97(value):
                yield start, end, 1.0
            elif end == len(text) or not text[end].isalnum():
                mostly_digits = sum(map(str.isdigit, value)) * self._MOSTLY > length  # else it may be plain words
                yield start, end, self.boosted(text, start, self._MISTYPED if mostly_digits else base, fired)
