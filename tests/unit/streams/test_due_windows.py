"""The years that are released follow from what several agencies report, never from one agency alone."""

import datetime as dt

from hypothesis import given, settings
from hypothesis import strategies as st

from anonymizer.policy import load
from anonymizer.tabular.facts import facts_of
from connectors.adapters.policy_store import shipped_policy
from schemas.trend import TrendRow
from streams.core.releasing.due_windows import due_years
from tests.support.releases import a_row

POLICY = load(shipped_policy("suppression"))
CASES = next(population for population in POLICY.populations if population.name == "cases")
AS_OF = dt.date(2025, 6, 1)
HONEST = {"police": 3, "shelter": 2}

Cells = dict[str, dict[str, int]]


def cell(period: str, agencies: dict[str, int]) -> Cells:
    """Return the cell of persons in Lebanon in a year or month."""
    return {f"cases|profile|TIP|confirmed|LBN|{period}|F|18--20|ForcedLabour": agencies}


def windows(cells: Cells, earlier: tuple[TrendRow, ...] = (), as_of: dt.date = AS_OF) -> set[tuple[str, int]]:
    """Return what is due: labels of windows with their revisions."""
    years = due_years(CASES, facts_of(cells, CASES, POLICY), as_of, [earlier], POLICY)
    return {(due.window.label, due.revision) for year in years for due in year.windows}


def test_a_typing_error_of_one_agency_releases_no_year() -> None:
    """T4: one event dated 1990 published 33 years of zeros, and each was frozen."""
    honest = cell("2023-05", HONEST)
    assert windows(honest | cell("2000-01", {"police": 1})) == windows(honest)
    assert windows(honest | cell("2024-01", {"attacker": 500})) == windows(honest)


def test_one_agencys_months_make_no_quarters() -> None:
    """Years alone are released where no month is known; one agency cannot add quarters of zeros to them."""
    vague = cell("2023", HONEST)
    assert windows(vague | cell("2023-05", {"attacker": 9})) == windows(vague) == {("2023", 0)}


@settings(max_examples=50, deadline=None)
@given(
    years=st.dictionaries(
        st.integers(2000, 2024), st.sets(st.sampled_from(("police", "shelter", "hotline")), max_size=3)
    ),
    added=st.dictionaries(st.integers(2000, 2024), st.integers(1, 99)),
)
def test_no_agency_alone_adds_a_window(years: dict[int, set[str]], added: dict[int, int]) -> None:
    """Whatever an agency reports of years of which nobody else reports anything."""
    honest: Cells = {}
    for year, agencies in years.items():
        honest |= cell(f"{year}-03", dict.fromkeys(agencies, 2)) if agencies else {}
    taken = {year for year, agencies in years.items() if agencies}
    attack: Cells = {}
    for year, count in added.items():
        attack |= cell(f"{year}-03", {"attacker": count}) if year not in taken else {}
    assert windows(honest | attack) == windows(honest)


def test_a_published_year_keeps_its_revision_whatever_is_withdrawn() -> None:
    """Its agencies withdraw everything between the first publication and the revision."""
    earlier = (a_row(period="2023", as_of="2024-02-01", revision=0),)
    assert ("2023", 1) in windows({}, earlier)
