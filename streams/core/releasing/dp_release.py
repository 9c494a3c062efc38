"""One window of a population under differential privacy: a charge, one draw, and rows with their uncertainty.

Purpose: it decides what a window costs, which stored draws its rows follow from, and what the audit log is told of it.

1. Charge the window's share of the population's rho; the budget store refuses it or keeps it.
2. Draw the noise of all tables and blocks once, or take the draw that is stored.
3. Compute the rows out of stored draws alone: a revision from the first publication too, a year from its quarters too.

Elsewhere: the windows that are due in `due_windows`; what is measured in `anonymizer.noise.workload`; the exact counts
in `person_counts`; the rows in `noisy_rows`.

Called by: `release_feeds` (`noisy_publication`) and `amana.composition.release_parts`, which makes a `Noise`.

Invariants:
- A person-year is one record of each population. It is in one cell of every margin of a year, and in the first
  publication of one quarter at most (`anonymizer.released_dimensions.FIRST_QUARTER`), whatever is corrected or
  withdrawn in between; in a revision it is in one quarter, that of its month.
- A draw that costs more than it was charged for is never stored (INT-163).
- The populations of persons share one budget: each has its share of the same grant.
- The draw belongs to the kind of event, window and revision, whatever the day of the release: a repeated tick, or a
  later one, gets the stored draw.
- Under the relation `insider` a person-year differs in two cells of a margin at most, so half as much is granted.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from anonymizer.budget.account import Account, BudgetScope, Charge, Opened
from anonymizer.budget.accounting import granted
from anonymizer.noise.published_margins import PublishedSystem, published
from anonymizer.noise.sampler import Sampler
from anonymizer.noise.workload import PlannedWindow, Workload, workload_of
from anonymizer.noise.workload_draw import WindowDraw, measure
from anonymizer.policy import Policy
from anonymizer.privacy_rules import Privacy
from schemas.errors import DisclosureError, IntegrityError
from schemas.identifiers import Rho
from schemas.trend import TrendRow
from streams.core.calendar import Due, windows_of
from streams.core.releasing.noisy_rows import NoisyWindow, rows_of_region
from streams.core.releasing.person_counts import PersonCounts
from streams.core.releasing.release_comparison import budget_id
from streams.core.releasing.released_rows import RowHeader

__all__ = ["Noise", "NoisyPublication", "grant_of", "noisy_publication"]

_LOST = "INT-102"  # the bytes of a stored draw
_WINDOWS = 2  # a person-year is in one quarter of a publication at most, and in its year


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


def grant_of(dp: Privacy, population: str) -> Rho:
    """Return the rho that a person-year may lose in one population, counted as one cell that differs in each margin."""
    whole = granted(dp.epsilon, dp.delta) // dp.people_that_differ
    return Rho(int(whole * dp.share_of(population)))


def noisy_publication(
    policy: Policy, due: Due, counts: PersonCounts, head: RowHeader, mechanism: Noise | None
) -> NoisyPublication:
    """Return the publication of one window of a population.

    Raises:
        DisclosureError: DIS-027, no mechanism; BUD-001 to BUD-004, the budget does not allow it.
        IntegrityError: the budget cannot be kept, or the engine is not what it says; INT-163, a draw would cost more
            than it was charged for.
    """
    if mechanism is None or policy.dp is None:
        raise DisclosureError("DIS-027", "no mechanism for this population's mode")
    release = _Release(policy, policy.dp, counts, mechanism)
    workload = workload_of(policy, counts.population, due.window.year)
    if workload is None:
        return _nothing(release, due, head)
    stored = release.draw(workload, due)
    window = NoisyWindow(
        policy,
        counts.population,
        workload,
        release.systems(workload, due),
        release.quarters(workload, due) if due.window.size == "year" else (),
    )
    record = json.loads(stored)
    digest = hashlib.sha256(stored).hexdigest()
    texts = release.certificate(workload, due, record["drawn"]["engine"], record["balance"])
    return NoisyPublication(_feeds(release, window, due, head), digest, texts)


@dataclass(frozen=True, slots=True)
class _Release:
    """The draws of one population, each charged and made once."""

    policy: Policy
    dp: Privacy
    counts: PersonCounts
    mechanism: Noise
    kept: dict[Due, bytes] = field(default_factory=dict)

    def draw(self, workload: Workload, due: Due) -> bytes:
        """Charge a window, and return its one draw as it is stored."""
        if due not in self.kept:
            self.kept[due] = self._drawn(workload, due)
        return self.kept[due]

    def _drawn(self, workload: Workload, due: Due) -> bytes:
        opened, charge = self._costs(workload, due)
        label, plan = due.window.label, _plan(workload, due)

        def _draw(account: Account) -> bytes:
            drawn = measure(
                plan, workload.places, len(self.counts.blocks),
                lambda block, system, margin: self.counts.of(
                    workload, label, block, system, margin, first=due.revision == 0
                ),
                charge.rho, self.mechanism.sampler,
            )  # fmt: skip
            if drawn.charge > charge.rho:
                raise IntegrityError("INT-163", f"a draw of {label} would cost more than it was charged for")
            balance = {"before_ppb": account.left_without(charge.release), "after_ppb": account.left}
            whole = {"balance": balance, "drawn": drawn.record()}
            return json.dumps(whole, sort_keys=True, separators=(",", ":")).encode()

        # The store charges before it calls `_draw`, and calls it only if no draw is stored.
        return self.mechanism.spend(opened, charge, _draw)

    def systems(self, workload: Workload, due: Due) -> tuple[tuple[PublishedSystem, ...], ...]:
        """Return the published values of a window by block: of a revision, together with the first publication."""
        stored = [self.draw(workload, due)]
        if due.revision and (first := self._stored(workload, Due(due.window, 0))) is not None:
            stored.insert(0, first)
        draws = [WindowDraw.of(json.loads(one)["drawn"]) for one in stored]
        regions = np.array(list(workload.regions.values()))
        return tuple(published(draws, block, regions, self.dp.late) for block in range(len(self.counts.blocks)))

    def quarters(self, workload: Workload, due: Due) -> tuple[tuple[tuple[PublishedSystem, ...], ...], ...]:
        """Return the values of the four quarters of a year; nothing if one of them is lost."""
        found = []
        for window in windows_of(due.window.year)[:-1] if workload.quarter else ():
            if self._stored(workload, Due(window, due.revision)) is None:
                return ()
            found.append(self.systems(workload, Due(window, due.revision)))
        return tuple(found)

    def _stored(self, workload: Workload, due: Due) -> bytes | None:
        """Return the draw of another publication, None if its bytes were lost."""
        try:
            return self.draw(workload, due)
        except IntegrityError as error:
            if error.code != _LOST:
                raise
            return None

    def _costs(self, workload: Workload, due: Due) -> tuple[Opened, Charge]:
        """Return a year's budget and the charge of one window: both follow from the policy alone."""
        population = self.counts.population
        # By kind of event: another name for a population must not open a second budget for the same people.
        scope, rho = BudgetScope(population.kind, due.window.year), grant_of(self.dp, population.name)
        cost = Rho(int(rho * self.dp.parts[due.revision] * _plan(workload, due).share))
        release = budget_id(population.kind, due.window.label, due.revision)
        charge = Charge(release, scope, self.policy.digest, due.revision, due.window.label, cost)
        return Opened(scope, self.policy.digest, rho, _WINDOWS), charge

    def certificate(self, workload: Workload, due: Due, engine: str, balance: Mapping[str, int]) -> dict[str, str]:
        """Return texts of the charge, the grant, the engine and the balances; none of them depends on a person."""
        opened, charge = self._costs(workload, due)
        promised = {"epsilon": f"{self.dp.epsilon:g}", "delta": f"{self.dp.delta:g}", "relation": self.dp.relation}
        left = {f"left_{name}": str(value) for name, value in balance.items()}
        # The kind names the account: a population may have another name one day.
        spent = {
            "kind": charge.scope.kind,
            "rho_ppb": str(charge.rho),
            "granted_ppb": str(opened.granted),
            "windows": str(opened.windows),
            "engine": engine,
        }
        return spent | promised | left


