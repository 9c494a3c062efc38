"""Laws of the release calendar."""

import datetime as dt
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anonymizer import policy
from schemas.errors import ContractError
from streams.core.calendar import ReleasedWindow, Window, closed_on, due, first_publication_on, is_late, windows_of

POLICY = policy.load((resources.files("anonymizer") / "policies" / "default.toml").read_text())

years = st.integers(2000, 2040)
labels = st.one_of(
    years.map(str),
    st.builds("{}-Q{}".format, years, st.integers(1, 4)),
    st.builds("{}-{:02}".format, years, st.integers(1, 12)),
)
dates = st.dates(dt.date(2018, 1, 1), dt.date(2026, 12, 31))


@given(label=labels)
def test_a_label_reads_back(label: str) -> None:
    assert Window.parse(label).label == label


@pytest.mark.parametrize("label", ["", "2024-Q5", "2024-13", "24", "2024-1", "2024-Q1-01", "unknown"])
def test_other_labels_are_refused(label: str) -> None:
    with pytest.raises(ContractError, match="CON-070"):
        Window.parse(label)


@given(year=years, month=st.integers(1, 12))
def test_a_month_lies_in_its_quarter(year: int, month: int) -> None:
    inner = Window(year, "month", month)
    assert inner.quarter is not None
    assert inner.end <= inner.quarter.end <= Window(year).end
    assert (inner.quarter.ordinal - 1) * 3 < month <= inner.quarter.ordinal * 3


def test_the_shipped_calendar_by_hand() -> None:
    assert Window(2024, "quarter", 1).end == dt.date(2024, 3, 31)
    assert first_publication_on(Window(2024, "quarter", 1), POLICY) == dt.date(2024, 4, 15)
    assert first_publication_on(Window(2024), POLICY) == dt.date(2025, 1, 15)
    assert closed_on("2024-05", POLICY) == dt.date(2026, 1, 15)


@given(as_of=dates, first_year=st.integers(2016, 2024))
def test_nothing_is_due_before_its_day_and_nothing_is_left_after(as_of: dt.date, first_year: int) -> None:
    now = due(as_of, (), POLICY, first_year=first_year)
    every = {w for year in range(first_year, as_of.year + 1) for w in windows_of(year)}
    assert {plan.window for plan in now} == {w for w in every if first_publication_on(w, POLICY) <= as_of}
    released = [ReleasedWindow(plan.window, plan.revision, as_of) for plan in now]
    assert due(as_of, released, POLICY, first_year=first_year) == ()


@given(ticks=st.lists(dates, max_size=12))
def test_each_window_is_published_once_and_revised_at_most_once(ticks: list[dt.date]) -> None:
    """Whatever the ticks are, a revision is there exactly if the first publication was before its date."""
    released: list[ReleasedWindow] = []
    for as_of in sorted(ticks):
        released += [ReleasedWindow(d.window, d.revision, as_of) for d in due(as_of, released, POLICY, first_year=2019)]
    keys = [(p.window, p.revision) for p in released]
    assert len(keys) == len(set(keys))
    last = max(ticks, default=dt.date(2018, 1, 1))
    for first in (p for p in released if p.revision == 0):
        revised = closed_on(first.window.label, POLICY)
        assert ((first.window, 1) in keys) == (first.as_of < revised <= last)


@given(label=labels, as_of=dates)
def test_an_event_is_late_only_after_its_years_revision(label: str, as_of: dt.date) -> None:
    assert not is_late(label, None, POLICY)
    assert is_late(label, as_of, POLICY) == (as_of > closed_on(label, POLICY))
