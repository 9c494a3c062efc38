"""A trained model: the probability of every label at every token of a text.

A model has one member or more, each a linear-chain CRF trained on texts of one style; a text's probabilities are the
mixture of its members', by its style. Each word form's contribution, to its own scores and to its neighbours', is
summed up once and remembered as a row; the scores of a text are sums of such rows.

    1. `styles`: the share of each member
    2. `scores`: the rows of the words, pairs and flags, summed
    3. `lattice.marginals`: probabilities, member by member
    4. the mixture

Called by: `recogniser.LanguageReader`, and `anonymizer.training.make` for its measurements.

Invariants:
    - The memory of forms and pairs is bounded; it is cleared as a whole when it is full.
    - A text has the same probabilities alone and among others, up to rounding.

Source: Lafferty, McCallum, Pereira (2001), "Conditional random fields".
"""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from anonymizer.names import lattice
from anonymizer.names.features import OFFSETS, Features
from anonymizer.names.tokens import LINE_BREAK, pieces
from anonymizer.names.weights import Weights, WeightTable

__all__ = ["Model"]

_LEAST_SHARE: Final = 0.02  # members below it are left out: they cost time and change next to nothing
_MOST_FORMS: Final = 40_000
_MOST_PAIRS: Final = 400_000
_HERE: Final = 2  # a remembered row: two words before, one before, here, one after, two after


