"""National and residence numbers of the region.

Part of the catalogue (`recognisers`). If a country's check digit is public, it proves the number. If nothing is public,
any long number is found, and a shorter one only with a context word before it.

Called by: `anonymizer.detection.recognisers`, which builds the recognisers of a policy from these rules.

Invariants: those of `anonymizer.detection.recognisers` (linear patterns, an invented example for each rule).
"""

from typing import Final

from anonymizer.detection import checksums
from anonymizer.detection.pattern_recogniser import END, START, PatternRule, Subject

__all__ = ["NATIONAL"]

_GAP: Final = r"[\s\-]?"
_NO: Final = r"(?:\s?(?:no|n[o°]|num(?:ber|ero)?|nr|رقم|#))?\s{0,2}[.:#°]{0,2}\s{0,2}"
_VALUE: Final = r"(?P<value>(?=[A-Z\-/]{0,6}[0-9])[A-Z0-9](?:[\-/.]?[A-Z0-9]){4,18})(?!\w)"

NATIONAL: Final = Subject(
    "NATIONAL_ID",
    (
        PatternRule(
            "Emirates ID",
            rf"{START}(?<!\-)784{_GAP}[0-9]{{4}}{_GAP}[0-9]{{7}}{_GAP}[0-9]{END}",
            0.8,
            checksums.emirates,
            example="784-1990-1234567-6",
            where="AE",
            source="784, year, 7 digits, Luhn (emirates-id readers in public code)",
        ),
        PatternRule(
            "CNIC",
            rf"{START}(?<!\-)[1-7][0-9]{{4}}-[0-9]{{7}}-[0-9]{END}",
            0.9,
            example="35202-1234567-1",
            where="PK",
            source="NADRA: province first, 5-7-1; no public check digit",
        ),
        PatternRule(
            "e-tazkira",
            rf"{START}(?<!\-)[0-9]{{4}}-[0-9]{{4}}-[0-9]{{5}}{END}",
            0.7,
            example="1401-0100-12345",
            where="AF",
            source="no public specification: 4-4-5 as printed",
        ),
        PatternRule(
            "national number of Egypt",
            rf"{START}[23](?:{_GAP}[0-9]){{13}}{END}",
            0.5,
            checksums.egypt,
            example="29803120112345",
            where="EG",
            source="century, birth date, governorate; the check digit is not public",
        ),
        PatternRule(
            "civil number of Kuwait",
            rf"{START}[23](?:{_GAP}[0-9]){{11}}{END}",
            0.4,
            checksums.kuwait,
            example="285010112358",
            where="KW",
            source="PACI: century, birth date, serial, weights 2 1 6 3 7 9 10 5 8 4 2 modulo 11",
        ),
        PatternRule(
            "identity number of Türkiye",
            rf"{START}[1-9](?:{_GAP}[0-9]){{10}}{END}",
            0.45,
            checksums.turkey,
            example="10000000146",
            where="TR",
            source="NVİ: 11 digits, two check digits; foreigners' begin with 99",
        ),
        PatternRule(
            "national number or Iqama",
            rf"{START}[12](?:{_GAP}[0-9]){{9}}{END}",
            0.45,
            checksums.saudi,
            example="1234567897",
            where="SA",
            source="10 digits, 1 citizens, 2 residents, Luhn (public validators)",
        ),
        PatternRule(
            "national code of Iran",
            rf"{START}[0-9]{{3}}{_GAP}[0-9]{{6}}{_GAP}[0-9]{END}",
            0.45,
            checksums.iran,
            example="0499370899",
            where="IR",
            source="10 digits, weights 10 to 2 modulo 11",
        ),
        PatternRule(
            "long number",
            rf"{START}(?<!\-)[0-9]{{9,18}}{END}",
            0.4,
            checksums.number,
            example="199012345678",
            where="IQ JO LB SY AF EG and others",
            source="no public specification: 9 to 18 digits (IQ 12, JO 10, LB 12, SY 11)",
        ),
        PatternRule(
            "grouped number",
            rf"{START}(?<![\-.])[0-9]{{2,6}}(?:[\s\-/][0-9]{{1,7}}){{1,5}}{END}",
            0.2,
            checksums.grouped,
            example="1990 1234 5678",
            source="no public specification: 8 to 18 digits in groups, after a word of the list",
        ),
        PatternRule(
            "number",
            rf"{START}(?<!\-)[0-9]{{5,8}}{END}",
            0.2,
            example="1234567",
            source="no public specification: after a word of the list",
        ),
        PatternRule(
            "named",
            r"(?<!\w)(?:national|identity|id|civil|residen\w{1,6}|iqama|kimlik|tazkira|nin|cin|cni|identite|nationale?|sejour"
            r"|(?:ال)?(?:هويه|هويتها|هويته|وطنيه?|قومي|اقامه|مدني|تذكره))"
            rf"(?:\s(?:card|id|carte|شخصيه))?{_NO}{_VALUE}",
            0.6,
            checksums.named,
            hint=r"(?:na[lt]|id|civil|resid|iqama|kimlik|tazkira|nin|cin|cni|sejour|هوي|وطني|قومي|اقام|مدني|تذكر)",
            example="ID no. AB-12345",
            source="no public specification: after its name",
        ),
        PatternRule(
            "registry number",
            r"(?<!\w)(?:regist(?:ry|er|re)|sij+il+|(?:ال)?سجل|(?:ال)?قيد|خانه)"
            rf"{_NO}(?P<value>[0-9]{{1,7}}(?:\s?[/\-]\s?[0-9]{{1,5}})?){END}",
            0.6,
            example="registry no. 123",
            where="LB SY JO",
            source="no public specification: after its name",
        ),
    ),
    ("id(?!\\w)", "ids(?!\\w)", "identity", "national", "nin(?!\\w)", "ssn", "iqama", "residen", "identité", "carte",
     "numéro", "cnic", "kimlik", "tazkira", "registry", "registre", "civil(?!\\w{2})", "هوية", "هويته", "هويتها",
     "وطني", "قومي", "قيد", "سجل", "إقامة", "مدني", "رقم", "تذكرة", "n°"),
)  # fmt: skip
