# ruff: noqa: RUF001 - letters of other scripts are the point of the tables
"""A record's own names in its narrative, in any script, spelling and inflection, disguised or not, are masked."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from anonymizer.microdata import evaluation
from anonymizer.microdata.evaluation import Document, Mention
from anonymizer.microdata.normalise import forms
from anonymizer.microdata.record_identifiers import identifier_findings
from tests.support import spellings

CASES = 4000
SEED = 20_251
CARRIERS = {
    "en": (
        "The survivor told the case worker that {} would keep her passport, and she might not leave the house alone.",
        "In the morning a neighbour saw {} near the gate; the police were called and the file was opened at noon.",
        "She was afraid of them because {} had said that the debt must be paid before summer, line by line.",
    ),
    "fr": (
        "La survivante a dit à l'assistante que {} gardait ses papiers et qu'elle ne pouvait pas sortir seule.",
        "Le matin, une voisine a vu {} devant la porte ; la police est venue et le dossier a été ouvert.",
        "Elle avait peur d'eux parce que {} avait dit que la dette devait être payée avant l'été.",
    ),
    "ar": (
        "قالت الناجية للعاملة الاجتماعية إن {} احتفظ بجواز سفرها وإنها لا تستطيع الخروج وحدها من المنزل.",
        "في الصباح رأت جارتها {} قرب البوابة، فجاءت الشرطة وفُتح الملف عند الظهر.",
        "كانت تخاف منهم لأن {} قال إن الدين يجب أن يُدفع قبل الصيف، وكان على أهلها أن يدفعوا.",
    ),
}
DISGUISES: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "zero-width space": "\u200b".join,
    "soft hyphen": "\u00ad".join,
    "bidi marks": lambda name: f"\u202b{name}\u202c",
    "full width": lambda name: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in name),
    "tatweel": lambda name: "\u0640".join(name) if not name.isascii() else name,
    "no-break space": lambda name: name.replace(" ", "\u00a0"),
    "combining marks": "\u0301".join,
    "capitals": str.upper,
    "small": str.lower,
    "homoglyphs": lambda name: name.translate(str.maketrans("aeopcx", "аеорсх")) if name.isascii() else name,
    "line break": lambda name: name.replace(" ", "\n") if " " in name else f"{name[:3]}\n{name[3:]}",
}
SERVANTS = (
    ("Rahman", "الرحمن", "Abderrahmane"),
    ("Karim", "الكريم", "Abdulkareem"),
    ("Salam", "السلام", "Abdessalam"),
    ("Nour", "النور", "Abdunnur"),
)
CLITICS = ("و", "ف", "ب", "ل", "ك", "وال", "بال", "لل")
ENGLISH = ("'s", "’s", "")
TURKISH = ("'nin", "’ın", "'a", "'den", "'la", "’yi")


@dataclass(frozen=True, slots=True)
class Case:
    """A narrative with one mention, and what the record knows."""

    text: str
    language: str
    start: int
    end: int
    known: dict[str, str]


def _cases() -> Iterator[Case]:
    draw = random.Random(SEED)
    for _ in range(CASES):
        locale = draw.choice(spellings.LOCALES)
        given, family = spellings.given_name(draw, locale), spellings.family_name(draw, locale)
        if draw.random() < 0.1:
            given = _servant(draw, draw.choice(SERVANTS))
        known = {"prs_FirstName": given, "prs_SecondName": family}
        language = draw.choice(("en", "fr", "ar"))
        mention = _mention(draw, given, family, language)
        before, after = draw.choice(CARRIERS[language]).split("{}")
        before += "l'" if language == "fr" and draw.random() < 0.2 else ""
        disguised = draw.choice(tuple(DISGUISES.values()))(mention)
        text = before + disguised + after
        yield Case(text, language, len(before), len(before) + len(disguised), known)


def _mention(draw: random.Random, given: str, family: str, language: str) -> str:
    """Write a name in some script, form and inflection."""
    scripts = [spellings.in_latin, spellings.in_arabic, spellings.in_arabic if language == "ar" else spellings.in_latin]
    script = draw.choice([*scripts, spellings.in_cyrillic, spellings.in_greek])
    for root in SERVANTS:
        if any(name in given for name in root):
            return draw.choice(("", "")) + _servant(draw, root) if language == "ar" else _servant(draw, root)
    one, other = script(draw, given), script(draw, family)
    shape = draw.choice(("given", "family", "both", "reversed", "initial", "hyphen"))
    initial = f"{one[0]}. {other}" if script is not spellings.in_arabic else other
    written = {
        "given": one, "family": other, "both": f"{one} {other}", "reversed": f"{other}, {one}", "initial": initial,
        "hyphen": f"{one}-{other}",
    }[shape]  # fmt: skip
    if script is spellings.in_arabic:
        return draw.choice(("", *CLITICS)) + written
    return written + draw.choice(("", "", *ENGLISH, *TURKISH))


def _servant(draw: random.Random, root: tuple[str, str, str]) -> str:
    """Write a name that begins with Abd in one of the many ways."""
    latin, arabic, assimilated = root
    return draw.choice(
        (f"Abdel {latin}", f"Abdul {latin}", f"Abdul{latin.lower()}", f"Abd al-{latin}", f"Abdel-{latin}", assimilated,
         f"عبد {arabic}", f"عبد{arabic}")
    )  # fmt: skip


def _masked(case: Case) -> list[tuple[int, int]]:
    return [(f.start, f.end) for form in forms(case.text) for f in identifier_findings(form, case.known)]


def test_known_names_are_masked_in_any_script_and_the_rest_stays() -> None:
    documents = [
        Document(case.text, case.language, [Mention(case.start, case.end, "PERSON")], _masked(case))
        for case in _cases()
    ]
    report = evaluation.report(documents)
    recall, kept = report.mentions["all"], report.kept
    assert recall.value is not None
    assert recall.value >= 0.999, recall
    assert kept.value is not None
    assert kept.value >= 0.97, kept