class Model:
    """Weights with the features they were trained on, and a bounded memory of the word forms that were met."""

    def __init__(self, weights: Weights, features: Features) -> None:
        self.labels = weights.labels
        self._features = features
        self._weights = weights
        self._here, self._around, self._pair = map(_Rows, (weights.here, weights.around, weights.pair))
        self._members = len(weights.transitions)
        self._columns = self._members * len(weights.labels)
        evidence = weights.styles.values.reshape(-1, self._members).astype(np.float64)
        self._evidence = dict(zip(weights.styles.names, evidence, strict=True))
        self._flags = dict(zip(weights.flags.names, weights.flags.values.reshape(-1, self._columns), strict=True))
        self._rows: dict[str, int] = {}
        self._forms: list[str] = []
        self._table: NDArray[np.float32] = np.zeros((1024, 1 + len(OFFSETS), self._columns), dtype=np.float32)
        self._says: NDArray[np.float64] = np.zeros((1024, self._members))
        self._known_pairs: dict[int, int] = {}
        self._pair_rows: dict[tuple[str, ...], int] = {}
        self._pairs: NDArray[np.float32] = np.zeros((1024, 2, self._columns), dtype=np.float32)

    def probabilities(self, forms: Sequence[str]) -> NDArray[np.float64]:
        """Return the marginal probability of every label at every token of a text (tokens by labels)."""
        return self.probabilities_of([forms])[0]

    def probabilities_of(self, texts: Sequence[Sequence[str]]) -> list[NDArray[np.float64]]:
        """Return the probabilities of several texts; texts read by the same members are computed together."""
        probabilities = [np.zeros((0, len(self.labels)))] * len(texts)
        # 1.
        shares = [self.styles(forms) for forms in texts]
        groups: dict[tuple[int, ...], list[int]] = {}
        for number, share in enumerate(shares):
            if texts[number]:
                groups.setdefault(tuple(np.flatnonzero(share > _LEAST_SHARE).tolist()), []).append(number)
        for members, numbers in groups.items():
            by_text = self._marginals([texts[number] for number in numbers], list(members))
            for number, marginals in zip(numbers, by_text, strict=True):
                share = shares[number][list(members)]
                probabilities[number] = np.tensordot(share / share.sum(), marginals, axes=1)  # 4.
        return probabilities

    def _marginals(self, texts: Sequence[Sequence[str]], members: list[int]) -> list[NDArray[np.float64]]:
        """Return the probabilities by some members, text by text (members by tokens by labels)."""
        ends = np.cumsum([0, *map(len, texts)])
        scores = np.concatenate([self.scores(forms) for forms in texts])  # 2.
        bounds = [pieces(forms)[:-1] + start for forms, start in zip(texts, ends[:-1], strict=True)]
        by_member = scores.reshape(len(scores), self._members, -1).transpose(1, 0, 2)[members]
        together = np.concatenate([*bounds, ends[-1:]])
        marginals = lattice.marginals(by_member, self._weights.transitions[members], together)  # 3.
        return np.split(marginals, ends[1:-1], axis=1)

    def styles(self, forms: Sequence[str]) -> NDArray[np.float64]:
        """Return the share of each member's style in a text; the shares add up to one."""
        if self._members == 1:
            return np.ones(1)
        ids = self._ids(forms)
        # Naive Bayes would sum the evidence of all words; neighbours are not independent, so it is divided by the root
        # of their number.
        weight = np.exp(self._says[ids].sum(axis=0) / max(1, len(forms)) ** 0.5)
        return np.asarray(weight / weight.sum())

    def scores(self, forms: Sequence[str]) -> NDArray[np.float32]:
        """Return the score of every label at every token, without transitions (tokens by members times labels)."""
        ids = self._ids((LINE_BREAK, LINE_BREAK, *forms, LINE_BREAK, LINE_BREAK))  # the edges count as line breaks
        rows = self._table[ids]
        count = len(forms)
        total = rows[2 : 2 + count, _HERE].copy()
        for slot, offset in enumerate(OFFSETS):
            total += rows[2 + offset : 2 + offset + count, slot if offset < 0 else slot + 1]
        pair_ids = self._pair_ids(ids[1:-1])  # may replace self._pairs by a longer table
        pairs = self._pairs[pair_ids]
        total += pairs[:-1, 0]
        total += pairs[1:, 1]
        for name, values in self._features.flags(forms).items():
            if name in self._flags:
                total[values] += self._flags[name]
        return np.asarray(total)

    def _ids(self, forms: Sequence[str]) -> NDArray[np.int64]:
        """Return the rows of some word forms; unknown ones are learnt first."""
        # Forgetting everything at once is simple, and rare enough to cost nothing.
        if len(self._forms) > _MOST_FORMS or len(self._known_pairs) > _MOST_PAIRS:
            for memory in (self._rows, self._known_pairs, self._pair_rows):
                memory.clear()
            self._forms.clear()
        rows = self._rows
        try:  # most texts hold known words alone
            ids = [rows[form] for form in forms]
        except KeyError:
            self._learn(form for form in dict.fromkeys(forms) if form not in rows)
            ids = [rows[form] for form in forms]
        return np.array(ids, dtype=np.int64)

    def _learn(self, forms: Iterable[str]) -> None:
        """Sum up the rows of new word forms; the tables double when they are full."""
        for form in forms:
            self._rows[form] = len(self._forms)
            self._forms.append(form)
            if len(self._forms) > len(self._table):
                self._table = np.concatenate([self._table, np.zeros_like(self._table)])
                self._says = np.concatenate([self._says, np.zeros_like(self._says)])
            self._says[len(self._forms) - 1] = self._evidence.get(form.lower(), 0.0)
            row = self._table[len(self._forms) - 1]
            around = self._around.total(self._features.around(form))
            # The slots are what the form adds to the words two and one places on, to itself, and one and two before it.
            row[:_HERE], row[_HERE + 1 :] = around[:_HERE], around[_HERE:]
            row[_HERE] = self._here.total(self._features.here(form))[0]

    def _pair_ids(self, ids: NDArray[np.int64]) -> list[int]:
        """Return the rows of all pairs of neighbours; most pairs have no known feature and share the row of zeros."""
        rows = self._known_pairs
        codes = ((ids[:-1] << 32) | ids[1:]).tolist()  # two rows in one number: a quicker key than a tuple
        try:
            return [rows[code] for code in codes]
        except KeyError:
            for code in codes:
                if code not in rows:
                    rows[code] = self._learn_pair(self._forms[code >> 32], self._forms[code & 0xFFFFFFFF])
            return [rows[code] for code in codes]

    def _learn_pair(self, form: str, following: str) -> int:
        """Return the row of a new pair of forms; pairs with the same known features share one."""
        names = tuple(name for name in self._features.pair(form, following) if name in self._pair.index)
        if not names:
            return 0
        if names not in self._pair_rows:
            self._pair_rows[names] = len(self._pair_rows) + 1
            if len(self._pair_rows) >= len(self._pairs):
                self._pairs = np.concatenate([self._pairs, np.zeros_like(self._pairs)])
            self._pairs[self._pair_rows[names]] = self._pair.total(names)
        return self._pair_rows[names]


class _Rows:
    """The rows of one table of weights by feature name."""

    def __init__(self, table: WeightTable) -> None:
        self.index = {name: row for row, name in enumerate(table.names)}
        self._values = table.values.reshape(len(table.names), table.values.shape[1], -1)

    def total(self, names: Iterable[str]) -> NDArray[np.float32]:
        """Return the sum of the rows of those names that the model knows (slots by columns)."""
        return np.asarray(self._values[[self.index[name] for name in names if name in self.index]].sum(axis=0))
