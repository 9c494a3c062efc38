# ruff: noqa: E501, RUF001 - a pattern is read in one piece; Arabic letters are words here
"""Exact places: coordinates and street addresses.

Part of the catalogue (`recognisers`). An address has no specification: it is a number with the words of a street, a
building or a post box around it. Names of towns and quarters are found by the trained models.

Called by: `anonymizer.detection.recognisers`, which builds the recognisers of a policy from these rules.

Invariants: those of `anonymizer.detection.recognisers` (linear patterns, an invented example for each rule).
"""

from typing import Final

from anonymizer.detection import checksums
from anonymizer.detection.pattern_recogniser import END, START, PatternRule, Subject

__all__ = ["ADDRESS", "COORDINATES"]

_DEGREE: Final = r"\s?(?:°|o(?!\w)|deg(?:rees)?|d(?!\w)|درجه)\s?"
_MINUTE: Final = r"\s?(?:'|min|دقيقه)\s?"
_SECOND: Final = r"(?:\s?(?:''|\"|sec|ثانيه))"
_SIDE: Final = r"(?:north|south|east|west|nord|sud|est|ouest|شمالا?|جنوبا?|شرقا?|غربا?|[NSEWO])(?![A-Z])"
_DMS: Final = (
    rf"(?:{_SIDE}\s?)?[0-9]{{1,3}}{_DEGREE}[0-9]{{1,2}}(?:\.[0-9]{{1,8}})?{_MINUTE}"
    rf"(?:[0-9]{{1,2}}(?:\.[0-9]{{1,8}})?{_SECOND})?(?:\s?{_SIDE})?"
)
_DECIMAL: Final = rf"[+\-]?[0-9]{{1,3}}\.[0-9]{{2,15}}(?:{_DEGREE})?"

COORDINATES: Final = Subject(
    "COORDINATES",
    (
        PatternRule(
            "decimal pair",
            rf"(?<![\w.])[+\-]?[0-9]{{1,2}}\.[0-9]{{3,15}}(?:{_DEGREE})?(?:\s?[NS](?![A-Z]))?\s?[,;/\s]\s?[+\-]?[0-9]{{1,3}}\.[0-9]{{3,15}}"
            rf"(?:{_DEGREE})?(?:\s?[EWO](?![A-Z]))?(?!\.?\w)",
            0.8,
            checksums.coordinates,
            hint=r"[0-9]\.[0-9]{3}",
            example="33.8938, 35.5018",
            source="ISO 6709: latitude within 90, longitude within 180 degrees",
        ),
        PatternRule(
            "degrees and sides",
            rf"(?<![\w.]){_DECIMAL}\s?{_SIDE}(?:\s?[,;/]?\s?(?:و\s?)?{_DECIMAL}\s?{_SIDE})?",
            0.7,
            checksums.coordinates,
            hint=r"[0-9]\.[0-9]{2}",
            example="33.89° N, 35.50° E",
            source="ISO 6709",
        ),
        PatternRule(
            "minutes and seconds",
            rf"(?<![\w.]){_DMS}(?:\s?[,;/]?\s?(?:و\s?)?{_DMS})?",
            0.9,
            hint=r"[0-9]\s?(?:°|o|d|درجه)",
            example="33°53'38\"N 35°30'06\"E",
            source="ISO 6709",
        ),
        PatternRule(
            "named",
            r"(?<!\w)(?:lat(?:itude)?|lon(?:g|gitude)?|lng|gps|coord(?:inates|onnees)?|خط (?:ال)?(?:عرض|طول)|احداثيات)"
            rf"\s?(?:is|est|of|de)?\s?[:=]?\s?(?P<value>{_DECIMAL}(?:\s?{_SIDE})?)",
            0.7,
            hint=r"(?:lat|lon|lng|gps|coord|عرض|طول|احداثيات)",
            example="latitude 33.8938",
        ),
        PatternRule(
            "plus code",
            rf"{START}[23456789CFGHJMPQRVWX]{{4,8}}\+[23456789CFGHJMPQRVWX]{{2,3}}{END}",
            0.6,
            hint=r"\+[2-9CFGHJMPQRVWX]{2}",
            example="8G4PVGV2+GP",
            source="Open Location Code",
        ),
        PatternRule(
            "military grid",
            rf"{START}[0-9]{{1,2}}[C-HJ-NP-X]\s?[A-HJ-NP-Z]{{2}}\s?(?:[0-9]{{4}}\s?[0-9]{{4}}|[0-9]{{5}}\s?[0-9]{{5}}){END}",
            0.5,
            example="36S YC 3087 5421",
            source="MGRS (NGA.STND.0037)",
        ),
    ),
    ("coordinates", "location", "gps", "position", "coordonnées", "إحداثيات", "موقع"),
)

