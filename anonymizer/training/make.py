"""Make a model and its card from a folder of corpora.

Decides the order of things: figures on the held-out fifth with a model that has not seen it, then the model itself on
everything. Equal corpora give equal bytes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from anonymizer.names.features import Features
from anonymizer.names.languages import LANGUAGES
from anonymizer.names.model import Model
from anonymizer.names.recogniser import LanguageReader
from anonymizer.names.tokens import Tokens, tokenise
from anonymizer.names.weights import from_bytes, to_bytes
from anonymizer.training import augment, card, corpora, fit
from anonymizer.training.recipes import ORDER, Recipe
from schemas.errors import ConfigurationError

__all__ = ["Made", "make", "read", "trained"]

Documents = Mapping[str, Sequence[corpora.LabelledText]]


@dataclass(frozen=True, slots=True)
class Made:
    """A model file's bytes and its card."""

    model: bytes
    card: str


def read(recipe: Recipe, folder: Path) -> dict[str, list[corpora.LabelledText]]:
    """Read a recipe's corpora.

    Raises:
        ConfigurationError: CFG-023, a corpus is not in the folder.
    """
    for one in recipe.corpora:
        if not (folder / f"{one.name}.jsonl.gz").is_file():
            raise ConfigurationError("CFG-023", f"the corpus {one.name} is not in the folder")
    return {one.name: corpora.read(folder / f"{one.name}.jsonl.gz") for one in recipe.corpora}


def make(recipe: Recipe, folder: Path, least_clear: float) -> Made:
    """Take the figures, then train on everything."""
    documents = read(recipe, folder)
    seen = {name: [one for one in docs if not corpora.held_out(one)] for name, docs in documents.items()}
    unseen = {name: [one for one in docs if corpora.held_out(one)] for name, docs in documents.items()}
    figures = _figures(recipe, trained(recipe, seen), unseen, least_clear)
    model = trained(recipe, documents)
    return Made(model, card.card(recipe, model, folder, figures, least_clear))


def trained(recipe: Recipe, documents: Documents) -> bytes:
    """Train a recipe's model on documents by corpus."""
    styles = [_read(mix(documents)) for mix in (recipe.mix, *recipe.others)]
    members = [[piece for tokens, spans in style for piece in _pieces(recipe, tokens, spans)] for style in styles]
    forms = fit.styles_of([[tokens.forms for tokens, _ in style] for style in styles]) if recipe.others else None
    return to_bytes(fit.calmed(fit.fit(members, recipe.settings, ORDER, forms), recipe.calm))


def _read(documents: Sequence[corpora.LabelledText]) -> list[tuple[Tokens, tuple[corpora.Span, ...]]]:
    return [(tokenise(document.text), document.spans) for document in documents]


def _pieces(recipe: Recipe, tokens: Tokens, spans: Sequence[corpora.Span]) -> list[fit.Piece]:
    return fit.sequences(recipe.features, tokens, corpora.labels(tokens, spans, begun=recipe.begun))


def _figures(recipe: Recipe, model: bytes, unseen: Documents, least_clear: float) -> dict[str, object]:
    def load(_name: str, _features: Features) -> Model:
        return Model(from_bytes(model), recipe.features)  # in every text, with capitals or without

    tested = {name: _lowered(docs) if recipe.low else list(docs) for name, docs in unseen.items() if docs}
    return card.figures(LanguageReader(LANGUAGES[recipe.language], least_clear, load), tested)


def _lowered(documents: Sequence[corpora.LabelledText]) -> list[corpora.LabelledText]:
    return [low for document in documents if (low := augment.lower(document)) is not None]
