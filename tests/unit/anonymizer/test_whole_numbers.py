"""An attacker knows that people come whole: what is safe in fractions alone is mended, or refused."""

import numpy as np
import pytest

from anonymizer.solvers.ortools_engine import OrtoolsAuditor
from anonymizer.tabular import protection_audit, publication_decision
from anonymizer.tabular.crosstab import CrossTable
from anonymizer.tabular.linear_program import Program
from anonymizer.tabular.sparse_matrix import Matrix
from tests.support.tables import DIMS, MARGINS, people, published, quarter_of, regions

ODD = ((0, 1), (1, 2), (0, 2))
"""Three variables whose sums by two are odd: one half each is the only way."""


def odd(cost: float) -> Program:
    """Return a program that has an answer in fractions alone."""
    matrix = Matrix.of([[(a, 1.0), (b, 1.0)] for a, b in ODD], 3)
    ends = np.ones(3)
    return Program(np.full(3, cost), matrix, ends, ends, np.zeros(3), np.full(3, np.inf))


def test_whole_numbers_are_not_found_where_there_are_none() -> None:
    """Fractions solve it, whole numbers do not."""
    assert OrtoolsAuditor()(odd(1.0)) is not None
    assert OrtoolsAuditor.whole(odd(1.0), 1.0) is None


def test_whole_numbers_are_found_where_they_are() -> None:
    """The best of them, within every bound."""
    matrix = Matrix.of([[(0, 2.0), (1, 3.0)]], 2)
    even = Program(np.array([-1.0, -1.0]), matrix, np.zeros(1), np.array([12.0]), np.zeros(2), np.full(2, np.inf))
    found = OrtoolsAuditor.whole(even, 1.0)
    assert found is not None
    assert found.tolist() == [6.0, 0.0]


def test_a_quarter_is_mended_in_whole_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Protected in fractions, it leaves a sum that cannot be 11 in whole numbers; unmended, its detail is withheld."""
    counts = people(6, "2023", 83 * 6, 1)
    margins = tuple(margin | {"year", "quarter"} for margin in MARGINS)
    first, second = (CrossTable(DIMS, margins, quarter_of(counts, quarter), regions(6)) for quarter in ("Q1", "Q2"))
    history = [published(first, ())[0]]
    failed: list[int] = []
    attack = protection_audit.audit

    def watched(*given: object) -> protection_audit.Audited:
        found = attack(*given)  # type: ignore[arg-type]
        failed.append(int(found.failed.sum()))
        return found

    monkeypatch.setattr(protection_audit, "audit", watched)
    mended = published(second, history)[1]
    assert failed[0] > 0
    assert failed[-1] == 0
    monkeypatch.setattr(publication_decision, "_TRIES", 1)
    assert len(published(second, history)[1].values) < len(mended.values)
