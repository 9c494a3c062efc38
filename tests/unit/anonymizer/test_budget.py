"""The budget: exact integers, tight conversions, and a ledger that never spends what it does not have."""

import doctest
import math
import re
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anonymizer.budget import accounting
from anonymizer.budget.account import BudgetScope, Charge, Committed, Opened, Reserved, State, apply, spent
from anonymizer.budget.accounting import PPB
from schemas.errors import BudgetError
from schemas.identifiers import ReleaseId, Rho

DELTA = 1e-6
CASES = BudgetScope("cases", 2024)


@pytest.mark.parametrize(("epsilon", "rho"), [(0.5, 0.0066), (1, 0.0244), (2, 0.0882), (4, 0.3111)])
def test_a_grant_is_the_tight_rho_of_its_epsilon(epsilon: float, rho: float) -> None:
    """The figures of the discrete Gaussian's authors' own conversion, to four places; one unit more is too much."""
    found = accounting.granted(epsilon, DELTA)
    assert round(found / PPB, 4) == rho
    assert accounting.epsilon_of(found, DELTA) <= epsilon < accounting.epsilon_of(found + 1, DELTA)


@pytest.mark.parametrize(("rho", "epsilon"), [(0.0244, 0.93), (0.0882, 1.86), (0.3111, 3.74)])
def test_the_gaussian_itself_loses_a_little_less_than_its_bound(rho: float, epsilon: float) -> None:
    assert round(accounting.gaussian_epsilon(int(rho * PPB), DELTA), 2) == epsilon


@given(st.integers(1, 2 * PPB), st.floats(1e-12, 1e-2))
def test_the_curve_of_the_gaussian_lies_below_the_bound_for_every_mechanism(rho: int, delta: float) -> None:
    assert accounting.gaussian_epsilon(rho, delta) <= accounting.epsilon_of(rho, delta)


@given(st.integers(1, 9), st.integers(1, PPB))
def test_noise_for_a_charge_costs_that_charge(squared: int, rho: int) -> None:
    assert accounting.charge_of(squared, accounting.variance_of(squared, rho)) == rho


@given(st.integers(1, 9), st.fractions(Fraction(1, 1000), 10**6))
def test_a_charge_is_never_below_the_loss(squared: int, variance: Fraction) -> None:
    assert Fraction(accounting.charge_of(squared, variance), PPB) >= squared / (2 * variance)


charges = st.builds(
    lambda name, revision, window, rho: Charge(ReleaseId(f"r{name}"), CASES, "p", revision, f"Q{window}", Rho(rho)),
    st.integers(0, 9), st.integers(0, 1), st.integers(1, 4), st.integers(0, 60),
)  # fmt: skip
events = st.lists(
    st.one_of(
        charges.map(Reserved),
        st.builds(lambda r, d: Committed(CASES, ReleaseId(f"r{r}"), f"d{d}"), st.integers(0, 9), st.integers(0, 2)),
        st.builds(lambda p: Opened(CASES, p, Rho(100), 2), st.sampled_from(["p", "p", "q"])),
    ),
    max_size=40,
)


@given(events)
def test_whatever_is_asked_nothing_is_overspent_drawn_twice_or_taken_back(
    asked: list[Opened | Reserved | Committed],
) -> None:
    state: State = apply({}, Opened(CASES, "p", Rho(100), 2))
    for event in asked:
        before = state[CASES]
        try:
            state = apply(state, event)
        except BudgetError:
            continue
        after = state[CASES]
        assert after.left >= 0
        assert before.charges.items() <= after.charges.items()
        assert before.draws.items() <= after.draws.items()
        assert after.draws.keys() <= after.charges.keys()
        assert apply(state, event) == state


def test_quarters_side_by_side_cost_as_much_as_a_person_can_be_in() -> None:
    """Four quarters and their year: a person is in one quarter and in the year; a revision adds up."""
    state: State = apply({}, Opened(CASES, "p", Rho(100), 2))
    for window, rho in (("Q1", 10), ("Q2", 10), ("Q3", 11), ("Q4", 10), ("year", 12)):
        state = apply(state, Reserved(Charge(ReleaseId(f"0{window}"), CASES, "p", 0, window, Rho(rho))))
    assert spent(state[CASES]) == 23
    state = apply(state, Reserved(Charge(ReleaseId("1Q1"), CASES, "p", 1, "Q1", Rho(5))))
    assert spent(state[CASES]) == 28


def test_a_person_in_two_quarters_is_more_than_the_budget_has() -> None:
    """The planted fault: an account that says so costs both quarters, and the second is refused."""
    state: State = apply({}, Opened(CASES, "p", Rho(30), 3))
    for window in ("year", "Q1"):
        state = apply(state, Reserved(Charge(ReleaseId(window), CASES, "p", 0, window, Rho(12))))
    with pytest.raises(BudgetError, match="BUD-001"):
        apply(state, Reserved(Charge(ReleaseId("Q2"), CASES, "p", 0, "Q2", Rho(12))))


@pytest.mark.parametrize(
    ("event", "code"),
    [
        (Reserved(Charge(ReleaseId("b"), CASES, "p", 0, "Q1", Rho(95))), "BUD-001"),
        (Reserved(Charge(ReleaseId("b"), BudgetScope("cases", 2025), "p", 0, "Q1", Rho(5))), "BUD-002"),
        (Committed(CASES, ReleaseId("b"), "d"), "BUD-002"),
        (Reserved(Charge(ReleaseId("b"), CASES, "q", 0, "Q1", Rho(5))), "BUD-003"),
        (Opened(CASES, "q", Rho(500), 2), "BUD-003"),
        (Reserved(Charge(ReleaseId("a"), CASES, "p", 0, "Q2", Rho(10))), "BUD-004"),
        (Reserved(Charge(ReleaseId("b"), CASES, "p", 0, "Q1", Rho(-5))), "BUD-004"),
        (Committed(CASES, ReleaseId("a"), "another"), "BUD-005"),
    ],
)
def test_what_the_ledger_refuses(event: Opened | Reserved | Committed, code: str) -> None:
    state: State = apply({}, Opened(CASES, "p", Rho(100), 2))
    state = apply(state, Reserved(Charge(ReleaseId("a"), CASES, "p", 0, "Q1", Rho(10))))
    state = apply(state, Committed(CASES, ReleaseId("a"), "one"))
    with pytest.raises(BudgetError, match=code):
        apply(state, event)


def test_the_page_shows_what_the_code_grants() -> None:
    page = (Path(__file__).parents[3] / "docs/reference/budget.md").read_text(encoding="utf-8")
    shown = re.findall(r"^\| (\S+) \| (\d+) \| (\S+) \| (\S+) \| (\S+) \| (\S+) \| (\S+) \|$", page, re.MULTILINE)
    assert len(shown) == 4
    for epsilon, rho, own, *deviations in shown:
        granted = accounting.granted(float(epsilon), DELTA)
        parts = [(tables, m) for tables in (1, 3) for m in (1, 2)]
        found = [math.sqrt(tables * accounting.variance_of(m, granted)) for tables, m in parts]
        assert (rho, own) == (str(granted), f"{accounting.gaussian_epsilon(granted, DELTA):.3f}")
        assert deviations == [f"{deviation:.1f}" for deviation in found]


def test_the_examples_in_the_documentation_hold() -> None:
    assert doctest.testmod(accounting).failed == 0
