"""Noisy tables: totals that are sums, intervals that hold, nothing that depends on order."""

import json
import math
from collections.abc import Mapping
from fractions import Fraction
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anonymizer.budget import accounting
from anonymizer.mechanisms.discrete_gaussian import OpenDP
from anonymizer.noise import noisy_table
from anonymizer.noise.least_squares import Fit, Margin, covariances
from anonymizer.noise.noisy_groups import grouped
from schemas.errors import DisclosureError
from tests.support.noise import Rounded, Silent

RHO = accounting.granted(1.0, 1e-6)
DIMS = ("gender", "age", "form")
CODES = (("F", "M", "X"), ("minor", "adult", "unknown", "old"), ("labour", "sexual"))
MARGINS = (("gender", "age"), ("form", "gender"))
COUNTS: Mapping[tuple[str, ...], int] = {key: (i * 37) % 41 for i, key in enumerate(product(*CODES))}


def test_without_noise_the_counts_come_back() -> None:
    rows = {row.codes: row for row in noisy_table.release(COUNTS, DIMS, MARGINS, RHO, 2, Silent())}
    assert rows["_T", "_T", "_T"].value == sum(COUNTS.values())
    women = sum(count for (gender, _, form), count in COUNTS.items() if (gender, form) == ("F", "labour"))
    assert rows["F", "_T", "labour"].value == women
    assert len(rows) == 12 + 6 + 3 + 4 + 2 + 1


def test_totals_are_sums_of_what_is_not_cut_off() -> None:
    rows = {row.codes: row for row in noisy_table.release(COUNTS, DIMS, MARGINS, RHO, 2, Rounded())}
    for gender in (*CODES[0], "_T"):
        parts = [rows[gender, "_T", form].value for form in CODES[2]]
        assert sum(parts) == pytest.approx(rows[gender, "_T", "_T"].value, abs=1e-5)
    assert any(row.display is None for row in rows.values())
    assert all(row.display is None or row.display >= 0 for row in rows.values())


def test_rho_is_divided_and_not_multiplied() -> None:
    """The measured margins, at their own variances, cost together no more than was charged."""
    draw = noisy_table.measure(COUNTS, DIMS, MARGINS, RHO, 2, Silent())
    assert 0.999 * RHO < sum(2 / (2 * spread) for _, spread in draw.measured.values()) * accounting.PPB <= RHO


@given(
    st.lists(st.integers(2, 6), min_size=3, max_size=5).map(tuple),
    st.sets(st.sets(st.integers(0, 2), min_size=1, max_size=2).map(sorted).map(tuple), min_size=1, max_size=6),
)
def test_measuring_the_elementary_cells_would_never_be_better(sizes: tuple[int, ...], margins: set[Margin]) -> None:
    """That is why there is no such choice: margins with a part of rho each beat the cross with all of it."""
    elements = {tuple(range(len(sizes))): 1.0}
    assert _mean_variance(sizes, dict.fromkeys(margins, float(len(margins))), margins) <= 1.000001 * _mean_variance(
        sizes, elements, margins
    )


def _mean_variance(sizes: tuple[int, ...], measured: Mapping[Margin, float], wanted: set[Margin]) -> float:
    fitted = Fit(sizes, (), {}, covariances(sizes, measured))
    return float(np.mean([fitted.variances(margin).mean() for margin in wanted]))


def test_the_order_of_counts_is_nothing_and_a_stored_draw_gives_the_same_rows() -> None:
    shuffled = dict(sorted(COUNTS.items(), key=lambda item: hash(item[0])))
    draw = noisy_table.measure(COUNTS, DIMS, MARGINS, RHO, 2, Rounded(3))
    again = noisy_table.measure(shuffled, DIMS, MARGINS, RHO, 2, Rounded(3))
    stored = json.dumps(draw.record())
    assert stored == json.dumps(again.record())
    assert noisy_table.read(noisy_table.Draw.of(json.loads(stored))) == noisy_table.read(draw)


def test_keys_that_follow_the_data_are_refused() -> None:
    few: Mapping[tuple[str, ...], int] = {key: count for key, count in COUNTS.items() if count}
    with pytest.raises(DisclosureError, match="DIS-030"):
        noisy_table.release(few, DIMS, MARGINS, RHO, 2, Silent())


@pytest.mark.parametrize("margins", [(), (("gender", "hair"),)])
def test_margins_over_nothing_are_refused(margins: tuple[tuple[str, ...], ...]) -> None:
    with pytest.raises(DisclosureError, match="DIS-031"):
        noisy_table.release(COUNTS, DIMS, margins, RHO, 2, Silent())


