"""The budget: exact integers, tight conversions, and a ledger that never spends what it does not have."""

import doctest
import math
import re
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anonymizer.budget import accounting, sensitivity
from anonymizer.budget.account import BudgetScope, Charge, Committed, Opened, Reserved, State, apply, spent
from anonymizer.budget.accounting import PPB
from schemas.errors import BudgetError
from schemas.identifiers import ReleaseId, Rho

DELTA = 1e-6
CASES = BudgetScope("cases", 2024)
THIRDS = (Fraction(1, 3),) * 3


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


def test_late_persons_make_the_first_publication_better_than_publishing_everything_anew() -> None:
    """Two revisions, events that never move: 0.577 of the sd of three whole tables, and no worse at the end."""
    rho = accounting.granted(1, DELTA)
    found = sensitivity.schedule(rho, windows=2, corrections=0, shares=THIRDS)
    anew = Fraction(3 * 2, rho)
    assert found.way == "increments"
    assert math.sqrt(found.spread(0) / anew) <= 0.6
    assert found.spread(1) < anew
    assert found.spread(2) == pytest.approx(float(anew))


def test_whole_tables_are_better_than_increments_if_events_move() -> None:
    found = sensitivity.schedule(Rho(PPB), windows=1, corrections=1, shares=(Fraction(3, 4), Fraction(1, 4)))
    assert found == sensitivity.Schedule("whole", (Rho(750_000_000), Rho(250_000_000)))
    increments = sensitivity.Schedule("increments", (Rho(750_000_000), Rho(125_000_000)))
    assert found.spread(1) < increments.spread(1) / 2


trajectories = st.lists(st.integers(0, 3), min_size=3, max_size=3)


@given(trajectories, st.integers(0, 2), st.sampled_from([THIRDS, (Fraction(3, 4), Fraction(1, 4)), (Fraction(1),)]))
def test_no_life_of_a_leaf_costs_more_than_the_year_has(
    places: list[int], corrections: int, shares: tuple[Fraction, ...]
) -> None:
    """Cell 0 is absence: an event may come late, move and go, as often as the schedule allows."""
    places = places[: len(shares)]
    first = next((i for i, place in enumerate(places) if place), len(places))
    moves = sum(a != b for a, b in zip(places[first:], places[first + 1 :], strict=False))
    if moves > corrections:
        return
    found = sensitivity.schedule(Rho(PPB), windows=1, corrections=corrections, shares=shares)
    loss = 0
    for before, place, rho in zip([0, *places], places, found.rhos, strict=False):
        held = (place != 0) if found.way == "whole" else (place != before) * ((place != 0) + (before != 0))
        loss += rho * held
    assert loss <= PPB


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


def test_windows_side_by_side_cost_as_much_as_a_leaf_can_be_in() -> None:
    """Four quarters and their year: an event is in one quarter and in the year; a revision adds up."""
    state: State = apply({}, Opened(CASES, "p", Rho(100), 2))
    for window, rho in (("Q1", 10), ("Q2", 10), ("Q3", 10), ("Q4", 10), ("year", 12)):
        state = apply(state, Reserved(Charge(ReleaseId(f"0{window}"), CASES, "p", 0, window, Rho(rho))))
    assert spent(state[CASES]) == 22
    state = apply(state, Reserved(Charge(ReleaseId("1Q1"), CASES, "p", 1, "Q1", Rho(5))))
    assert spent(state[CASES]) == 27


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
