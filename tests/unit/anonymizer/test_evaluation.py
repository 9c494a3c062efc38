"""The measures of detection: worked by hand, and the laws that hold whatever was predicted."""

import gzip
import json
from pathlib import Path

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from amana.commands import evaluate
from anonymizer.microdata import evaluation
from anonymizer.microdata.evaluation import Document, Mention, Share
from schemas.errors import ConfigurationError

TEXT = "Mr Tavri of Narda met Tavri on 3 May and left."
#       0  3     9  12    18  22    28 31    37


def _tab(*predicted: tuple[int, int]) -> evaluation.EvaluationReport:
    """Measure against one direct entity of two mentions, one quasi entity, and one that stays in clear."""
    gold = [
        Mention(0, 8, "PERSON", "direct", 1),
        Mention(12, 17, "LOC", "no", 2),
        Mention(22, 27, "PERSON", "quasi", 1),
        Mention(31, 36, "DATETIME", "quasi", 3),
    ]
    return evaluation.report([Document(TEXT, "en", gold, predicted)])


def test_an_entity_counts_when_all_its_mentions_are_masked() -> None:
    one = _tab((3, 8), (31, 36))
    assert (one.direct, one.quasi) == (Share(0, 1), Share(1, 1))
    both = _tab((3, 8), (22, 27))
    assert (both.direct, both.quasi) == (Share(1, 1), Share(0, 1))


def test_titles_and_function_words_need_no_mask_in_court_texts() -> None:
    gold = [Mention(0, 17, "PERSON", "direct", 1)]
    assert evaluation.report([Document(TEXT, "en", gold, [(3, 8), (12, 17)])]).direct == Share(1, 1)
    plain = [Mention(0, 17, "PERSON")]
    assert evaluation.report([Document(TEXT, "en", plain, [(3, 8), (12, 17)])]).mentions["all"] == Share(0, 1)


def test_a_mention_that_may_stay_in_clear_is_no_miss_and_its_words_are_ordinary() -> None:
    none, masked = _tab((3, 8), (22, 27), (31, 36)), _tab((3, 8), (12, 17), (22, 27), (31, 36))
    assert none.clean == masked.clean == Share(1, 1)
    assert "LOC" not in none.mentions
    assert (none.kept, masked.kept) == (Share(6, 6), Share(5, 6))
    assert (none.precision, masked.precision) == (Share(4, 4), Share(4, 5))


def test_half_a_word_is_not_masked() -> None:
    one = _tab((3, 7))
    assert one.mentions == {"PERSON": Share(0, 2), "DATETIME": Share(0, 1), "all": Share(0, 3)}
    assert one.precision == Share(0, 0)


def test_a_word_is_masked_though_two_predictions_share_it() -> None:
    assert _tab((3, 5), (5, 8)).mentions["PERSON"] == Share(1, 2)


def test_the_interval_is_wilsons_and_the_rule_of_three_without_a_miss() -> None:
    assert Share(8, 10).interval == pytest.approx((0.4902, 0.9433), abs=5e-5)
    assert Share(300, 300).interval == pytest.approx((0.99, 1.0))
    assert Share(2, 2).interval == (0.0, 1.0)
    assert Share().interval is None
    assert Share().value is None


def test_languages_are_measured_apart_and_together() -> None:
    documents = [Document("Lina x", language, [Mention(0, 4, "PERSON")], [(0, 4)]) for language in ("fr", "en", "fr")]
    reports = evaluation.by_language(documents)
    assert {name: one.documents for name, one in reports.items()} == {"en": 1, "fr": 2, "all": 3}


_WORDS = st.lists(st.sampled_from(["Tavri", "the", "of", "left", "Narda", "3", "ليلى", "€"]), min_size=1, max_size=12)


@st.composite
def _labelled(draw: st.DrawFn, *, levels: bool = True) -> tuple[str, list[Mention]]:
    text = " ".join(draw(_WORDS))
    place = st.integers(0, len(text) - 1)
    level = st.sampled_from(["direct", "quasi", "no"]) if levels and draw(st.booleans()) else st.none()
    mentions = []
    for _ in range(draw(st.integers(0, 4))):
        start, end = sorted((draw(place), draw(place) + 1))
        mentions.append(Mention(start, max(end, start + 1), "PERSON", draw(level), draw(st.integers(1, 3))))
    return text, mentions


