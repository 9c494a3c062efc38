"""The model computes the same probabilities as CRFsuite, which trained it."""

import itertools
import lzma
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pycrfsuite  # type: ignore[import-untyped]  # no type information of its own
import pytest

from anonymizer.names import model, weights
from anonymizer.names.features import Features, attributes
from anonymizer.names.tokens import LONGEST_PIECE, pieces, tokenise
from anonymizer.training import corpora, fit
from schemas.errors import ConfigurationError

SENTENCES = [
    ("Mrs Zorlan met Peri Quastel in Ulmford on Monday.", {"Zorlan": "PERSON", "Quastel": "PERSON", "Ulmford": "LOC"}),
    ("Peri Quastel then left for Brackwater, a town.", {"Peri": "PERSON", "Quastel": "PERSON", "Brackwater": "LOC"}),
    ("The shelter in Ulmford called Mr Dovrin twice.", {"Ulmford": "LOC", "Dovrin": "PERSON"}),
    ("On Monday\nnobody came, and the van drove off.", {"Monday": "DATETIME"}),
]
UNSEEN = "Mrs Quastel left Ulmford on Monday. " * 9 + "\nNobody met Mr Velmar; the van came twice"


def _flags(forms: Sequence[str]) -> dict[str, np.ndarray]:
    return {"upper": np.array([form[:1].isupper() for form in forms])}


FEATURES = Features(
    here=lambda form: ("bias", f"w={form.strip().lower()}", f"s={form.strip()[-2:]}"),
    around=lambda form: (f"w={form.lower()}",) if form != "\n" else ("edge",),
    pair=lambda one, other: (f"{one.lower()} {other.lower()}",) if one != "\n" != other else (),
    flags=_flags,
)


def _data() -> list[fit.Piece]:
    made = []
    for text, names in SENTENCES:
        tokens = tokenise(text)
        made += fit.sequences(FEATURES, tokens, [names.get(form, "O") for form in tokens.forms])
    return made


@pytest.fixture(scope="module")
def trained() -> weights.Weights:
    return fit.fit([_data()], fit.FitSettings(c1=0.01, iterations=40), (corpora.OUTSIDE, *corpora.TYPES))


def test_marginals_equal_those_of_crfsuite(trained: weights.Weights) -> None:
    made = model.Model(trained, FEATURES)
    with tempfile.TemporaryDirectory() as folder:
        fit.train(_data(), fit.FitSettings(c1=0.01, iterations=40), Path(folder, "m"))
        tagger = pycrfsuite.Tagger()
        tagger.open(str(Path(folder, "m")))
        for text in (*(text for text, _ in SENTENCES), UNSEEN, "Ulmford"):
            forms = tokenise(text).forms
            found = made.probabilities(forms)
            rows, bounds = attributes(FEATURES, forms), pieces(forms).tolist()
            for start, end in itertools.pairwise(bounds):
                tagger.set(rows[start:end])
                theirs = [[tagger.marginal(label, i) for label in made.labels] for i in range(end - start)]
                assert np.abs(found[start:end] - np.array(theirs)).max() < 1e-4
        tagger.close()


def test_two_trainings_give_the_same_bytes(trained: weights.Weights) -> None:
    again = fit.fit([_data()], fit.FitSettings(c1=0.01, iterations=40), (corpora.OUTSIDE, *corpora.TYPES))
    assert weights.to_bytes(again) == weights.to_bytes(trained)


def test_a_saved_model_finds_what_the_trained_one_does(trained: weights.Weights) -> None:
    read = model.Model(weights.from_bytes(weights.to_bytes(trained)), FEATURES)
    forms = tokenise(UNSEEN).forms
    assert np.abs(read.probabilities(forms) - model.Model(trained, FEATURES).probabilities(forms)).max() < 0.01


def test_a_file_that_is_no_model_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="CFG-025"):
        weights.from_bytes(b"no model")


def test_a_model_file_of_another_version_is_refused(trained: weights.Weights) -> None:
    other = lzma.compress(lzma.decompress(weights.to_bytes(trained)).replace(b"amana-names-2", b"amana-names-1"))
    with pytest.raises(ConfigurationError, match="CFG-025: a model file is of another version"):
        weights.from_bytes(other)


def test_members_are_averaged() -> None:
    both = fit.fit([_data(), _data()[:2]], fit.FitSettings(c1=0.01, iterations=40), (corpora.OUTSIDE, *corpora.TYPES))
    forms = tokenise(UNSEEN).forms
    assert both.transitions.shape[0] == 2
    assert np.allclose(model.Model(both, FEATURES).probabilities(forms).sum(axis=1), 1)


def test_pieces_cover_the_tokens_in_order_and_are_short() -> None:
    forms = ["word"] * 95 + ["."] + ["word"] * 30
    bounds = pieces(forms)
    assert bounds[0] == 0
    assert bounds[-1] == len(forms)
    assert np.diff(bounds).min() > 0
    assert np.diff(bounds).max() <= LONGEST_PIECE
    assert 96 in bounds
