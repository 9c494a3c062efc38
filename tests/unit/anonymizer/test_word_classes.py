"""Equal word vectors give equal classes of words that are used alike."""

import numpy as np

from anonymizer.names import lexicon
from anonymizer.training import word_classes


def test_words_with_like_vectors_share_a_class() -> None:
    draw = np.random.RandomState(3)
    centres = np.eye(4)[[0] * 10 + [1] * 10 + [2] * 10 + [3] * 10]
    found = word_classes.classes(centres + 0.01 * draw.standard_normal(centres.shape), levels=(4,))[:, 0]
    for start in range(0, 40, 10):
        assert len(set(found[start : start + 10].tolist())) <= 2  # two centres may share a cluster's points
    assert not set(found[:10].tolist()) & set(found[30:].tolist())


def test_a_line_names_its_classes_and_their_words_in_order() -> None:
    vectors = {word: [float(n), 1.0, float(n * n)] for n, word in enumerate(("nurse", "cook", "driver", "guard"))}
    lines = list(word_classes.lines(vectors))
    assert lines == list(word_classes.lines(dict(reversed(vectors.items()))))
    assert sorted(word for line in lines for word in line.partition(": ")[2].split()) == sorted(vectors)


def test_the_shipped_list_gives_every_word_three_classes_and_no_word_twice() -> None:
    known = lexicon.classes("en_word_classes")
    assert len(known) > 50_000
    assert all(found.count(".") == 2 for found in known.values())
    assert known["nurse"] != known["river"]