@pytest.mark.parametrize("epsilon", [1.0, 4.0])
def test_nine_intervals_in_ten_hold_the_truth(epsilon: float) -> None:
    """101 cells, most of them small, 1,000 replays with the real engine: pooled coverage between 89 and 91 %."""
    codes = (tuple("abcdef"), tuple("uvwxyz"), tuple("1234"))
    dims, margins = ("x", "y", "z"), (("x", "y"), ("x", "z"), ("y", "z"))
    exact: Mapping[tuple[str, ...], int] = {key: (i * i) % 7 for i, key in enumerate(product(*codes))}
    rho = accounting.granted(epsilon, 1e-6)
    truth = {row.codes: row.value for row in noisy_table.release(exact, dims, margins, rho, 2, Silent())}
    engine = OpenDP()
    held = [
        row.lo90 <= truth[row.codes] <= row.hi90
        for _ in range(1000)
        for row in noisy_table.release(exact, dims, margins, rho, 2, engine)
    ]
    assert len(truth) == 101
    assert 0.89 <= np.mean(held) <= 0.91
    print(f"\ncoverage of 90 % intervals at epsilon {epsilon:g}: {100 * np.mean(held):.2f} %")


def test_predicted_variances_are_those_of_the_rows() -> None:
    draw = noisy_table.measure(COUNTS, DIMS, MARGINS, RHO, 2, Silent())
    known = covariances(draw.sizes, {m: float(spread) for m, (_, spread) in draw.measured.items()})
    assert Fit(draw.sizes, (), {}, known).variances(()) == pytest.approx(draw.fit.variances(()))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(1, 3), min_size=2, max_size=3).map(tuple),
    st.sets(st.sets(st.integers(0, 1)).map(sorted).map(tuple), min_size=1, max_size=3),
    st.integers(1, 4),
)
def test_the_worst_person_in_several_cells_costs_no_more_than_rho(
    sizes: tuple[int, ...], chosen: set[Margin], rows: int
) -> None:
    """Every choice of cells is tried; the worst costs rho for each margin where it can, and never more."""
    dims = [f"d{d}" for d in range(len(sizes))]
    codes = [[f"{d}{i}" for i in range(size)] for d, size in enumerate(sizes)]
    elements = [*product(*codes)]
    margins = [tuple(dims[d] for d in margin) for margin in sorted(chosen)]
    draw = noisy_table.measure(dict.fromkeys(elements, 3), dims, margins, RHO, 1, Silent(), rows)
    worst: dict[Margin, Fraction] = dict.fromkeys(draw.measured, Fraction(0))
    for person in combinations(elements, min(rows, len(elements))):
        cost = Fraction(0)
        for margin, (_, spread) in draw.measured.items():
            cells = [tuple(codes[d] for d in margin) for codes in person]
            part = sum(cells.count(cell) ** 2 for cell in set(cells)) / (2 * spread)
            worst[margin] = max(worst[margin], part)
            cost += part
        assert cost * accounting.PPB <= RHO
    if rows <= len(elements):
        assert {part * accounting.PPB for part in worst.values()} == {Fraction(RHO // len(draw.measured))}


def test_groups_are_sums_of_one_draw_with_the_sd_of_the_sum() -> None:
    """Compared with a generalised inverse; overlapping groups, in one dimension and in both at once."""
    groups = {"gender": {"FM": frozenset("FM"), "MX": frozenset("MX"), "none": frozenset("Z")}}
    groups["age"] = {"grown": frozenset({"adult", "old"})}
    draw = noisy_table.measure(COUNTS, DIMS, MARGINS, RHO, 1, Rounded(7))
    cells = {row.codes: row for row in noisy_table.read(draw)}
    found = {row.codes: row for row in grouped(draw, groups)}
    assert found["FM", "_T", "_T"].value == pytest.approx(cells["F", "_T", "_T"].value + cells["M", "_T", "_T"].value)
    assert not any("none" in codes for codes in found)
    assert not set(found) & set(cells)
    sizes = draw.sizes
    weighted = [_design(sizes, m) / math.sqrt(spread) for m, (_, spread) in draw.measured.items()]
    inverse = np.linalg.pinv(np.concatenate(weighted))
    elements = [*product(*draw.codes)]
    for (gender, age, form), row in found.items():
        below = groups["gender"].get(gender, {gender}), groups["age"].get(age, {age}), {form}
        named = [
            all("_T" in names or code in names for code, names in zip(element, below, strict=True))
            for element in elements
        ]
        line = np.array(named, float) @ inverse
        assert row.sd**2 == pytest.approx(line @ line, rel=1e-4)
        parts = [cells[codes] for codes in product(*map(sorted, below))]
        assert row.value == pytest.approx(sum(part.value for part in parts), abs=1e-4)


def _design(sizes: tuple[int, ...], margin: Margin) -> np.ndarray:
    """Return which elementary cells each cell of a margin sums, as a matrix."""
    elements = list(product(*map(range, sizes)))
    cells = list(product(*(range(sizes[d]) for d in margin)))
    return np.array([[float(tuple(element[d] for d in margin) == cell) for element in elements] for cell in cells])
