"""The card of a model: its sources and settings, its figures on held-out texts, and its known failures, as JSON.

Purpose: let a reader of a model judge it without the corpora. The figures are those of a model trained without the
held-out documents; the shipped model is trained on everything.

Called by: `make`. The cards lie beside the model files, in `anonymizer/names/models`.

Invariants:
- The figures are of a model that has not seen the documents measured.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from anonymizer.microdata import evaluation
from anonymizer.names.recogniser import LanguageReader
from anonymizer.training import corpora
from anonymizer.training.recipes import Recipe

__all__ = ["card", "figures"]

_DIGITS: Final = 3
_OFTEN: Final = 0.9


def figures(reader: LanguageReader, documents: Mapping[str, Sequence[corpora.LabelledText]]) -> dict[str, Any]:
    """Return the figures of a reader on documents that it has not seen, corpus by corpus."""
    return {name: _measured(reader, documents[name]) for name in sorted(documents)}


def _measured(reader: LanguageReader, documents: Sequence[corpora.LabelledText]) -> dict[str, Any]:
    """Return the figures of a reader on one corpus."""
    read = []
    for document in documents:
        predicted = [found[:2] for found in reader.find(document.text)]
        # Only TAB tells levels and entities; elsewhere every mention counts alike.
        leveled = any(span.entity is not None for span in document.spans)
        mentions = [
            evaluation.Mention(s.start, s.end, s.type, s.level if leveled else None, s.entity) for s in document.spans
        ]
        read.append(evaluation.Document(document.text, document.language, mentions, predicted))
    report = evaluation.report(read)
    shares = {name: getattr(report, name) for name in ("direct", "quasi", "precision", "kept", "clean")}
    return {
        "documents": report.documents,
        "mentions": {kind: _share(share) for kind, share in sorted(report.mentions.items())},
        **{name: _share(share) for name, share in shares.items() if share.total},
    }


def _share(share: evaluation.Share) -> dict[str, Any]:
    """Return a share and what it is of, rounded."""
    value = share.value
    return {"value": None if value is None else round(value, _DIGITS), "of": share.total}


def _misses(held_out: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each type that is missed more often than once in ten."""
    return [
        f"{name}: {round(share['of'] * (1 - share['value']))} of {share['of']} mentions of {kind}"
        for name, figures in held_out.items()
        for kind, share in figures["mentions"].items()
        if share["of"] and share["value"] < _OFTEN
    ]


def card(recipe: Recipe, model: bytes, folder: Path, held_out: Mapping[str, Any], least_clear: float) -> str:
    """Return the card of a model as JSON.

    Args:
        recipe: of the model.
        model: the bytes of the model file.
        folder: where the corpora lie.
        held_out: the figures, from `figures`.
        least_clear: the threshold at which they were taken.
    """
    sources = [
        {
            "name": corpus.name,
            "licence": corpus.licence,
            "credit": corpus.credit,
            "sha256": corpora.sha256(folder / f"{corpus.name}.jsonl.gz"),
        }
        for corpus in recipe.corpora
    ]
    settings = recipe.settings
    content = {
        "model": recipe.model,
        "sha256": hashlib.sha256(model).hexdigest(),
        "bytes": len(model),
        "language": recipe.language,
        "licence": recipe.licence,
        "share_alike": recipe.share_alike,
        "corpora": sources,
        "misses": recipe.misses,
        "training": {
            "algorithm": "linear-chain CRF, L-BFGS (CRFsuite)",
            "c1": settings.c1,
            "c2": settings.c2,
            "iterations": settings.iterations,
            "lower_cased": recipe.low,
        },
        "held_out": {
            "rule": "SHA-256 of the text, modulo five, is zero",
            "model": "trained on the other four fifths; the shipped model is trained on everything",
            "threshold": least_clear,
            "figures": dict(held_out),
            "misses": _misses(held_out),
        },
    }
    return json.dumps(content, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
