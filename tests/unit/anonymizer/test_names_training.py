"""Equal corpora give equal models and cards."""

import gzip
import json
import random
from pathlib import Path

import pytest
import typer
import typer.testing

from amana.commands import train as command
from anonymizer.names.tokens import tokenise
from anonymizer.training import augment, corpora, make, recipes
from schemas.errors import ConfigurationError

TEXT = "Mrs Peri Quastel met Quastel in Ulmford.\nNobody came."
SPANS = [[0, 16, "PERSON", "direct", 1], [21, 28, "PERSON", "direct", 1], [32, 39, "GPE", "no", 2], [41, 47, "TITLE"]]


def _corpus(folder: Path) -> None:
    """Write tiny invented corpora under the names that the English recipes ask for."""
    for recipe in recipes.RECIPES:
        for one in recipe.corpora:
            rows = [
                {"text": TEXT.replace("came", f"came {n}"), "spans": SPANS, "lang": recipe.language, "source": one.name}
                for n in range(12)
            ]
            text = "".join(json.dumps(row) + "\n" for row in rows)
            (folder / f"{one.name}.jsonl.gz").write_bytes(gzip.compress(text.encode(), mtime=0))


def test_two_trainings_of_a_model_give_the_same_bytes_and_card(tmp_path: Path) -> None:
    _corpus(tmp_path)
    recipe = recipes.RECIPES[0]
    assert make.make(recipe, tmp_path, 0.99) == make.make(recipe, tmp_path, 0.99)


def test_the_command_writes_models_and_cards_that_name_data_and_licence(tmp_path: Path) -> None:
    _corpus(tmp_path)
    app = typer.Typer()
    command.register(app)
    app.callback()(lambda: None)
    arguments = ["train", "--corpora", str(tmp_path), "--out", str(tmp_path / "out"), "--language", "en"]
    result = typer.testing.CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    card = json.loads((tmp_path / "out" / "en.json").read_text())
    assert {source["licence"] for source in card["corpora"]} >= {"MIT", "CC BY 4.0"}
    assert card["bytes"] == len((tmp_path / "out" / "en.bin").read_bytes())
    assert card["held_out"]["figures"]


def test_a_folder_without_the_corpora_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="CFG-027"):
        make.read(recipes.RECIPES[0], tmp_path)


def test_no_model_of_ours_rests_on_data_that_must_stay_share_alike_unless_kept_apart() -> None:
    for recipe in recipes.RECIPES:
        assert recipe.share_alike or not any("SA" in one.licence for one in recipe.corpora)


def test_types_are_brought_to_eight_and_spans_follow_the_folding(tmp_path: Path) -> None:
    row = {"text": "Pe\u0301ri\u200b Quastel\u00a0in Ulmford", "spans": [[0, 14, "PERSON"], [18, 25, "GPE"]]}
    path = tmp_path / "x.jsonl.gz"
    path.write_bytes(gzip.compress(json.dumps(row | {"lang": "en", "source": "x"}).encode()))
    (document,) = corpora.read(path)
    assert [(document.text[s.start : s.end], s.type) for s in document.spans] == [
        ("Peri Quastel", "PERSON"),
        ("Ulmford", "LOC"),
    ]


def test_what_was_left_in_clear_has_a_label_of_its_own() -> None:
    span = corpora.Span(0, 7, "ORG", "no")
    assert corpora.labels(tokenise("Ulmford met"), [span], keep=True) == ["KEEP", "O"]
    assert corpora.labels(tokenise("Ulmford met"), [span]) == ["ORG", "O"]


def test_a_renamed_line_keeps_its_other_words_and_its_spans_hold_the_names() -> None:
    spans = (corpora.Span(0, 16, "PERSON"), corpora.Span(21, 28, "PERSON"), corpora.Span(32, 39, "LOC"))
    document = corpora.LabelledText(TEXT, spans, "en", "x")
    for seed in range(20):
        made = augment.renamed(document, random.Random(seed))
        first, second, place = (made.text[s.start : s.end] for s in made.spans)
        assert first.startswith("Mrs ")
        assert first.endswith(second)
        assert "Quastel" not in made.text
        assert (place, made.text[made.spans[2].end :]) == ("Ulmford", ".\nNobody came.")
