"""`amana train`: the shipped name models, made again from their corpora, byte for byte.

Purpose: the form of options, and where files go. Models are made by `anonymizer.training.make`.
Called by: `amana.commands.lazy`, which imports it when this command runs.

Invariants:
- The same corpora and recipe give the same bytes.
- A model with a share-alike licence goes into a folder of its own.
- Training is in a checkout alone, with the extra `train` (CFG-024).
"""

from pathlib import Path
from typing import Annotated

import typer

from anonymizer.names.recogniser import THRESHOLDS
from schemas.errors import ConfigurationError

__all__ = ["register", "train"]


def register(app: typer.Typer) -> None:
    """Add `train`."""
    app.command()(train)


def train(
    corpora: Annotated[Path, typer.Option("--corpora", help="Folder of labelled corpora (.jsonl.gz).")],
    out: Annotated[Path, typer.Option("--out", help="Folder for models and cards.")],
    language: Annotated[str | None, typer.Option("--language", help="Train only the models of this language.")] = None,
) -> None:
    """Train the name models on labelled corpora, and write each model with its card."""
    try:
        from anonymizer.training import make, recipes  # noqa: PLC0415 - not in the wheel
    except ModuleNotFoundError as error:
        message = "training needs a checkout of the project with the extra `train`"
        raise ConfigurationError("CFG-024", message) from error
    chosen = [recipe for recipe in recipes.RECIPES if language in {None, recipe.language}]
    if not chosen:
        raise ConfigurationError("CFG-026", "no recipe makes a model of that language", field="--language")
    for recipe in chosen:
        made = make.make(recipe, corpora, THRESHOLDS[recipe.language])
        # A model from a share-alike corpus has another licence than the project: it is kept apart.
        folder = out / "share-alike" if recipe.share_alike else out
        folder.mkdir(parents=True, exist_ok=True)
        (folder / recipe.model).write_bytes(made.model)
        (folder / f"{Path(recipe.model).stem}.json").write_text(made.card, encoding="utf-8")
        print(f"{recipe.model}: {len(made.model):,} bytes")
