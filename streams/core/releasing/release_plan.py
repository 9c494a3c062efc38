"""What one tick of the calendar releases: from exact cells to protected rows, or a reason to withhold them.

Decides which populations, windows and tables are released. Does not decide what is safe (`anonymizer.tabular`; under
differential privacy `streams.core.releasing.dp_release`), when (`streams.core.calendar`), how rows look
(`streams.core.releasing.released_rows`), or how they are stored and sent.

Under suppression all windows of a population's year that are due in one call are protected as one system, with all
earlier prints of that year and what changed between them. Years are not tied together: each person-year is its own
leaf.
"""

import datetime as dt
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from anonymizer.policy import Policy, Population, TablePlan
from anonymizer.tabular import block_protection
from anonymizer.tabular.facts import BLOCK, blocks_of, facts_of
from anonymizer.tabular.linear_program import Engine
from anonymizer.tabular.policy_tables import YEAR, EarlierPublication, ReleaseScope, keys_of
from schemas.errors import DisclosureError
from streams.core import calendar
from streams.core.calendar import Due, ReleasedWindow, Window
from streams.core.releasing import dp_release, released_rows
from streams.core.releasing.certificate import certificate
from streams.core.releasing.released_rows import TrendRow

__all__ = ["Cells", "EarlierRelease", "Publish", "Spread", "TrendRow", "Withhold", "plan"]

Cells = Mapping[str, Mapping[str, int]]
"""Cell key (`population|cube|value|…`) → persons by agency."""

Feeds = Mapping[str, tuple[TrendRow, ...]]
Blocks = tuple[tuple[Mapping[str, str], block_protection.ProtectedBlock], ...]
Spread = Callable[
    [
        Callable[[block_protection.ProtectionJob], block_protection.ProtectedBlock],
        Sequence[block_protection.ProtectionJob],
    ],
    Iterable[block_protection.ProtectedBlock],
]
"""How independent jobs are done: as `map` does, results in the order of the jobs, be it in several processes."""


@dataclass(frozen=True, slots=True)
class Publish:
    """One release: one population, window and revision, with its rows for every region and its audit certificate.

    `feeds` maps a region's id, the end of its topic's name, to that topic's rows. `pattern` is the SHA-256 of the
    suppression pattern of the joint system, or of the stored draw. `certificate` holds texts for the audit record:
    counts are bucketed.
    """

    release: str
    as_of: dt.date
    population: str
    window: str
    year: int
    revision: int
    mode: str
    pattern: str
    feeds: Feeds
    certificate: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Withhold:
    """One table of a release that is not published, and why; `feeds` say so to the analysts without any value."""

    release: str
    as_of: dt.date
    population: str
    window: str
    year: int
    revision: int
    table: str
    code: str
    reason: str
    feeds: Feeds = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EarlierRelease:
    """What one earlier call released: its rows, of all regions, and the exact cells that they rested on."""

    rows: tuple[TrendRow, ...]
    cells: Cells


