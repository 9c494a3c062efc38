"""One window of a population under differential privacy: charge, one draw, rows with their uncertainty.

Decides what is counted in a window, what it costs, and how noisy cells become rows. Does not decide what is due
(`streams.core.calendar`), what may be spent (`anonymizer.budget`) or how noise is solved
(`anonymizer.noise`).

- The leaf rule bounds what a person adds: one leaf per person and year, in one cell of every table's window.
- Every print is the whole window anew, with its share of the year's rho divided over its tables. Increments would cost
  more (`anonymizer.budget.sensitivity`), and need the exact counts of the print before, which nobody keeps.
- A region is the sum of what its overlaps with other regions tell apart, so that regions add up; a table by country is
  measured by country.
- No exact count is compared with any threshold, and every cell of the code lists is measured in every window.
- The draw belongs to population, window and revision, whatever the day of the release: a tick that is repeated, or a
  later one, gets the stored draw.
- A table in which one person may have several codes has no bound here and is not served.
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
from anonymizer.tabular.facts import BLOCK, MULTIPLE, UNIVERSE, Fact, blocks_of
from anonymizer.tabular.policy_tables import YEAR
from schemas.errors import DisclosureError
from streams.core.calendar import Due
from streams.core.releasing import released_rows
from streams.core.releasing.released_rows import TrendRow

__all__ = ["Noise", "NoisyPublication", "is_served", "noisy_publication"]

Facts = Mapping[tuple[int, tuple[str, ...]], Mapping[str, Sequence[Fact]]]
Block = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Noise:
    """What a noisy release works with: who draws, and who charges and keeps draws (`spend` of the budget's file)."""

    sampler: Sampler
    spend: Callable[[Opened, Charge, Callable[[Account], bytes]], bytes]


@dataclass(frozen=True, slots=True)
class NoisyPublication:
    """One window's rows by region, with what the audit log says of them; `digest` is the stored draw's SHA-256."""

    feeds: Mapping[str, tuple[TrendRow, ...]]
    digest: str
    certificate: Mapping[str, str]


def is_served(table: TablePlan) -> bool:
    """Tell whether one person has one code in every dimension of a table."""
    return not MULTIPLE.intersection(table.dimensions)


def noisy_publication(
    policy: Policy,
    population: Population,
    due: Due,
    facts: Facts,
    head: released_rows.RowHeader,
    mechanism: Noise | None,
) -> NoisyPublication:
    """Return what one window of a population prints.

    Raises:
        DisclosureError: DIS-027, no mechanism; BUD-001 to BUD-004, the budget does not allow it.
        IntegrityError: the budget cannot be kept, or the engine is not what it says.
    """
    if mechanism is None or policy.dp is None:
        raise DisclosureError("DIS-027", "no mechanism for this population's mode")
    window = released_rows.window_key(due.window.label)
    plans = [t for t in policy.tables if t.population == population.name and is_served(t)]
    sheets = list(product([t for t in plans if window == YEAR or t.period == "quarter"], blocks_of(population)))
    opened, charge = _costs(policy, policy.dp, population, due)
    share = charge.rho // max(1, len({table.name for table, _ in sheets}))

    def draw(account: Account) -> bytes:
        counted = [_counted(table, facts.get(_place(due, block), {}), window, policy) for table, block in sheets]
        drawn = [noise.measure(counts, dims, [dims], share, 1, mechanism.sampler).record() for dims, counts in counted]
        balance = {"before_ppb": account.left_without(charge.release), "after_ppb": account.left}
        return json.dumps({"balance": balance, "drawn": drawn}, sort_keys=True, separators=(",", ":")).encode()

    stored = mechanism.spend(opened, charge, draw)
    kept = json.loads(stored)
    draws = [noise.Draw.of(record) for record in kept["drawn"]]
    feeds = {
        region.id: tuple(
            row
            for (table, block), one in zip(sheets, draws, strict=True)
            for row in _rows(one, table, region, block, head)
        )
        for region in sorted(policy.regions, key=lambda r: r.id)
    }
    return NoisyPublication(
        feeds, hashlib.sha256(stored).hexdigest(), _certificate(policy.dp, charge, draws, kept["balance"])
    )


def _costs(policy: Policy, dp: Privacy, population: Population, due: Due) -> tuple[Opened, Charge]:
    """Return a year's budget and what one window of one print costs of it, by the policy alone."""
    scope, rho = BudgetScope(population.name, due.window.year), granted(dp.epsilon, dp.delta)
    costs = schedule(rho, windows=dp.windows, corrections=dp.corrections, shares=dp.parts).rhos
    release = f"{population.name}|{due.window.label}|{due.revision}"
    charge = Charge(release, scope, policy.digest, due.revision, due.window.label, costs[due.revision])
    return Opened(scope, policy.digest, rho, dp.windows), charge


def _certificate(
    dp: Privacy, charge: Charge, draws: Sequence[noise.Draw], balance: Mapping[str, int]
) -> dict[str, str]:
    """Say what was spent, of what, by which engine, what was left before and after; none of it depends on a person."""
    engines = "+".join(sorted({draw.engine for draw in draws}))
    promised = {"epsilon": f"{dp.epsilon:g}", "delta": f"{dp.delta:g}", "windows": str(dp.windows)}
    left = {f"left_{name}": str(value) for name, value in balance.items()}
    return (
        {"rho_ppb": str(charge.rho), "granted_ppb": str(granted(dp.epsilon, dp.delta)), "engine": engines}
        | promised
        | left
    )


def _place(due: Due, block: Block) -> tuple[int, tuple[str, ...]]:
    return due.window.year, tuple(block[d] for d in BLOCK if d in block)


def _counted(
    table: TablePlan, facts: Mapping[str, Sequence[Fact]], window: str, policy: Policy
) -> tuple[tuple[str, ...], dict[tuple[str, ...], int]]:
    """Count a table's window on every combination of places and codes."""
    places = _places(table, policy.regions)
    universe = product(sorted(set(places.values())), *(UNIVERSE[d] for d in table.dimensions))
    counts: dict[tuple[str, ...], int] = dict.fromkeys(universe, 0)
    for fact in facts.get(table.cube, ()):
        if window in {YEAR, fact.quarter}:
            codes = tuple(str(fact.codes[d]) for d in table.dimensions)
            counts[places[fact.country], *codes] += sum(fact.agencies.values())
    return ("place", *table.dimensions), counts


def _places(table: TablePlan, regions: Sequence[Region]) -> dict[str, str]:
    """Return where each country is counted: by itself, or with all countries that lie in the same regions."""
    countries = sorted({country for region in regions for country in region.countries})
    if table.geography == "country":
        return {country: country for country in countries}
    return {c: "+".join(sorted(region.id for region in regions if c in region.countries)) for c in countries}


def _rows(
    draw: noise.Draw, table: TablePlan, region: Region, block: Block, head: released_rows.RowHeader
) -> Iterator[TrendRow]:
    """Yield one region's rows of a draw: its own, and where the table has them its countries'."""
    if table.geography == "country":
        members = {code: [place] for place, code in enumerate(draw.codes[0]) if code in region.countries}
        whole = [place for found in members.values() for place in found]
    else:
        members = {}
        whole = [place for place, atom in enumerate(draw.codes[0]) if region.id in atom.split("+")]
    for code, places in {noise.TOTAL: whole, **members}.items():
        country = {"country": code} if table.geography == "country" else {}
        for codes, cell in _cells(draw, places):
            spelt = {**block, **country, **dict(zip(table.dimensions, codes, strict=True))}
            status = "suppressed" if cell.display is None else "published"
            row = head.row(table, region, spelt, cell.display, status)
            yield replace(row, sd=cell.sd, lo90=cell.lo90, hi90=cell.hi90)


def _cells(draw: noise.Draw, places: Sequence[int]) -> Iterator[tuple[tuple[str, ...], noise.NoisyRow]]:
    """Yield a table's cells over some places together: every dimension's codes and its total."""
    solved, dims = draw.fit, range(1, len(draw.dims))
    for margin in below([tuple(dims)]):
        values = solved.values((0, *margin))[list(places)].sum(axis=0).ravel()
        sd = solved.deviation((0, *margin), {0: len(places)})
        named = product(*(draw.codes[d] if d in margin else (noise.TOTAL,) for d in dims))
        for codes, value in zip(named, values, strict=True):
            yield codes, noise.NoisyRow.of(codes, float(value), sd)