_STREET: Final = (
    "street|st|avenue|ave|road|rd|lane|boulevard|blvd|square|drive|crescent|alley|terrace|highway|sokak|sok|caddesi|cad"
)
_RUE: Final = "rue|avenue|av\\.?|boulevard|bd\\.?|place|chemin|impasse|quai|allee|route|passage|square"
_WITHIN: Final = (
    r"(?:apartment|apt|flat|building|bldg|floor|block|unit|immeuble|imm|appartement|appt|etage|batiment|bat)"
)
_DAR: Final = "شقه|طابق|بنايه|عماره|منزل|دار|بيت|زقاق|محله|بلوك|قطعه|قسيمه|مبني|مجمع|حوش|عقار|عقار رقم"

ADDRESS: Final = Subject(
    "ADDRESS",
    (
        PatternRule(
            "number and street",
            rf"{START}(?<![\-.,/])[0-9]{{1,5}}[a-z]?,?\s(?:[^\W\d_][\w'.\-]{{0,30}}\s){{1,4}}(?:{_STREET}){END}",
            0.6,
            checksums.street,
            hint=rf"\s(?:{_STREET}){END}",
            example="12 Hamra Street",
        ),
        PatternRule(
            "street and number",
            rf"(?<!\w)(?:[^\W\d_][\w'\-]{{1,30}}\s)?(?:{_STREET}),?\s(?:no\.?\s?|number\s|#\s?)?(?:[0-9]{{1,5}})[a-z]?{END}(?!\s?(?:%|per))",
            0.45,
            hint=rf"(?:{_STREET}),?\s[^\n]{{0,8}}[0-9]",
            example="Hamra Street 12",
        ),
        PatternRule(
            "number and rue",
            rf"{START}(?<![\-.,/])[0-9]{{1,4}}(?:\s?(?:bis|ter|quater))?,?\s(?:{_RUE})\s(?:(?:de|du|des|la|le|les|d'|l')\s?){{0,2}}"
            r"[^\W\d_][\w'\-]{1,30}(?:\s(?-i:[A-Z])[\w'\-]{1,30}){0,3}",
            0.6,
            hint=rf"[0-9,sr]\s(?:{_RUE})\s",
            example="12 bis, rue de Damas",
        ),
        PatternRule(
            "شارع",
            r"(?<!\w)[وفبل]?(?:شارع|جاده|نهج|زنقه|طريق)\s[^\W\d_]{2,20}(?:\sال[^\W\d_]{2,20}){0,2}\s?,?\s?(?:رقم\s|بنايه\s|منزل\s)?[0-9]{1,5}(?!\w)",
            0.6,
            hint=r"(?:شارع|جاده|نهج|زنقه|طريق)\s",
            example="شارع الحمرا 12",
        ),
        PatternRule(
            "parts of a building",
            rf"(?<!\w)(?:{_WITHIN}\.?\s(?:no\.?\s?|n°\s?|number\s)?(?:[0-9]{{1,5}}[a-z]?|[a-z][0-9]{{1,4}}|(?-i:[A-Z]))"
            rf"|[وفبل]?(?:ال)?(?:{_DAR})\s(?:رقم\s)?[0-9]{{1,5}})(?!\w)",
            0.45,
            hint=rf"(?:{_WITHIN}|{_DAR})[^\n]{{0,10}}",
            example="building 12",
        ),
        PatternRule(
            "storey",
            r"(?<!\w)[0-9]{1,2}(?:st|nd|rd|th|er|e|eme)\s(?:floor|etage)(?!\w)",
            0.5,
            hint=r"(?:floor|etage)",
            example="3rd floor",
        ),
        PatternRule(
            "post box",
            r"(?<!\w)(?:p\.?\s?o\.?\s?box|b\.?p\.?|boite postale|ص\.?\s?ب\.?|صندوق (?:ال)?بريد)\s?(?:no\.?|n°|رقم)?\s?[:.]?\s?[0-9]{1,7}(?:\s?[\-/]\s?[0-9]{1,6})?(?!\w)",
            0.7,
            hint=r"(?:box|b\.?p\.?|postale|ب\.?|بريد)",
            example="P.O. Box 11-1234",
        ),
    ),
    ("address", "lives? at", "lived at", "residing", "resident at", "adresse", "domicili", "habite", "demeurant", "عنوان",
     "عنوانها", "عنوانه", "تسكن", "يسكن", "تقيم", "يقيم", "مقيم"),
)  # fmt: skip