def _plan(workload: Workload, due: Due) -> PlannedWindow:
    """Return what is measured in a window."""
    if due.window.size == "year":
        return workload.year
    if workload.quarter is None:
        raise DisclosureError("DIS-027", f"no table is published by quarter, so {due.window.label} is not measured")
    return workload.quarter


def _feeds(release: _Release, window: NoisyWindow, due: Due, head: RowHeader) -> dict[str, tuple[TrendRow, ...]]:
    """Return the rows of a window by region."""
    policy, blocks = release.policy, release.counts.blocks
    tables = [
        table
        for table in policy.tables
        if table.population == window.population.name and (due.window.size == "year" or table.period == "quarter")
    ]
    return {
        region.id: tuple(row for table in tables for row in rows_of_region(window, table, region, blocks, head))
        for region in sorted(policy.regions, key=lambda region: region.id)
    }


def _nothing(release: _Release, due: Due, head: RowHeader) -> NoisyPublication:
    """Return the publication of a window in which no country is covered: nothing is measured, and nothing charged."""
    window = NoisyWindow(release.policy, release.counts.population, None, ())
    feeds = _feeds(release, window, due, head)
    texts = {"kind": release.counts.population.kind, "covered": "0"}
    return NoisyPublication(feeds, hashlib.sha256(b"").hexdigest(), texts)
