"""What one tick of the calendar releases: from exact cells to protected rows, or a reason to withhold them.

Decides which populations, windows and tables are released. Does not decide what is safe (`anonymizer.tabular`), when
(`streams.core.calendar`), how rows look (`streams.core.rows`), or how they are stored and sent.

All windows of a population's year that are due in one call are protected as one system, with all earlier prints of
that year and what changed between them. Years are not tied together: each person-year is its own leaf.
"""

import datetime as dt
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from anonymizer.policy import Policy, Population, TablePlan
from anonymizer.tabular import protect
from anonymizer.tabular.facts import BLOCK, Fact, blocks_of, facts_of
from anonymizer.tabular.program import Engine
from anonymizer.tabular.table import YEAR, Past, Scope, keys_of
from schemas.errors import DisclosureError
from streams.core import calendar, rows
from streams.core.calendar import Due, Printed, Window
from streams.core.certificate import certificate
from streams.core.rows import TrendRow

__all__ = ["Cells", "Earlier", "Publish", "Spread", "TrendRow", "Withhold", "plan"]

Cells = Mapping[str, Mapping[str, int]]
"""Cell key (`population|cube|value|…`) → persons by agency."""

Feeds = Mapping[str, tuple[TrendRow, ...]]
_Facts = Mapping[tuple[int, tuple[str, ...]], Mapping[str, Sequence[Fact]]]
Blocks = tuple[tuple[Mapping[str, str], protect.Protected], ...]
Spread = Callable[[Callable[[protect.Job], protect.Protected], Sequence[protect.Job]], Iterable[protect.Protected]]
"""How independent jobs are done: as `map` does, results in the order of the jobs, be it in several processes."""


@dataclass(frozen=True, slots=True)
class Publish:
    """One release: one population, window and revision, with its rows for every region and its audit certificate.

    `feeds` maps a region's id, the end of its topic's name, to that topic's rows. `pattern` is the SHA-256 of the
    suppression pattern of the joint system. `certificate` holds texts for the audit record: counts are bucketed.
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
class Earlier:
    """What one earlier call released: its rows, of all regions, and the exact cells that they rested on."""

    rows: tuple[TrendRow, ...]
    cells: Cells


@dataclass(frozen=True, slots=True)
class _Year:
    """One population's year in one call: what is due of it, and a job for every block; none without a mechanism."""

    policy: Policy
    population: Population
    as_of: dt.date
    year: int
    due: tuple[Due, ...]
    tables: tuple[TablePlan, ...]
    jobs: tuple[protect.Job, ...]

    def blocks(self, done: Iterator[protect.Protected]) -> Blocks:
        """Take the results of this year's jobs off `done`; without a mechanism every table is withheld."""
        fault = DisclosureError("DIS-027", "no mechanism for this population's mode")
        refused = protect.Protected({}, {t.name: fault for t in self.tables}, protect.Proof())
        keys = blocks_of(self.population)
        return tuple((block, next(done) if self.jobs else refused) for block in keys)

    def head(self, due: Due) -> rows.Head:
        """Return what all rows of one release have in common; its id follows from what it is a release of."""
        window = due.window.label
        parts = (self.policy.digest, self.as_of.isoformat(), window, self.population.name, str(due.revision))
        release = hashlib.sha256("|".join(parts).encode()).hexdigest()[:16]
        k = self.policy.suppression.k
        population, digest = self.population.name, self.policy.digest[:16]
        return rows.Head(release, self.as_of.isoformat(), due.revision, population, window, k, digest)

    def scope(self, due: Due, table: TablePlan) -> Scope:
        """Return one table in one window."""
        return Scope((table,), self.policy.regions, (rows.window_key(due.window.label),))

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
                for key, spelt, value, status in rows.rows_of(head, table, keys, outcome.values, block):
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
                        head.row(table, region, rows.totals_of(table, block), None, "withheld") for block, _ in faults
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


def plan(
    cells: Cells,
    as_of: dt.date,
    earlier: Sequence[Earlier],
    policy: Policy,
    *,
    engine: Engine,
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
        spread: how the joint systems, which are independent, are solved.

    Returns:
        The releases in order of population and window, each followed by the tables withheld from it. The same input
        gives the same outcomes, byte for byte, whatever the order of `cells` and of the rows and however it is spread.
    """
    years = [year for p in policy.populations for year in _population(p, cells, as_of, earlier, policy, engine=engine)]
    done = iter(spread(protect.do, [job for year in years for job in year.jobs]))
    return tuple(o for year in years for o in year.outcomes(year.blocks(done), engine.solver.version))


def _population(
    population: Population,
    cells: Cells,
    as_of: dt.date,
    earlier: Sequence[Earlier],
    policy: Policy,
    *,
    engine: Engine,
) -> Iterator[_Year]:
    facts = facts_of(cells, population, policy)
    if not facts:
        return
    before = tuple(_before(one, population, policy) for one in earlier)
    already = {
        Printed(Window.parse(r.period), r.revision, dt.date.fromisoformat(r.as_of))
        for rows_, _ in before
        for r in rows_
    }
    years = [year for year, _ in facts]
    due = [d for d in calendar.due(as_of, already, policy, first_year=min(years)) if d.window.year <= max(years)]
    dated = any(fact.quarter != "unknown" for cubes in facts.values() for cube in cubes.values() for fact in cube)
    tables = tuple(table for table in policy.tables if table.population == population.name)
    wanted = tuple(d for d in due if d.window.size == "year" or (dated and any(t.period == "quarter" for t in tables)))
    for year, group in groupby(wanted, key=lambda d: d.window.year):
        page = _Year(policy, population, as_of, year, tuple(group), tables, ())
        known = population.mode == "suppression"
        yield replace(page, jobs=tuple(_jobs(page, facts, before, engine))) if known else page


def _before(one: Earlier, population: Population, policy: Policy) -> tuple[tuple[TrendRow, ...], _Facts]:
    """Return a population's rows of an earlier call, and the facts they rested on."""
    mine = tuple(row for row in one.rows if row.population == population.name)
    return mine, facts_of(one.cells, population, policy) if mine else {}


def _jobs(
    page: _Year, facts: _Facts, before: Sequence[tuple[Sequence[TrendRow], _Facts]], engine: Engine
) -> Iterator[protect.Job]:
    """Yield a job for every block of a year: what is due of it beside what was printed of it before."""
    due = frozenset(rows.window_key(d.window.label) for d in page.due)
    printed = {
        rows.window_key(r.period) for some, _ in before for r in some if Window.parse(r.period).year == page.year
    }
    windows = tuple(w for w in ("Q1", "Q2", "Q3", "Q4", YEAR) if w in due | printed)
    tables = tuple(t for t in page.tables if YEAR in windows or t.period == "quarter")
    scope = Scope(tables, page.policy.regions, windows)
    for block in blocks_of(page.population):
        codes = tuple(block[d] for d in BLOCK if d in block)
        shown = [(rows.printed_cells(some, page.year, block, page.policy), then) for some, then in before]
        past = tuple(Past(then.get((page.year, codes), {}), values) for values, then in shown if values)
        request = protect.Request(scope, due, past, page.policy.suppression)
        yield protect.Job(facts.get((page.year, codes), {}), request, engine)
