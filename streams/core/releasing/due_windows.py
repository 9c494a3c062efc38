"""Selection of a tick: the windows of each population and year that are due as of a date, and their headers.

Purpose: the first step of `release_plan.plan`. It says which releases there are, before anything is protected.
Called by: `release_plan`; the result is read by `release_feeds`.

Invariants:
- Under suppression a population has every window from its first to its last reported year, empty or not: beyond these
  years nobody has reported, and a zero would say otherwise. A year is reported if as many agencies have persons in it
  as a cell needs (`min_agencies`): events of one agency alone add no year. Quarters need as many agencies that know a
  month. A year that has a publication keeps its revision, whatever is withdrawn meanwhile.
- Under differential privacy the windows follow the calendar alone: a window that appeared only when somebody was
  counted would itself tell something.
- The id of a release follows from what it is a release of, so a repeated tick gives the same id.
"""

import datetime as dt
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from anonymizer.policy import Policy, Population, TablePlan
from anonymizer.tabular.facts import Fact
from schemas.identifiers import ReleaseId
from schemas.reporters import agencies_in
from schemas.trend import TrendRow
from streams.core import calendar
from streams.core.calendar import Due, ReleasedWindow, Window
from streams.core.releasing.released_rows import ReleaseHeader, RowHeader

__all__ = ["DueYear", "due_years"]


@dataclass(frozen=True, slots=True)
class DueYear:
    """One population's year in one tick: the windows that are due of it, and the tables of the population."""

    policy: Policy
    population: Population
    as_of: dt.date
    year: int
    windows: tuple[Due, ...]
    tables: tuple[TablePlan, ...]

    def row_header(self, due: Due) -> RowHeader:
        """Return the columns that all rows of one release have in common."""
        label, name = due.window.label, self.population.name
        parts = (self.policy.digest, self.as_of.isoformat(), label, name, str(due.revision))
        release = ReleaseId(hashlib.sha256("|".join(parts).encode()).hexdigest()[:16])
        header = ReleaseHeader(release, self.as_of, name, label, due.revision)
        k = self.policy.suppression.k if self.population.mode == "suppression" else 0
        return RowHeader(header, k, self.policy.digest[:16])


def due_years(
    population: Population,
    facts: Mapping[tuple[int, tuple[str, ...]], Mapping[str, Sequence[Fact]]],
    as_of: dt.date,
    earlier: Iterable[Sequence[TrendRow]],
    policy: Policy,
) -> Iterator[DueYear]:
    """Yield the years of a population that have windows to release, in order of time.

    Args:
        population: one population of the policy.
        facts: (year, block) → cube → facts of that population, as of today.
        as_of: the date of the calendar.
        earlier: the population's rows of every earlier release.
        policy: tables, mode and calendar.
    """
    released = {
        ReleasedWindow(Window.parse(row.period), row.revision, dt.date.fromisoformat(row.as_of))
        for rows in earlier
        for row in rows
    }
    tables = tuple(table for table in policy.tables if table.population == population.name)
    quarterly = any(table.period == "quarter" for table in tables)
    if population.mode == "dp":
        # On schedule, whoever is counted: the facts must not decide which windows there are.
        first, last = policy.dp.first_year if policy.dp else as_of.year, as_of.year
    else:
        reported = _reported(facts, policy.suppression.min_agencies, by_quarter=False)
        years = reported | {publication.window.year for publication in released}
        if not years:
            return
        first, last = min(years), max(years)
        quarterly = quarterly and (
            bool(_reported(facts, policy.suppression.min_agencies, by_quarter=True))
            or any(publication.window.size == "quarter" for publication in released)
        )
    windows = [
        due
        for due in calendar.due(as_of, released, policy, first_year=first)
        if due.window.year <= last and (due.window.size == "year" or quarterly)
    ]
    # `calendar.due` answers in order of time, so the windows of a year stand together.
    for year, group in groupby(windows, key=lambda due: due.window.year):
        yield DueYear(policy, population, as_of, year, tuple(group), tables)


def _reported(
    facts: Mapping[tuple[int, tuple[str, ...]], Mapping[str, Sequence[Fact]]], agencies: int, *, by_quarter: bool
) -> set[int]:
    """Return the years in which at least `agencies` agencies have persons, with a known quarter if `by_quarter`."""
    reporting: dict[int, set[str]] = {}
    for (year, _), by_cube in facts.items():
        for fact in (fact for cube in by_cube.values() for fact in cube):
            if not by_quarter or fact.quarter != "unknown":
                reporting.setdefault(year, set()).update(*map(agencies_in, fact.agencies))
    return {year for year, names in reporting.items() if len(names) >= agencies}