@given(_labelled(), st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=1, max_size=6))
def test_masking_more_never_lowers_recall_and_never_keeps_more(
    labelled: tuple[str, list[Mention]], spans: list[tuple[int, int]]
) -> None:
    text, mentions = labelled
    less = evaluation.report([Document(text, "en", mentions, spans[:-1])])
    more = evaluation.report([Document(text, "en", mentions, spans)])
    for name in ("direct", "quasi", "clean"):
        assert getattr(less, name).hits <= getattr(more, name).hits
        assert getattr(less, name).total == getattr(more, name).total
    assert all(share.hits <= more.mentions[kind].hits for kind, share in less.mentions.items())
    assert more.kept.hits <= less.kept.hits


@given(_labelled())
def test_a_prediction_of_all_that_needs_masking_misses_nothing(labelled: tuple[str, list[Mention]]) -> None:
    text, mentions = labelled
    spans = [(mention.start, mention.end) for mention in mentions if mention.needs_masking]
    one = evaluation.report([Document(text, "en", mentions, spans)])
    shares = [one.direct, one.quasi, one.clean, *one.mentions.values()]
    assert all(share.hits == share.total for share in shares)


@given(_labelled())
def test_an_empty_prediction_keeps_every_word(labelled: tuple[str, list[Mention]]) -> None:
    text, mentions = labelled
    one = evaluation.report([Document(text, "en", mentions, [])])
    assert one.kept.hits == one.kept.total
    assert one.precision == Share()


def _written(path: Path, lines: list[dict[str, object]]) -> Path:
    text = "".join(json.dumps(line) + "\n" for line in lines)
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text)
    return path


def _command(tmp_path: Path, gold: list[dict[str, object]], predicted: list[dict[str, object]]) -> int:
    paths = _written(tmp_path / "gold.jsonl.gz", gold), _written(tmp_path / "predicted.jsonl", predicted)
    with pytest.raises(typer.Exit) as ended:
        evaluate.evaluate(*paths, True)
    return int(ended.value.exit_code)


def test_predictions_meet_their_texts_by_id_by_order_or_by_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lina: dict[str, object] = {"text": "Lina left", "spans": [[0, 4, "PERSON"]], "lang": "en"}
    none: dict[str, object] = {"text": "she left", "spans": [], "lang": "en"}
    found: dict[str, object] = {"spans": [[0, 4, "PERSON", 0.9]], "text": "[PERSON_1] left", "lang": "en"}
    nothing: dict[str, object] = {"spans": [], "text": "she left", "lang": "en"}
    by_id = _command(tmp_path, [none | {"id": "b"}, lina | {"id": "a"}], [found | {"id": "a"}, nothing | {"id": "b"}])
    by_order = _command(tmp_path, [none, lina], [nothing | {"id": "x"}, found | {"id": "y"}])
    by_line = _command(tmp_path, [none, lina, none], [found | {"id": 1}, nothing | {"id": 0}])
    assert (by_id, by_order, by_line) == (0, 0, 1)
    for printed in capsys.readouterr().out.split("\n}\n")[:3]:
        recall = json.loads(printed + "\n}")["languages"]["en"]["mentions"]["all"]
        assert (recall["hits"], recall["total"]) == (1, 1)


def test_a_text_without_a_prediction_counts_as_missed() -> None:
    gold = [evaluate.Gold(text="Lina left", spans=[(0, 4, "PERSON")], id="a")]
    pairs, missing = evaluate.documents(gold, [])
    assert missing == 1
    assert evaluation.report(pairs).mentions["all"] == Share(0, 1)


def test_a_line_of_another_form_is_refused_without_its_text(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as refused:
        _command(tmp_path, [{"text": "Lina", "spans": "Lina"}], [])
    assert refused.value.code == "CFG-013"
    assert "Lina" not in str(refused.value)


def test_the_table_prints_each_measure_with_its_count() -> None:
    printed = evaluate.table({"en": _tab((3, 8), (22, 27), (31, 36))})
    assert "direct entities masked" in printed
    assert "6 of 6" in printed
