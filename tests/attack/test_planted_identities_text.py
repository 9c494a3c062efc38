"""Thousands of invented identifiers, three languages, twelve disguises: nearly all are masked, the rest can be read."""

import random
from collections.abc import Iterator

import pytest

from anonymizer.detection.presidio import Analyzer
from anonymizer.microdata import evaluation
from anonymizer.microdata.evaluation import Document, Mention
from tests.support.disguises import DISGUISES
from tests.support.narratives import Narrative, narratives
from tests.support.raw_events import shipped

SEED = 4_711


def _documents(at_least: int) -> Iterator[Document]:
    """Yield disguised narratives until enough is planted; the type of a mention is its kind and its disguise."""
    draw, analyzer, planted = random.Random(SEED), Analyzer(shipped().text), 0
    for narrative in narratives(at_least, SEED):
        text, mentions = _disguised(draw, narrative)
        found = analyzer.findings(text, narrative.language)
        yield Document(text, narrative.language, mentions, [(f.start, f.end) for f in found])
        planted += len(mentions)
        if planted >= at_least:
            return


def _disguised(draw: random.Random, narrative: Narrative) -> tuple[str, list[Mention]]:
    text, last, mentions = "", 0, []
    for start, end, kind in narrative.planted:
        trick = draw.choice(sorted(DISGUISES))
        value = DISGUISES[trick](draw, narrative.text[start:end])
        text += narrative.text[last:start]
        mentions.append(Mention(len(text), len(text) + len(value), f"{kind}, {trick}"))
        text, last = text + value, end
    return text + narrative.text[last:], mentions


@pytest.mark.parametrize("at_least", [2_500, pytest.param(10_000, marks=pytest.mark.long)])
def test_structured_identifiers_are_masked_in_every_disguise_and_the_rest_stays(at_least: int) -> None:
    report = evaluation.report(_documents(at_least))
    recall, kept = report.mentions["all"], report.kept
    missed = {kind: share for kind, share in report.mentions.items() if share.hits < share.total}
    assert recall.total >= at_least
    assert recall.value is not None
    assert recall.value >= 0.998, missed
    assert kept.value is not None
    assert kept.value >= 0.80, kept
