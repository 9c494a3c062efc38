"""What earlier noisy tables cost a person of a new one: compared with every person, one by one."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anonymizer.tabular.crosstab import CrossTable
from anonymizer.tabular.earlier_losses import loss_before

CODES = {"period": ("Q1", "Q2", "Q3"), "area": ("LBN", "JOR"), "sex": ("F", "M"), "form": ("labour", "other")}


def over(**codes: tuple[str, ...]) -> CrossTable:
    """Return a table over every combination of codes."""
    dims = tuple(codes)
    return CrossTable(dims, (frozenset(dims),), dict.fromkeys(product(*codes.values()), 5), {})


Q1 = over(period=("Q1",), sex=("F", "M"))
Q2 = over(period=("Q2",), sex=("F", "M"))
YEAR = over(period=("Q1", "Q2"), sex=("F", "M"))
FORMS = over(period=("Q1",), form=("labour", "other"))


@pytest.mark.parametrize(
    ("new", "earlier", "cells", "spent"),
    [
        (Q2, [Q1], 1, 0),
        (Q1, [Q1], 1, 1),
        (YEAR, [Q1, Q2], 1, 1),
        (Q1, [YEAR, Q2], 1, 1),
        (YEAR, [Q1, Q2, YEAR], 1, 2),
        (YEAR, [Q1, Q2, over(period=("Q3",), sex=("F",))], 2, 3),
        (Q2, [Q1, FORMS], 1, 1),
        (Q1, [Q1, FORMS], 1, 2),
        (Q1, [FORMS, over(form=("labour",), period=("Q2",))], 1, 1),
        (Q1, [], 1, 0),
    ],
)
def test_a_draw_counts_for_whoever_may_be_in_it(
    new: CrossTable, earlier: list[CrossTable], cells: int, spent: int
) -> None:
    assert loss_before(new, [(table, 1) for table in earlier], cells) == spent


@st.composite
def tables(draw: st.DrawFn) -> CrossTable:
    """Draw a table over two or three of the dimensions and some of their codes."""
    dims = draw(st.lists(st.sampled_from([*CODES]), min_size=2, max_size=3, unique=True))
    return over(**{dim: tuple(draw(st.lists(st.sampled_from(CODES[dim]), min_size=1, unique=True))) for dim in dims})


@given(tables(), st.lists(st.tuples(tables(), st.integers(1, 9)), max_size=5))
@settings(max_examples=60, deadline=None)
def test_no_person_lost_more_and_one_with_the_same_dimensions_lost_as_much(
    new: CrossTable, earlier: list[tuple[CrossTable, int]]
) -> None:
    """Everybody has one code of each dimension, and is in one cell of each table that has these codes."""
    lost = []
    for codes in product(*CODES.values()):
        person = dict(zip(CODES, codes, strict=True))
        if tuple(person[d] for d in new.dims) in new.counts:
            lost.append(sum(rho for t, rho in earlier if tuple(person[d] for d in t.dims) in t.counts))
    spent = loss_before(new, earlier, 1)
    assert spent >= max(lost)
    if all(set(table.dims) == set(new.dims) for table, _ in earlier):
        assert spent == max(lost)
