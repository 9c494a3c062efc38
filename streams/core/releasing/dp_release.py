"""One window of a population under differential privacy: a charge, one draw, and rows with their uncertainty.

Purpose: it decides what is counted in a window, what that costs, and how noisy cells become rows.

1. Charge the window's share of the year's rho; the budget store refuses it or keeps it.
2. Draw the noise of all tables and blocks once, or take the draw that is stored.
3. Spell the rows out of the stored draw alone.

Elsewhere: the windows that are due in `due_windows`, the unit and the grant in `anonymizer.budget`, the consistency of
noisy margins in `anonymizer.noise`.

Called by: `release_feeds` (`noisy_publication`), `release_plan` (`is_served`) and `amana.composition.release_parts`,
which makes a `Noise`.

Invariants:
- One person-year has one representative event, which lies in one cell of every table's window; this bounds what a
  person adds. A table in which one person may have several codes has no such bound and is not served.
- Every publication holds the whole window, with its share of the year's rho divided equally over its tables. Increments
  would cost more (`anonymizer.budget.sensitivity`) and need the exact counts of the publication before.
- Every cell of the code lists is measured in every window, and no exact count is compared with a threshold.
- The draw belongs to the kind of event, window and revision, whatever the day of the release: a repeated tick, or a
  later one, gets the stored draw.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

from anonymizer.budget.account import Account, BudgetScope, Charge, Opened
from anonymizer.budget.accounting import granted
from anonymizer.budget.sensitivity import schedule
from anonymizer.noise import noisy_table as noise
from anonymizer.noise.least_squares import below
from anonymizer.noise.sampler import Sampler
from anonymizer.policy import Policy, Population, Privacy, Region, TablePlan
from anonymizer.released_dimensions import BLOCK, MULTIPLE, UNIVERSE
from anonymizer.tabular.facts import Fact, blocks_of
from anonymizer.tabular.policy_tables import YEAR
from schemas.errors import DisclosureError
from schemas.identifiers import Rho
from schemas.trend import TOTAL, TrendRow
from streams.core.calendar import Due
from streams.core.releasing import released_rows
from streams.core.releasing.release_comparison import budget_id

__all__ = ["Noise", "NoisyPublication", "is_served", "noisy_publication"]

Facts = Mapping[tuple[int, tuple[str, ...]], Mapping[str, Sequence[Fact]]]
"""(Year, codes of the block) → cube → facts of one population."""

Block = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Noise:
    """The shell of a noisy release: the sampler, and `BudgetStore.spend`, which charges and keeps the draw."""

    sampler: Sampler
    spend: Callable[[Opened, Charge, Callable[[Account], bytes]], bytes]


@dataclass(frozen=True, slots=True)
class NoisyPublication:
    """One window's rows by region, with the texts for the audit log; `digest` is the SHA-256 of the stored draw."""

    feeds: Mapping[str, tuple[TrendRow, ...]]
    digest: str
    certificate: Mapping[str, str]


def is_served(table: TablePlan) -> bool:
    """Tell whether a person has only one code in every dimension of a table, so that its sensitivity is bounded."""
    return not MULTIPLE.intersection(table.dimensions)


