"""Plan of one tick of the calendar: from exact cells to protected rows, or to a reason to withhold them.

Purpose: the one pure function `plan` decides everything that one date releases. Steps:

1. Select: the windows that are due, by population and year (`due_windows`).
2. Protect: under suppression, all due windows of a year as one linear system per block, together with all earlier
   publications of that year (`anonymizer.tabular.block_protection`). Under differential privacy `dp_release` draws.
3. Spell: the rows of every region's feed, and the tables that are withheld (`release_feeds`).

The decision passes through `pre_release_attack` before anything leaves.

Called by: `amana.composition.release_parts`, which hands `plan` to the release process.

Invariants:
- The same input gives the same decisions, byte for byte, whatever the order of the cells or of the rows.
- Years are not linked with each other: each person-year has its own representative event.
- A table that cannot be protected is withheld; no fault of protection ends the plan.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from anonymizer.policy import Policy
from anonymizer.tabular.block_protection import ProtectedBlock, ProtectionJob, ProtectionRequest, protect_block
from anonymizer.tabular.facts import blocks_of, facts_of
from anonymizer.tabular.linear_program import Engine
from anonymizer.tabular.policy_tables import YEAR, EarlierPublication, Facts, ReleaseScope
from schemas.trend import TrendRow
from streams.core.calendar import Window
from streams.core.releasing import dp_release
from streams.core.releasing.due_windows import DueYear, due_years
from streams.core.releasing.person_counts import PersonCounts
from streams.core.releasing.release_decision import Cells, EarlierRelease, ReleaseDecision
from streams.core.releasing.release_feeds import exact_releases, noisy_releases
from streams.core.releasing.released_rows import published_cells, window_key

__all__ = ["ProtectionSpread", "plan"]

ProtectionSpread = Callable[
    [Callable[[ProtectionJob], ProtectedBlock], Sequence[ProtectionJob]], Iterable[ProtectedBlock]
]
"""Runs independent jobs as `map` does, in one process or several; the results come in the order of the jobs."""


@dataclass(frozen=True, slots=True)
class _Earlier:
    """One population's rows of an earlier call, and the facts behind them."""

    rows: tuple[TrendRow, ...]
    facts: Mapping[tuple[int, tuple[str, ...]], Facts]


def plan(  # noqa: PLR0913 - everything that a release rests on, and nothing else
    cells: Cells,
    as_of: dt.date,
    earlier: Sequence[EarlierRelease],
    policy: Policy,
    *,
    engine: Engine,
    noise: dp_release.Noise | None = None,
    spread: ProtectionSpread = map,
    governed: Callable[[int], bool] = lambda _: True,
) -> tuple[ReleaseDecision, ...]:
    """Plan everything that is due as of a date and not yet released.

    Args:
        cells: cell key (`population|cube|value|…`) → persons by agency; the whole `cells` table.
        as_of: the calendar's date.
        earlier: everything released so far, in order; from it follow what is due and what is frozen.
        policy: populations, tables, regions, thresholds, calendar.
        engine: the solver, the secret seed of the suppression's weights, and the work allowed per joint system,
            beyond which everything of that system is withheld.
        noise: draws and keeps the budget of populations under differential privacy; without it they are withheld.
        spread: how the jobs of protection, which are independent, are run.
        governed: whether the policy governs a year; the other years are left to the plan of their policy.

    Returns:
        The releases in order of population and window, each followed by the tables withheld from it.
    """
    facts = {population.name: facts_of(cells, population, policy) for population in policy.populations}
    # 1. Select what is due.
    years: list[tuple[DueYear, tuple[ProtectionJob, ...]]] = []
    for population in policy.populations:
        own = facts[population.name]
        history = []
        for release in earlier:
            rows = tuple(row for row in release.rows if row.population == population.name)
            # Facts are sorted anew at every tick; without rows of the population nobody asks for them.
            history.append(_Earlier(rows, facts_of(release.cells, population, policy) if rows else {}))
        due = due_years(population, own, as_of, (publication.rows for publication in history), policy)
        for year in (selected for selected in due if governed(selected.year)):
            exact = population.mode == "suppression"
            years.append((year, tuple(_jobs(year, own, history, engine)) if exact else ()))
    # 2. Protect all blocks of all years at once: they may run side by side.
    protected = iter(spread(protect_block, [job for _, jobs in years for job in jobs]))
    # 3. Spell, year by year. The order of `protected` is that of the jobs, so each year takes its own off the front.
    solver = f"{engine.solver.version}, audited by {engine.auditor.version}"
    decisions: list[ReleaseDecision] = []
    persons: dict[str, PersonCounts] = {}
    for year, jobs in years:
        if year.population.mode == "dp":
            counts = persons.setdefault(year.population.name, PersonCounts(cells, year.population, policy))
            decisions += noisy_releases(year, counts, noise)
        else:
            blocks = tuple((block, next(protected)) for block in blocks_of(year.population)) if jobs else ()
            decisions += exact_releases(year, blocks, solver)
    return tuple(decisions)


def _jobs(
    year: DueYear, facts: Mapping[tuple[int, tuple[str, ...]], Facts], history: Sequence[_Earlier], engine: Engine
) -> Iterator[ProtectionJob]:
    """Yield a job for every block of a year: what is due of it, with everything published of it before."""
    policy = year.policy
    due = frozenset(window_key(selected.window.label) for selected in year.windows)
    published = {
        window_key(row.period)
        for publication in history
        for row in publication.rows
        if Window.parse(row.period).year == year.year
    }
    windows = tuple(window for window in ("Q1", "Q2", "Q3", "Q4", YEAR) if window in due | published)
    tables = tuple(table for table in year.tables if YEAR in windows or table.period == "quarter")
    rules = policy.suppression
    scope = ReleaseScope(tables, policy.regions, windows, rules.unknown == "shown")
    blocks = blocks_of(year.population)
    shown = [published_cells(publication.rows, year.year, tuple(blocks[0]), policy) for publication in history]
    for block in blocks:
        codes = tuple(block.values())
        place = year.year, codes
        # A publication without a cell of this block and year tells nothing about its people.
        past = tuple(
            EarlierPublication(publication.facts.get(place, {}), values)
            for publication, cells in zip(history, shown, strict=True)
            if (values := cells.get(codes))
        )
        request = ProtectionRequest(scope, due, past, rules, year.population.unit == "person-year")
        yield ProtectionJob(facts.get(place, {}), request, engine)
