# ruff: noqa: E501, RUF001 - a pattern is read in one piece; Arabic letters are words here
"""Case numbers and ages.

Part of the catalogue (`recognisers`). UNHCR publishes no specification of its numbers; they are taken from guides for
refugees. Agencies number their cases as they like: capitals with digits are found, and after a word for a case any value
with a digit.

Called by: `anonymizer.detection.recognisers`, which builds the recognisers of a policy from these rules.

Invariants: those of `anonymizer.detection.recognisers` (linear patterns, an invented example for each rule).
"""

from typing import Final

from anonymizer.detection import checksums
from anonymizer.detection.pattern_recogniser import START, PatternRule, Subject
from anonymizer.microdata.normalise import normalise

__all__ = ["AGE", "CASE"]

CASE: Final = Subject(
    "CASE_NUMBER",
    (
        PatternRule(
            "UNHCR file",
            rf"{START}(?<!\-)[0-9A-Z]{{3}}-?[0-9]{{2}}(?:C|-)[0-9]{{5}}(?![\w\-])",
            0.9,
            checksums.file_number,
            hint=r"[0-9](?:C|-)[0-9]{5}",
            example="123-45C67890",
            source="refugeemalaysia.org: 123-45C67890, since 2021 123-45-67890; elsewhere no public specification",
        ),
        PatternRule(
            "UNHCR individual",
            rf"{START}(?<!\-)[A-Z]{{3}}-?[0-9]{{8}}(?![\w\-])",
            0.8,
            example="JOR-00123456",
            source="no public specification: country and eight digits, as on certificates",
        ),
        PatternRule(
            "agency",
            r"(?<![\w\-/])[A-Z]{2,8}(?:[\-/][A-Z0-9]{1,8}){0,3}[\-/][0-9]{2,10}(?![\w])",
            0.5,
            checksums.reference,
            hint=r"[A-Z0-9][\-/][0-9]{2}",
            example="LBN/2021/00123",
            source="no public specification",
        ),
        PatternRule(
            "year and number",
            r"(?<![\w\-/.])(?:19|20)[0-9]{2}/[0-9]{3,8}(?![\w/])",
            0.4,
            check=checksums.numbered,
            hint=r"[0-9]{4}/[0-9]{3}",
            example="2021/00123",
            source="no public specification",
        ),
        PatternRule(
            "number and year",
            r"(?<![\w\-/.])[0-9]{3,6}/(?:[0-9]{2}|(?:19|20)[0-9]{2})(?![\w/])",
            0.4,
            checksums.numbered,
            hint=r"[0-9]{3}/[0-9]{2}",
            example="12345/04",
            source="as courts number applications",
        ),
        PatternRule(
            "named",
            r"(?<!\w)(?:case|file|ref(?:erence)?|dossier|affaire|application|requete|complaint|plainte|docket"
            r"|(?:ال)?(?:ملف|قضيه|حاله|دعوي|شكوي|محضر))\s{0,2}"
            r"(?:no|n[o°]|num(?:ber|ero)?|nr|رقم|id|#)?\s{0,2}[.:#°]{0,2}\s{0,2}(?P<value>(?=[A-Z\-/]{0,12}[0-9])"
            r"[A-Z0-9][A-Z0-9\-/]{2,19})(?!\w)",
            0.6,
            hint=r"(?:case|file|ref(?:erence)?|dossier|affaire|application|requete|complaint|plainte|docket"
            r"|ملف|قضيه|حاله|دعوي|شكوي|محضر)\s{0,2}(?:no|n°|num(?:ber|ero)?|nr|رقم|id|#)?"
            r"\s{0,2}[.:#°]{0,2}\s{0,2}[A-Z\-/]{0,12}[0-9]",
            example="file no. X7-44",
            source="no public specification: after its name",
        ),
    ),
    ("case", "file", "ref(?:erence|\\.|s?\\W)", "dossier", "affaire", "unhcr", "registration", "ملف", "قضية", "رقم",
     "حالة", "مفوضية"),
)  # fmt: skip

_ENGLISH: Final = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen "
    "nineteen twenty thirty forty fifty sixty seventy eighty ninety"
)
_FRENCH: Final = (
    "un une deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize dix-sept dix-huit "
    "dix-neuf vingt trente quarante cinquante soixante"
)
_UNITS: Final = "احدى إحدى احد اثنا اثنتا اثني اثنتي ثلاث ثلاثة اربع أربعة خمس خمسة ست ستة سبع سبعة ثمان ثماني ثمانية تسع تسعة عشر عشرة"
_TENS: Final = "عشرون عشرين ثلاثون ثلاثين اربعون أربعين خمسون خمسين ستون ستين"
_ORDINALS: Final = "الأولى الثانية الثالثة الرابعة الخامسة السادسة السابعة الثامنة التاسعة العاشرة الحادية"


def _any(words: str) -> str:
    """Return a pattern of one of some words, folded, the longest first."""
    return "|".join(sorted({normalise(word).text for word in words.split()}, key=len, reverse=True))


