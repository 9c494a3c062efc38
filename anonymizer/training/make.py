"""A model and its card, made from a folder of corpora.

    1. read the corpora of the recipe
    2. train a model without the held-out fifth of the documents
    3. measure it on the held-out fifth, for the card
    4. train the shipped model on everything

Called by: `amana train`; `tests/bench` for figures of its own.

Invariant: equal corpora give equal bytes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from anonymizer.names.languages import LANGUAGES
from anonymizer.names.model import Model
from anonymizer.names.recogniser import LanguageReader
from anonymizer.names.tokens import tokenise
from anonymizer.names.weights import from_bytes, to_bytes
from anonymizer.training import augment, card, corpora, fit
from anonymizer.training.recipes import ORDER, Recipe
from schemas.errors import ConfigurationError

__all__ = ["Made", "make", "read", "trained"]

Documents = Mapping[str, Sequence[corpora.LabelledText]]


@dataclass(frozen=True, slots=True)
class Made:
    """The bytes of a model file and its card, as JSON."""

    model: bytes
    card: str


def read(recipe: Recipe, folder: Path) -> dict[str, list[corpora.LabelledText]]:
    """Read the corpora of a recipe from a folder, by the corpus's name.

    Raises:
        ConfigurationError: CFG-027, a corpus is not in the folder.
    """
    for corpus in recipe.corpora:
        if not (folder / f"{corpus.name}.jsonl.gz").is_file():
            raise ConfigurationError("CFG-027", f"the corpus {corpus.name} is not in the folder")
    return {corpus.name: corpora.read(folder / f"{corpus.name}.jsonl.gz") for corpus in recipe.corpora}


def make(recipe: Recipe, folder: Path, least_clear: float) -> Made:
    """Make the model of a recipe and its card.

    Args:
        recipe: what is trained on, and how.
        folder: where the corpora lie, as `.jsonl.gz`.
        least_clear: the threshold at which the figures are taken.

    Raises:
        ConfigurationError: CFG-027, a corpus is not in the folder.
    """
    documents = read(recipe, folder)  # 1.
    seen = {name: [document for document in docs if not corpora.held_out(document)] for name, docs in documents.items()}
    unseen = {name: [document for document in docs if corpora.held_out(document)] for name, docs in documents.items()}
    measured = trained(recipe, seen)  # 2.
    # 3. The model reads every text, with capitals or without, whatever file the language has for it.
    reader = LanguageReader(
        LANGUAGES[recipe.language], least_clear, lambda _name, _features: Model(from_bytes(measured), recipe.features)
    )
    tested = {
        name: [low for document in docs if (low := augment.lower(document)) is not None] if recipe.low else docs
        for name, docs in unseen.items()
        if docs
    }
    figures = card.figures(reader, tested)
    model = trained(recipe, documents)  # 4.
    return Made(model, card.card(recipe, model, folder, figures, least_clear))


def trained(recipe: Recipe, documents: Documents) -> bytes:
    """Train the model of a recipe on documents by corpus; return the bytes of the model file."""
    mixes = [mix(documents) for mix in (recipe.mix, *recipe.others)]
    styles = [[(tokenise(document.text), document.spans) for document in mixed] for mixed in mixes]
    members = [
        [
            piece
            for tokens, spans in style
            for piece in fit.sequences(recipe.features, tokens, corpora.labels(tokens, spans, begun=recipe.begun))
        ]
        for style in styles
    ]
    evidence = fit.styles_of([[tokens.forms for tokens, _ in style] for style in styles]) if recipe.others else None
    return to_bytes(fit.calmed(fit.fit(members, recipe.settings, ORDER, evidence), recipe.calm))
