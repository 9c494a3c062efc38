"""The tables of `docs/reference/detection.md`: `python -m tests.bench.detection_figures CORPORA [--patterns]`.

Measures the shipped policy on what the models have not seen: of the corpora they are trained on, the fifth that is held
out, with models trained here on the other four; of any other corpus, every text. `--patterns` leaves the models out.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from anonymizer.detection.presidio import Analyzer
from anonymizer.microdata import evaluation
from anonymizer.microdata.evaluation import EvaluationReport, Share
from anonymizer.names.features import Features
from anonymizer.names.languages import LANGUAGES
from anonymizer.names.model import Model
from anonymizer.names.recogniser import LanguageReader
from anonymizer.names.weights import from_bytes
from anonymizer.training import augment, corpora, make
from anonymizer.training.recipes import RECIPES, Recipe
from tests.support.raw_events import shipped

Spans = list[tuple[int, int]]
Find = Callable[[str, str], Spans]

HEADER = (
    "corpus",
    "texts",
    "mentions masked",
    "persons masked",
    "direct",
    "quasi",
    "kept",
    "precision",
    "leak nothing",
)


def main() -> None:
    """Print the table, a row as soon as it is measured."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("corpora", type=Path)
    options.add_argument("--patterns", action="store_true", help="without the trained models")
    asked = options.parse_args()
    print(f"| {' | '.join(HEADER)} |\n|{'---|' * len(HEADER)}")
    for name, documents, find in measured(asked.corpora, models=not asked.patterns):
        print(row(name, evaluation.report(evaluated(one, find) for one in documents)), flush=True)


def measured(folder: Path, *, models: bool) -> Iterator[tuple[str, Sequence[corpora.LabelledText], Find]]:
    """Yield the name of a row, its texts, and what finds spans in them."""
    besides = patterns()
    for recipe in RECIPES:
        documents = make.read(recipe, folder)
        if not recipe.low:
            documents |= {path.name.split(".")[0]: corpora.read(path) for path in _others(recipe, folder)}
        own = {one.name for one in recipe.corpora}
        find = united(besides, _names(recipe, documents, own)) if models else besides
        for name, texts in documents.items():
            unseen = [one for one in texts if name not in own or corpora.held_out(one)]
            if recipe.low:
                yield f"`{name}`, lower-cased", [low for one in unseen if (low := augment.lower(one))], find
            else:
                yield f"`{name}`" + ("" if name in own else ", not trained on"), unseen, find


def _others(recipe: Recipe, folder: Path) -> list[Path]:
    own = {f"{one.name}.jsonl.gz" for one in recipe.corpora}
    return [path for path in sorted(folder.glob(f"{recipe.language}-*.jsonl.gz")) if path.name not in own]


def patterns() -> Find:
    """Return what finds by the shipped recognisers alone, without the models."""
    rules = shipped().text
    analyzer = Analyzer(rules)
    size, step = rules.chunk_characters, rules.chunk_characters - rules.overlap_characters

    def find(text: str, language: str) -> Spans:
        return [
            (start + offset, end + offset)
            for offset in range(0, max(1, len(text) - rules.overlap_characters), step)
            for start, end, _, _ in analyzer.values_by_prefilter(text[offset : offset + size], language)
        ]

    return find


def _names(recipe: Recipe, documents: make.Documents, own: set[str]) -> Find:
    """Train a recipe's model on four fifths of its own corpora."""
    seen = {name: [one for one in documents[name] if not corpora.held_out(one)] for name in own}
    model = from_bytes(make.trained(recipe, seen))

    def load(_name: str, _features: Features) -> Model:
        return Model(model, recipe.features)

    reader = LanguageReader(LANGUAGES[recipe.language], getattr(shipped().text.names, recipe.language), load)
    return lambda text, _language: [found[:2] for found in reader.find(text)]


def united(*finders: Find) -> Find:
    """Find what any of them finds."""
    return lambda text, language: [span for find in finders for span in find(text, language)]


def evaluated(document: corpora.LabelledText, find: Find) -> evaluation.Document:
    """Lay what is found in a document beside its labels."""
    levels = any(span.entity is not None for span in document.spans)
    mentions = [
        evaluation.Mention(span.start, span.end, span.type, span.level if levels else None, span.entity)
        for span in document.spans
    ]
    return evaluation.Document(document.text, document.language, mentions, find(document.text, document.language))


def row(name: str, report: EvaluationReport) -> str:
    """Write a report as a row of Markdown."""
    mentions = report.mentions.get("all", Share()), report.mentions.get("PERSON", Share())
    shares = (*mentions, report.direct, report.quasi, report.kept, report.precision, report.clean)
    return f"| {' | '.join([name, str(report.documents), *map(_cell, shares)])} |"


def _cell(share: Share) -> str:
    if share.value is None or share.interval is None:
        return ""
    low, high = share.interval
    return f"{share.value:.3f} ({low:.3f} to {high:.3f}; {share.total:,})"


if __name__ == "__main__":
    main()