def noisy_publication(
    policy: Policy,
    population: Population,
    due: Due,
    facts: Facts,
    head: released_rows.RowHeader,
    mechanism: Noise | None,
) -> NoisyPublication:
    """Return the publication of one window of a population.

    Raises:
        DisclosureError: DIS-027, no mechanism; BUD-001 to BUD-004, the budget does not allow it.
        IntegrityError: the budget cannot be kept, or the engine is not what it says.
    """
    if mechanism is None or policy.dp is None:
        raise DisclosureError("DIS-027", "no mechanism for this population's mode")
    window = released_rows.window_key(due.window.label)
    plans = [t for t in policy.tables if t.population == population.name and is_served(t)]
    tables = [table for table in plans if window == YEAR or table.period == "quarter"]
    sheets = list(product(tables, blocks_of(population)))
    opened, charge = _costs(policy, policy.dp, population, due)
    # Blocks are disjoint groups of people, so they compose in parallel: rho is divided over tables, not over sheets.
    share = Rho(charge.rho // max(1, len({table.name for table, _ in sheets})))

    def _draw(account: Account) -> bytes:
        counted = []
        for table, block in sheets:
            place = due.window.year, tuple(block[d] for d in BLOCK if d in block)
            counted.append(_counted(table, facts.get(place, {}), window, policy))
        # One window is charged here, so the sensitivity is that of one window: m is 1.
        drawn = [noise.measure(counts, dims, [dims], share, 1, mechanism.sampler).record() for dims, counts in counted]
        balance = {"before_ppb": account.left_without(charge.release), "after_ppb": account.left}
        return json.dumps({"balance": balance, "drawn": drawn}, sort_keys=True, separators=(",", ":")).encode()

    # 1. and 2. The store charges before it calls `_draw`, and calls it only if no draw is stored.
    stored = mechanism.spend(opened, charge, _draw)
    # 3. Everything below follows from the stored bytes, so that a repeated tick gives the same rows.
    record = json.loads(stored)
    draws = [noise.Draw.of(entry) for entry in record["drawn"]]
    feeds = {
        region.id: tuple(
            row
            for (table, block), table_draw in zip(sheets, draws, strict=True)
            for row in _rows(table_draw, table, region, block, head)
        )
        for region in sorted(policy.regions, key=lambda r: r.id)
    }
    digest = hashlib.sha256(stored).hexdigest()
    return NoisyPublication(feeds, digest, _certificate(policy.dp, charge, draws, record["balance"]))


def _costs(policy: Policy, dp: Privacy, population: Population, due: Due) -> tuple[Opened, Charge]:
    """Return a year's budget and the charge of one window of one publication: both follow from the policy alone."""
    # By kind of event: another name for a population must not open a second budget for the same people.
    scope, rho = BudgetScope(population.kind, due.window.year), granted(dp.epsilon, dp.delta)
    costs = schedule(rho, windows=dp.windows, corrections=dp.corrections, shares=dp.parts).rhos
    release = budget_id(population.kind, due.window.label, due.revision)
    charge = Charge(release, scope, policy.digest, due.revision, due.window.label, costs[due.revision])
    return Opened(scope, policy.digest, rho, dp.windows), charge


def _certificate(
    dp: Privacy, charge: Charge, draws: Sequence[noise.Draw], balance: Mapping[str, int]
) -> dict[str, str]:
    """Return texts of the charge, the grant, the engine and the balances; none of them depends on a person."""
    engines = "+".join(sorted({draw.engine for draw in draws}))
    promised = {"epsilon": f"{dp.epsilon:g}", "delta": f"{dp.delta:g}", "windows": str(dp.windows)}
    left = {f"left_{name}": str(value) for name, value in balance.items()}
    # The kind names the account: a population may have another name one day.
    spent = {
        "kind": charge.scope.kind,
        "rho_ppb": str(charge.rho),
        "granted_ppb": str(granted(dp.epsilon, dp.delta)),
        "engine": engines,
    }
    return spent | promised | left


def _counted(
    table: TablePlan, facts: Mapping[str, Sequence[Fact]], window: str, policy: Policy
) -> tuple[tuple[str, ...], dict[tuple[str, ...], int]]:
    """Return the dimensions of a table and its persons per combination of place and codes, zeros included."""
    countries = sorted({country for region in policy.regions for country in region.countries})
    # Country → place it is counted in: itself, or its atom, all countries that lie in the same regions.
    places = {country: country for country in countries}
    if table.geography != "country":
        places = {
            c: "+".join(sorted(region.id for region in policy.regions if c in region.countries)) for c in countries
        }
    # Every combination of the code lists: a key that appeared only with a person in it would disclose the person.
    universe = product(sorted(set(places.values())), *(UNIVERSE[d] for d in table.dimensions))
    counts: dict[tuple[str, ...], int] = dict.fromkeys(universe, 0)
    for fact in facts.get(table.cube, ()):
        if window in {YEAR, fact.quarter}:
            codes = tuple(str(fact.codes[d]) for d in table.dimensions)
            counts[places[fact.country], *codes] += sum(fact.agencies.values())
    return ("place", *table.dimensions), counts


def _rows(
    draw: noise.Draw, table: TablePlan, region: Region, block: Block, head: released_rows.RowHeader
) -> Iterator[TrendRow]:
    """Yield one region's rows of a draw: of the region itself, and of its countries if the table shows them."""
    if table.geography == "country":
        members = {code: [place] for place, code in enumerate(draw.codes[0]) if code in region.countries}
        whole = [place for places in members.values() for place in places]
    else:
        # A region is the sum of its atoms, so that overlapping regions add up.
        members = {}
        whole = [place for place, atom in enumerate(draw.codes[0]) if region.id in atom.split("+")]
    for code, places in {TOTAL: whole, **members}.items():
        country = {"country": code} if table.geography == "country" else {}
        for codes, cell in _cells(draw, places):
            spelt = {**block, **country, **dict(zip(table.dimensions, codes, strict=True))}
            status = "suppressed" if cell.display is None else "published"
            row = head.row(table, region, spelt, cell.display, status)
            yield replace(row, sd=cell.sd, lo90=cell.lo90, hi90=cell.hi90)


def _cells(draw: noise.Draw, places: Sequence[int]) -> Iterator[tuple[tuple[str, ...], noise.NoisyRow]]:
    """Yield the cells of the sum of some places: codes of every combination of dimensions and totals, and the cell."""
    solved, dims = draw.fit, range(1, len(draw.dims))
    for margin in below([tuple(dims)]):
        # Axis 0 is the place: the chosen places are summed, the other axes stay.
        values = solved.values((0, *margin))[list(places)].sum(axis=0).ravel()
        sd = solved.deviation((0, *margin), {0: len(places)})
        named = product(*(draw.codes[d] if d in margin else (TOTAL,) for d in dims))
        for codes, value in zip(named, values, strict=True):
            yield codes, noise.NoisyRow.of(codes, float(value), sd)
