"""The catalogue of recognisers: entity type → rules and context words, one table for all three languages.

Decides which shapes are looked for. What has no public specification is matched by shape plus context, and says so.
Every pattern is linear: its repetitions are bounded and its start is anchored by a lookbehind.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

from anonymizer.engines import checks, dates, phones, shape
from anonymizer.engines.shape import Rule, Shape, context

__all__ = ["ENTITIES", "Iban", "build"]

_LABEL: Final = r"[^\W_](?:[\w\-]{0,61}[^\W_])?"
_TLD: Final = (
    "com|org|net|info|gov|edu|int|mil|biz|io|me|co|app|eu|uk|us|fr|de|ch|lb|jo|iq|tr|sy|eg|kw|sa|ae|ir|af|pk|ps|qa|om|ye|bh"
    "|ly|tn|dz|ma|sd|example|test"
)

_EMAIL: Final = (
    Rule("address", rf"(?<![\w.+\-@])[\w.!#$%&'*+/=?^`{{|}}~\-]{{1,64}}@{_LABEL}(?:\.{_LABEL}){{1,8}}", 1.0, hint="@"),
    Rule(
        "spelled out",
        rf"(?<![\w.+\-])[\w.+\-]{{1,64}}\s?[\[(]\s?(?:at|arobase)\s?[\])]\s?{_LABEL}(?:\s?(?:\.|[\[(]\s?(?:dot|point)\s?[\])])\s?{_LABEL}){{1,4}}",
        0.8,
        hint=r"[\[(]\s?(?:at|arobase)\s?[\])]",
    ),
)
_URL: Final = (
    Rule("scheme", r"(?<!\w)(?:https?|ftp)://[^\s<>\"'،]{1,500}", 0.9, hint="://"),
    Rule("www", r"(?<![\w.@/])www\.[^\s<>\"'،]{1,500}", 0.9, hint=r"www\."),
    Rule(
        "domain",
        rf"(?<![\w.@/\-])(?:[a-z0-9][a-z0-9\-]{{0,62}}\.){{1,6}}(?:{_TLD})(?![\w\-])(?:/[^\s<>\"']{{0,500}})?",
        0.5,
        hint=rf"\.(?:{_TLD})",
    ),
)
_IP: Final = (
    Rule("IPv4", r"(?<![\w.])[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?:/[0-9]{1,2})?(?![\w.]*[0-9])", 0.8, checks.ip),
    Rule("IPv6", r"(?<![\w:.])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?![\w:])", 0.8, checks.ip),
)
_CARD: Final = (Rule("card", r"(?<![\w\-])[2-6](?:[\s\-]?[0-9]){12,18}(?![0-9])", 0.2, checks.card),)
_CASE: Final = (
    Rule("UNHCR", r"(?<![\w\-])[0-9]{3}-[0-9]{2}(?:[A-Z]|-)[0-9]{5}(?![\w\-])", 0.9),
    Rule("UNHCR registration group", r"(?<![\w\-])[A-Z]{3}-[0-9]{8}(?![\w\-])", 0.8),
    Rule("agency", r"(?<![\w\-/])[A-Z]{2,8}(?:[\-/][A-Z0-9]{1,8}){0,3}[\-/][0-9]{2,10}(?![\w])", 0.5),
    Rule("year and number", r"(?<![\w\-/.])(?:19|20)[0-9]{2}/[0-9]{3,8}(?![\w/])", 0.4),
    Rule(
        "named",
        r"(?:case|file|ref(?:erence)?|dossier|affaire|ملف|قضيه|الملف|القضيه|حاله|الحاله)\s{0,2}"
        r"(?:no|n[o°]|num(?:ber|ero|éro)?|nr|رقم|id|#)?\s{0,2}[.:#°]{0,2}\s{0,2}(?P<value>(?=[A-Z\-/]{0,12}[0-9])"
        r"[A-Z0-9][A-Z0-9\-/]{2,19})(?!\w)",
        0.6,
    ),
)
_NATIONAL: Final = (
    Rule("Emirates", r"(?<![\w\-])784-?[0-9]{4}-?[0-9]{7}-?[0-9](?![\w])", 0.9),
    Rule("CNIC", r"(?<![\w\-])[0-9]{5}-[0-9]{7}-[0-9](?![\w\-])", 0.9),
    Rule("Egypt", r"(?<!\w)[23][0-9]{13}(?!\w)", 0.5, checks.egypt),
    Rule("Turkey", r"(?<!\w)[1-9][0-9]{10}(?!\w)", 0.45, checks.turkey),
    Rule("Saudi", r"(?<!\w)[12][0-9]{9}(?!\w)", 0.45, checks.saudi),
    Rule("Iran", r"(?<!\w)[0-9]{10}(?!\w)", 0.45, checks.iran),
    Rule("long number", r"(?<![\w\-])[0-9]{9,15}(?!\w)", 0.4),
    Rule("number", r"(?<![\w\-])[0-9]{5,8}(?!\w)", 0.2),
)  # Egypt, Iraq, Syria, Jordan, Lebanon, Kuwait: shape only, no public specification
_PASSPORT: Final = (Rule("passport", r"(?<![\w\-/])[A-Z]{1,3}[ \-]?[0-9]{6,9}(?![\w\-/])", 0.45),)

_CARD_WORDS: Final = context("card", "visa", "master", "credit", "carte", "بطاقه", "فيزا")
_CASE_WORDS: Final = context(
    "case", "file", "ref", "dossier", "affaire", "unhcr", "registration", "ملف", "قضيه", "رقم", "حاله"
)
_ID_WORDS: Final = context(
    "id", "identity", "national", "nin", "ssn", "iqama", "residen", "identité", "identite", "carte", "numéro", "numero",
    "cnic", "kimlik", "registry", "registre", "civil", "هويه", "هويته", "هويتها", "وطني", "قيد", "سجل", "اقامه", "مدني",
    "رقم",
)  # fmt: skip
_PASSPORT_WORDS: Final = context("passport", "passeport", "travel document", "laissez", "جواز", "وثيقه")


class Iban(Shape):
    """IBANs of every country of the registry.

    Presidio's own pattern swallows the word behind a 24-character IBAN and then loses both; here the country says how
    many characters belong to it.
    """

    _FOUR: Final = 4
    _SHORTEST: Final = 15

    def __init__(self, language: str, seconds: float) -> None:
        rule = Rule("iban", r"(?<![A-Z0-9])[A-Z]{2}[0-9]{2}(?:[\s\-.]?[A-Z0-9]){11,30}", 0.3)
        super().__init__(
            "IBAN_CODE", [rule], context("iban", "bank", "account", "compte", "حساب", "ايبان"), language, seconds
        )

    def find(self, text: str, fired: Collection[int] | None = None) -> Iterator[shape.Span]:
        """Yield IBANs whose check digits hold, and those of the right length that miss them, with a lower score."""
        del fired
        pattern, base, _ = self.rules[0]
        for match in pattern.finditer(text, timeout=self.seconds, overlapped=True):
            places = [i for i in range(match.start(), match.end()) if text[i].isalnum()]
            length = checks.iban_length(text[places[0]] + text[places[1]])
            if length is None or len(places) < length:
                continue
            start, end = match.start(), places[length - 1] + 1
            proven = checks.mod97("".join(text[i] for i in places[:length]))
            whole = end == len(text) or not text[end].isalnum()
            if proven or whole:
                yield start, end, 1.0 if proven else self.boosted(text, start, base)


_TABLE: Final[Mapping[str, tuple[Sequence[Rule], shape.Context]]] = {
    "EMAIL_ADDRESS": (_EMAIL, None),
    "DATE_TIME": (dates.RULES, None),
    "URL": (_URL, None),
    "IP_ADDRESS": (_IP, None),
    "CREDIT_CARD": (_CARD, _CARD_WORDS),
    "CASE_NUMBER": (_CASE, _CASE_WORDS),
    "NATIONAL_ID": (_NATIONAL, _ID_WORDS),
    "PASSPORT": (_PASSPORT, _PASSPORT_WORDS),
}

ENTITIES: Final = frozenset({*_TABLE, "PHONE_NUMBER", "IBAN_CODE"})
"""Every entity type that some recogniser serves."""


def build(entities: Sequence[str], regions: Sequence[str], language: str, seconds: float) -> list[Shape]:
    """Make the recognisers of the wanted entities for one language; entities that none serves are left out."""
    made: list[Shape] = []
    for entity in entities:
        if entity == "PHONE_NUMBER":
            made.append(phones.Phone(regions, language, seconds))
        elif entity == "IBAN_CODE":
            made.append(Iban(language, seconds))
        elif entity in _TABLE:
            rules, near = _TABLE[entity]
            made.append(Shape(entity, rules, near, language, seconds))
    return made