_FIGURE: Final = (
    r"(?:1[01][0-9]|[1-9]?[0-9])(?:\.5|,5)?(?!\w)(?:\s?(?:-|to|or|and|et|ou|a|الى|او)\s?[1-9]?[0-9](?!\w))?"
)
_EN: Final = rf"(?:{_FIGURE}|(?:{_any(_ENGLISH)})(?:[\s\-](?:one|two|three|four|five|six|seven|eight|nine))?(?!\w))"
_FR: Final = rf"(?:{_FIGURE}|(?:{_any(_FRENCH)})(?:[\s\-](?:et[\s\-])?(?:{_any(_FRENCH)}))?(?!\w))"
_AR: Final = rf"(?:{_FIGURE}|(?:ال)?(?:{_any(_TENS)})(?!\w)|(?:ال)?(?:{_any(_UNITS)})(?!\w)(?:\sعشره?(?!\w)|\sو(?:ال)?(?:{_any(_TENS)})(?!\w))?)"
_UNIT: Final = r"(?:years?|yrs?|y\.?|months?|weeks?|mths?)"
_SANA: Final = r"(?:عاما|عام|سنه|سنوات|سنين|اعوام|شهرا|شهور|اشهر|ربيعا)(?!\w)"

AGE: Final = Subject(
    "AGE",
    (
        PatternRule(
            "years old",
            rf"(?<![\w.]){_EN}[\s\-]{{0,2}}{_UNIT}[\s\-]{{0,2}}(?:olds?|of age)(?!\w)|(?<![\w.]){_FIGURE}\s?(?:y/?o|yrs?\.? old)(?!\w)",
            0.8,
            hint=r"(?:[sykh]\.?[\s\-]{0,2}(?:old|of age)|rs?\.?[\s\-]{0,2}(?:old|of age)|y/?o)",
            example="17-year-old",
        ),
        PatternRule(
            "aged",
            rf"(?<!\w)(?:aged?|(?:at\s)?the age of|turn(?:ed|s|ing))\s?(?:about|around|approximately|only|is|was|between|:)?\s{{0,2}}{_EN}"
            rf"(?!\w)(?:\s{_UNIT}(?!\w))?(?!\s?(?:%|per|[a-z]{{3,}}\sago))",
            0.7,
            hint=r"(?:age|turn)",
            example="aged 17",
        ),
        PatternRule(
            "âgée de",
            rf"(?<!\w)(?:agee?s?|(?:a )?l'age|age)\s?(?:alors |seulement )?(?:de |d'environ |d'|:)\s?(?:pres de )?{_FR}(?:\s(?:ans?|mois)(?!\w))?",
            0.8,
            hint="age",
            example="âgée de 17 ans",
        ),
        PatternRule(
            "de 17 ans",
            rf"(?<!\w)(?:filles?|fillettes?|femmes?|hommes?|garcons?|enfants?|mineure?s?|adolescente?s?|victimes?|fils|soeur|frere|bebe|refugiee?s?)\s(?:\w{{1,20}}\s)?"
            rf"(?P<value>(?:de|d'environ|d')\s?{_FR}\s(?:ans|mois))(?!\w)",
            0.7,
            hint=r"\s(?:ans|mois)",
            example="une fille de 17 ans",
        ),
        PatternRule(
            "a 17 ans",
            rf"(?<!\w)(?:elle|il|qui|j)['\s](?:n')?(?:a|ai|avait|aura|aurait|avais)\s(?P<value>(?:alors |environ |a peine |seulement )?{_FR}\sans)(?!\w)(?!\sde)",
            0.7,
            hint=r"\sans",
            example="elle avait 17 ans",
        ),
        PatternRule(
            "عمرها",
            rf"(?<!\w)[وفبل]?(?:(?:ال)?عمر(?:ها|ه|هم|ي|ك)?|سن(?:ها|ه)?|(?:ال)?بالغ(?:ه|ا)?|[تيا]?بلغ(?:ت)?|[تي]ناهز)\s?:?\s?"
            rf"(?:من (?:ال)?عمر(?:ها|ه)?\s|من العمر\s|حوالي\s|نحو\s|الان\s|كان(?:ت)?\s){{0,2}}{_AR}(?:\s{_SANA})",
            0.8,
            hint=r"(?:عمر|سن|بلغ|بالغ|ناهز)",
            example="عمرها 17 عاما",
        ),
        PatternRule(
            "العمر",
            rf"(?<!\w)[وفبل]?(?:(?:ال)?عمر(?:ها|ه|هم)?|سن)\s?:?\s?{_AR}(?!\w)",
            0.7,
            hint=r"(?:عمر|سن)",
            example="العمر: 17",
        ),
        PatternRule(
            "ابنة 17 عاما",
            rf"(?<!\w)[وفبل]?(?:(?:ال)?(?:ابنه?|بنت|طفله?|فتاه|فتي|ذات|ذو|ذي|قاصر|شاب|شابه|امراه|رجل))\s(?:ال\s?)?(?P<value>{_AR}\s{_SANA})",
            0.7,
            hint=r"(?:ابن|بنت|طفل|فتا|فتي|ذات|ذو|ذي|قاصر|شاب|امراه|رجل)",
            example="ابنة 17 عاما",
        ),
        PatternRule(
            "في السابعة عشرة من عمرها",
            rf"(?<!\w)(?:في\s)?(?:{_any(_ORDINALS)})(?:\sعشره?|\sو(?:ال)(?:{_any(_TENS)}))?\sمن\s(?:ال)?عمر(?:ها|ه)?(?!\w)",
            0.8,
            hint=r"من\s(?:ال)?عمر",
            example="في السابعة عشرة من عمرها",
        ),
    ),
    ("born", "née?", "مواليد"),
)
