"""Invented names in narratives of three languages and twelve disguises, with nothing known of them beforehand."""

import functools
import random
from collections.abc import Iterator

import pytest

from anonymizer.detection.presidio import LANGUAGES, Analyzer
from anonymizer.microdata import evaluation
from anonymizer.microdata.evaluation import Document, Mention
from tests.support import spellings
from tests.support.disguises import DISGUISES
from tests.support.raw_events import shipped

PLANTED = 400
SEED = 4_712
CARRIERS = {
    "en": (
        "The applicant was born in a village. In the spring {} told the police that the employer kept her papers.",
        "She said that Mr {} had promised her work in a restaurant. Nobody paid her for months.",
        "The interview took place in a quiet room. {} was heard as a witness and returned to the shelter.",
    ),
    "fr": (
        "La requérante est née dans un village. Au printemps, {} a dit à la police qu'on gardait ses papiers.",
        "Elle a déclaré que M. {} lui avait promis un travail. Personne ne l'a payée pendant des mois.",
        "L'entretien a eu lieu au calme. Mme {} a été entendue comme témoin et a rejoint le foyer.",
    ),
    "ar": (
        "وُلدت الناجية في قرية. وفي الربيع قالت {} للشرطة إن صاحب العمل احتفظ بوثائقها.",
        "قالت إن السيد {} وعدها بعمل في مطعم. لم يدفع لها أحد أجرا لعدة أشهر.",
        "جرت المقابلة في غرفة هادئة. وصرح {} للصحفيين أمس بأنه لا يعرف شيئا عن الأمر.",
    ),
}
KEPT = 0.80
LOCALES = {"en": ("en_US", "tr_TR"), "fr": ("fr_FR", "tr_TR"), "ar": ("ar_AA",)}


@functools.cache
def _analyzer() -> Analyzer:
    return Analyzer(shipped().text)


def _documents(language: str) -> Iterator[Document]:
    draw = random.Random(SEED)
    for _ in range(PLANTED):
        locale = draw.choice(LOCALES[language])
        name = f"{spellings.given_name(draw, locale)} {spellings.family_name(draw, locale)}"
        trick = draw.choice(sorted(DISGUISES))
        before, after = draw.choice(CARRIERS[language]).split("{}")
        value = DISGUISES[trick](draw, name)
        found = _analyzer().findings(before + value + after, language)
        mention = Mention(len(before), len(before) + len(value), trick)
        yield Document(before + value + after, language, [mention], [(f.start, f.end) for f in found])


@pytest.mark.parametrize("language", LANGUAGES)
def test_names_are_masked_in_every_disguise_and_the_rest_stays(language: str) -> None:
    report = evaluation.report(_documents(language))
    recall, kept = report.mentions["all"], report.kept
    missed = {trick: share for trick, share in report.mentions.items() if share.hits < share.total}
    assert recall.value is not None
    assert recall.value >= 0.98, missed
    assert kept.value is not None
    assert kept.value >= KEPT, kept
