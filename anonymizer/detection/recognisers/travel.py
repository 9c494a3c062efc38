# ruff: noqa: E501, RUF001 - a pattern is read in one piece; Arabic letters are words here
"""Passports and the plates of vehicles.

Part of the catalogue (`recognisers`). Passport numbers follow ICAO Doc 9303: nine characters at most, and the two
machine-readable lines. Of the region's plates only Türkiye's have a public specification; the others need a context
word before them.

Called by: `anonymizer.detection.recognisers`, which builds the recognisers of a policy from these rules.

Invariants: those of `anonymizer.detection.recognisers` (linear patterns, an invented example for each rule).
"""

from typing import Final

from anonymizer.detection import checksums
from anonymizer.detection.pattern_recogniser import END, START, PatternRule, Subject

__all__ = ["PASSPORT", "PLATE"]

_NAMED: Final = (
    r"(?<!\w)(?:passport|passeport|laissez-passer|travel document|titre de voyage|(?:ال)?جواز(?:ها|ه)?(?: (?:ال)?سفر(?:ها|ه)?)?|وثيقه (?:ال)?سفر)"
    r"(?:\s?(?:no|n[o°]|num(?:ber|ero)?|nr|رقم|#|is|est))?\s{0,2}[.:#°]{0,2}\s{0,2}"
    r"(?P<value>(?=[A-Z\-]{0,4}[0-9])[A-Z0-9][A-Z0-9\- ]{0,1}[A-Z0-9]{4,11})(?!\w)"
)

PASSPORT: Final = Subject(
    "PASSPORT",
    (
        PatternRule(
            "letters and digits",
            rf"{START}(?<![\-/])[A-Z]{{1,3}}[ \-]?[0-9]{{6,9}}(?![\w\-/])",
            0.45,
            checksums.passport,
            hint=r"[A-Z][ \-]?[0-9]{6}",
            example="RL1234567",
            source="ICAO Doc 9303: at most nine characters; no check digit outside the machine-readable lines",
        ),
        PatternRule(
            "named", _NAMED, 0.6, checksums.named,
            hint=r"(?:pass[ep]|travel|voyage|جواز|وثيقه)", example="passport no. 01234567",
        ),
        PatternRule(
            "machine-readable line 1",
            r"(?<![\w<])[PIACV][A-Z<][A-Z]{3}[A-Z<]{10,39}(?![\w<])",
            1.0,
            checksums.readable,
            hint="<<",
            example="P<LBNHADDAD<<LINA<<<<<<<<<<<<<<<<<<<<<<<<<<<",
            source="ICAO Doc 9303",
        ),
        PatternRule(
            "machine-readable line 2",
            r"(?<![\w<])[A-Z0-9<]{9}[0-9][A-Z]{3}[0-9]{7}[MFX<][0-9]{7}[A-Z0-9<]{2,16}(?![\w<])",
            1.0,
            hint=r"[0-9][A-Z]{3}[0-9]{7}[MFX<][0-9]{7}",
            example="RL12345671LBN9803125F3001019<<<<<<<<<<<<<<04",
            source="ICAO Doc 9303",
        ),
    ),
    ("passport", "passeport", "travel document", "laissez", "titre de voyage", "جواز", "وثيقة"),
)  # fmt: skip

PLATE: Final = Subject(
    "PLATE",
    (
        PatternRule(
            "Türkiye",
            rf"{START}(?:0[1-9]|[1-7][0-9]|8[01])[\s\-]?[A-Z]{{1,3}}[\s\-]?[0-9]{{2,5}}{END}",
            0.2,
            checksums.turkish_plate,
            example="34 ABC 123",
            where="TR",
            source="Highway Traffic Regulation: province 01 to 81, 1 to 3 letters, 2 to 5 digits",
        ),
        PatternRule(
            "letters and digits",
            rf"{START}(?<!\-)[A-Z]{{1,3}}[\s\-/]{{0,2}}[0-9]{{2,7}}{END}",
            0.2,
            checksums.plate,
            hint=r"[A-Z][\s\-/]{0,2}[0-9]{2}",
            example="B 123456",
            where="LB AE SA JO",
            source="no public specification: after a word of the list",
        ),
        PatternRule(
            "digits and letters",
            rf"{START}(?<![\-/.])[0-9]{{1,4}}[\s\-/]{{1,2}}(?:[A-Z][\s\-/]{{0,2}})?[0-9]{{2,6}}{END}",
            0.2,
            checksums.plate,
            hint=r"[0-9][\s\-/]{1,2}(?:[A-Z][\s\-/]{0,2})?[0-9]{2}",
            example="21 A 12345",
            where="IQ JO KW SY",
            source="no public specification: after a word of the list",
        ),
        PatternRule(
            "Arabic letters",
            r"(?<!\w)[ء-ي](?:[\s\-][ء-ي]){0,2}[\s\-/]{0,2}[0-9]{1,6}(?!\w)",
            0.2,
            checksums.plate,
            hint=r"[ء-ي][\s\-/]{0,2}[0-9]",
            example="أ ب ج 1234",
            where="EG SA LB",
            source="no public specification: after a word of the list",
        ),
        PatternRule(
            "Iran",
            rf"{START}[0-9]{{2}}\s?[ء-ي]\s?[0-9]{{3}}\s?[\-/]?\s?[0-9]{{2}}{END}",
            0.4,
            hint=r"[0-9]\s?[ء-ي]\s?[0-9]{3}",
            example="12 ب 345 67",
            where="IR",
            source="no public specification: 2 digits, a letter, 3 digits, 2 of the province",
        ),
        PatternRule(
            "digits",
            rf"{START}(?<![\-/.])[0-9]{{4,7}}{END}",
            0.2,
            checksums.plate,
            example="123456",
            where="SY IQ LB KW",
            source="no public specification: after a word of the list",
        ),
    ),
    ("plate", "licen[cs]e", "vehicle", "car(?!\\w)", "taxi", "plaque", "immatricul", "voiture", "véhicule",
     "camion", "لوحة", "لوحات", "سيارة", "مركبة", "نمرة", "شاحنة"),
)  # fmt: skip