@dataclass(frozen=True, slots=True)
class _Year:
    """One population's year in one call: what is due of it, and under suppression a job for every block."""

    policy: Policy
    population: Population
    as_of: dt.date
    year: int
    due: tuple[Due, ...]
    tables: tuple[TablePlan, ...]
    jobs: tuple[block_protection.ProtectionJob, ...]

    def blocks(self, done: Iterator[block_protection.ProtectedBlock]) -> Blocks:
        """Take the results of this year's jobs off `done`."""
        return tuple((block, next(done)) for block in blocks_of(self.population)) if self.jobs else ()

    def refused(self, faults: Mapping[str, DisclosureError]) -> Blocks:
        """Return every block with these tables withheld from it."""
        nothing = block_protection.ProtectedBlock({}, faults, block_protection.ProtectionProof())
        return tuple((block, nothing) for block in blocks_of(self.population))

    def head(self, due: Due) -> released_rows.RowHeader:
        """Return what all rows of one release have in common; its id follows from what it is a release of."""
        window = due.window.label
        parts = (self.policy.digest, self.as_of.isoformat(), window, self.population.name, str(due.revision))
        release = hashlib.sha256("|".join(parts).encode()).hexdigest()[:16]
        k = self.policy.suppression.k if self.population.mode == "suppression" else 0
        population, digest = self.population.name, self.policy.digest[:16]
        return released_rows.RowHeader(release, self.as_of.isoformat(), due.revision, population, window, k, digest)

    def scope(self, due: Due, table: TablePlan) -> ReleaseScope:
        """Return one table in one window."""
        return ReleaseScope((table,), self.policy.regions, (released_rows.window_key(due.window.label),))

    def published(self, due: Due, blocks: Blocks) -> Feeds:
        """Return the rows of one release, by region."""
        feeds: dict[str, list[TrendRow]] = {}
        head = self.head(due)
        regions = [(region, region.id, {region.id, *region.countries}) for region in self.policy.regions]
        for table in self.tables:
            keys = tuple(keys_of(table, self.scope(due, table)))
            for block, outcome in blocks:
                if table.name in outcome.withheld:
                    continue
                for key, spelt, value, status in released_rows.rows_of(head, table, keys, outcome.values, block):
                    for region, name, places in regions:
                        if key.place in places:
                            feeds.setdefault(name, []).append(head.row(table, region, spelt, value, status))
        return {region: tuple(feeds[region]) for region in sorted(feeds)}

    def withheld(self, due: Due, blocks: Blocks) -> Iterator[Withhold]:
        """Yield the tables of one window that are withheld, one row for every block that they are withheld from."""
        head = self.head(due)
        for table in (t for t in self.tables if t.period == "quarter" or due.window.size == "year"):
            faults = [(block, o.withheld[table.name]) for block, o in blocks if table.name in o.withheld]
            if faults:
                feeds = {
                    region.id: tuple(
                        head.row(table, region, released_rows.totals_of(table, block), None, "withheld")
                        for block, _ in faults
                    )
                    for region in sorted(self.policy.regions, key=lambda r: r.id)
                }
                where = ", ".join(sorted("/".join(block.values()) or "all" for block, _ in faults))
                first = faults[0][1]
                reason = f"{first.message} ({where})"
                yield Withhold(
                    head.release,
                    self.as_of,
                    self.population.name,
                    head.period,
                    self.year,
                    due.revision,
                    table.name,
                    first.code,
                    reason,
                    feeds,
                )

    def outcomes(self, blocks: Blocks, solver: str) -> Iterator[Publish | Withhold]:
        """Yield every window's release, each followed by the tables withheld from it."""
        texts = certificate([outcome.proof for _, outcome in blocks], solver)
        for due in self.due:
            feeds, head = self.published(due, blocks), self.head(due)
            if feeds:
                yield Publish(
                    head.release,
                    self.as_of,
                    self.population.name,
                    head.period,
                    self.year,
                    due.revision,
                    self.population.mode,
                    texts["pattern"],
                    feeds,
                    texts,
                )
            yield from self.withheld(due, blocks)

    def noisy(self, facts: dp_release.Facts, mechanism: dp_release.Noise | None) -> Iterator[Publish | Withhold]:
        """Yield every window's release under differential privacy, each followed by the tables withheld from it."""
        several = "one person may have several codes here, which noise has no bound for"
        unserved = {t.name: DisclosureError("DIS-027", several) for t in self.tables if not dp_release.is_served(t)}
        for due in self.due:
            head = self.head(due)
            try:
                found = dp_release.noisy_publication(self.policy, self.population, due, facts, head, mechanism)
            except DisclosureError as fault:
                yield from self.withheld(due, self.refused({t.name: fault for t in self.tables}))
                continue
            yield Publish(
                head.release,
                self.as_of,
                self.population.name,
                head.period,
                self.year,
                due.revision,
                self.population.mode,
                found.digest,
                found.feeds,
                found.certificate,
            )
            yield from self.withheld(due, self.refused(unserved))


def plan(  # noqa: PLR0913 - everything that a release rests on, and nothing else
    cells: Cells,
    as_of: dt.date,
    earlier: Sequence[EarlierRelease],
    policy: Policy,
    *,
    engine: Engine,
    noise: dp_release.Noise | None = None,
    spread: Spread = map,
) -> tuple[Publish | Withhold, ...]:
    """Plan everything that is due as of a date and not yet released.

    A population has every window from its first to its last year with events, empty or not: beyond them nobody has
    reported, and a zero would say otherwise. Where no event of a population has a month, there are only years.

    Args:
        cells: cell key (`population|cube|value|…`) → persons by agency; the whole `cells` table.
        as_of: the calendar's date.
        earlier: everything released so far, in order; from it follow what is due and what is frozen.
        policy: populations, tables, regions, thresholds, calendar.
        engine: the solver, the secret seed of the suppression's weights, and the work allowed per joint system,
            beyond which everything of that system is withheld.
        noise: draws and keeps the budget of populations under differential privacy; without it they are withheld.
        spread: how the joint systems, which are independent, are solved.

    Returns:
        The releases in order of population and window, each followed by the tables withheld from it. The same input
        gives the same outcomes, byte for byte, whatever the order of `cells` and of the rows and however it is spread.
    """
    facts = {p.name: facts_of(cells, p, policy) for p in policy.populations}
    years = [
        year
        for p in policy.populations
        for year in _population(p, facts[p.name], as_of, earlier, policy, engine=engine)
    ]
    done = iter(spread(block_protection.protect_block, [job for year in years for job in year.jobs]))
    return tuple(
        outcome
        for year in years
        for outcome in (
            year.noisy(facts[year.population.name], noise)
            if year.population.mode == "dp"
            else year.outcomes(year.blocks(done), f"{engine.solver.version}, audited by {engine.auditor.version}")
        )
    )


def _population(
    population: Population,
    facts: dp_release.Facts,
    as_of: dt.date,
    earlier: Sequence[EarlierRelease],
    policy: Policy,
    *,
    engine: Engine,
) -> Iterator[_Year]:
    before = tuple(_before(one, population, policy) for one in earlier)
    already = {
        ReleasedWindow(Window.parse(r.period), r.revision, dt.date.fromisoformat(r.as_of))
        for some, _ in before
        for r in some
    }
    tables = tuple(table for table in policy.tables if table.population == population.name)
    quarterly = any(table.period == "quarter" for table in tables)
    first, last = as_of.year, as_of.year
    if population.mode == "dp":  # on schedule, whoever is there
        first = policy.dp.first_year if policy.dp else first
    elif facts:
        first, last = min(year for year, _ in facts), max(year for year, _ in facts)
        cubes = [fact for by_cube in facts.values() for cube in by_cube.values() for fact in cube]
        quarterly = quarterly and any(fact.quarter != "unknown" for fact in cubes)
    else:
        return
    due = [d for d in calendar.due(as_of, already, policy, first_year=first) if d.window.year <= last]
    wanted = [d for d in due if d.window.size == "year" or quarterly]
    for year, group in groupby(wanted, key=lambda d: d.window.year):
        page = _Year(policy, population, as_of, year, tuple(group), tables, ())
        known = population.mode == "suppression"
        yield replace(page, jobs=tuple(_jobs(page, facts, before, engine))) if known else page


def _before(
    one: EarlierRelease, population: Population, policy: Policy
) -> tuple[tuple[TrendRow, ...], dp_release.Facts]:
    """Return a population's rows of an earlier call, and the facts they rested on."""
    mine = tuple(row for row in one.rows if row.population == population.name)
    return mine, facts_of(one.cells, population, policy) if mine else {}


def _jobs(
    page: _Year, facts: dp_release.Facts, before: Sequence[tuple[Sequence[TrendRow], dp_release.Facts]], engine: Engine
) -> Iterator[block_protection.ProtectionJob]:
    """Yield a job for every block of a year: what is due of it beside what was printed of it before."""
    due = frozenset(released_rows.window_key(d.window.label) for d in page.due)
    printed = {
        released_rows.window_key(r.period)
        for some, _ in before
        for r in some
        if Window.parse(r.period).year == page.year
    }
    windows = tuple(w for w in ("Q1", "Q2", "Q3", "Q4", YEAR) if w in due | printed)
    tables = tuple(t for t in page.tables if YEAR in windows or t.period == "quarter")
    scope = ReleaseScope(tables, page.policy.regions, windows)
    for block in blocks_of(page.population):
        codes = tuple(block[d] for d in BLOCK if d in block)
        shown = [(released_rows.published_cells(some, page.year, block, page.policy), then) for some, then in before]
        past = tuple(EarlierPublication(then.get((page.year, codes), {}), values) for values, then in shown if values)
        request = block_protection.ProtectionRequest(scope, due, past, page.policy.suppression)
        yield block_protection.ProtectionJob(facts.get((page.year, codes), {}), request, engine)
