"""Spelling of a tick: the rows of every release by region, and the tables that are withheld from it.

Purpose: the last step of `release_plan.plan`. Protected values, or noisy ones, become the rows of the regions' feeds; a
table that could not be protected becomes a `Withhold` with the reason. The spelling of one cell is decided in
`released_rows`, that of a noisy cell in `noisy_rows`.
Called by: `release_plan`.

Invariants:
- A cell has the same value or the same suppression in every region's feed that shows it.
- Every release is followed by the tables that are withheld from it.
"""

from collections.abc import Iterator, Mapping

from anonymizer.tabular.block_protection import ProtectedBlock, ProtectionProof
from anonymizer.tabular.facts import blocks_of
from anonymizer.tabular.policy_tables import ReleaseScope, keys_of
from schemas.errors import DisclosureError
from schemas.trend import TrendRow
from streams.core.calendar import Due
from streams.core.releasing import dp_release, released_rows
from streams.core.releasing.certificate import certificate
from streams.core.releasing.due_windows import DueYear
from streams.core.releasing.person_counts import PersonCounts
from streams.core.releasing.release_decision import Feeds, Publish, ReleaseDecision, Withhold

__all__ = ["Blocks", "exact_releases", "noisy_releases"]

Blocks = tuple[tuple[Mapping[str, str], ProtectedBlock], ...]
"""Codes of phenomenon and status (empty where a population has none) → the protected tables of that block."""


def exact_releases(year: DueYear, blocks: Blocks, solver: str) -> Iterator[ReleaseDecision]:
    """Yield the releases of a year under suppression, each followed by the tables withheld from it.

    Args:
        year: the windows that are due.
        blocks: the result of protection for every block.
        solver: names and versions of the engines, for the certificate.
    """
    # All windows of the year were protected as one system, so they share one certificate.
    # The audit entry names the newest policy; the certificate names the one that governs the year.
    texts = certificate([protected.proof for _, protected in blocks], solver) | {"policy": year.policy.digest}
    for due in year.windows:
        if feeds := _feeds(year, due, blocks):
            header = year.row_header(due).header
            yield Publish(header, year.population.mode, texts["pattern"], feeds, texts)
        yield from _withheld(year, due, blocks)


def noisy_releases(
    year: DueYear, counts: PersonCounts, mechanism: dp_release.Noise | None
) -> Iterator[ReleaseDecision]:
    """Yield the releases of a year under differential privacy, each followed by the tables withheld from it.

    Args:
        year: the windows that are due.
        counts: the exact counts of the population.
        mechanism: draws noise and keeps the budget; without it every table is withheld.
    """
    blocks = blocks_of(year.population)
    for due in year.windows:
        head = year.row_header(due)
        try:
            noisy = dp_release.noisy_publication(year.policy, due, counts, head, mechanism)
        except DisclosureError as fault:
            faults = {table.name: fault for table in year.tables}
            # Noise is drawn for all blocks together, so a table is withheld from every block or from none.
            nothing = ProtectedBlock({}, faults, ProtectionProof())
            yield from _withheld(year, due, tuple((block, nothing) for block in blocks))
        else:
            texts = {**noisy.certificate, "policy": year.policy.digest}
            yield Publish(head.header, year.population.mode, noisy.digest, noisy.feeds, texts)


def _feeds(year: DueYear, due: Due, blocks: Blocks) -> Feeds:
    """Return the rows of one release by region."""
    feeds: dict[str, list[TrendRow]] = {}
    head = year.row_header(due)
    window = released_rows.window_key(due.window.label)
    # A region's feed shows the region itself and, in tables by country, each of its countries.
    regions = [(region, {region.id, *region.countries}) for region in year.policy.regions]
    unknown = year.policy.suppression.unknown == "shown"
    for table in year.tables:
        keys = tuple(keys_of(table, ReleaseScope((table,), year.policy.regions, (window,), unknown)))
        for block, protected in blocks:
            if table.name in protected.withheld:
                continue
            for key, codes, value, status in released_rows.rows_of(head, table, keys, protected.values, block):
                for region, places in regions:
                    if key.place in places:
                        feeds.setdefault(region.id, []).append(head.row(table, region, codes, value, status))
    return {region: tuple(feeds[region]) for region in sorted(feeds)}


def _withheld(year: DueYear, due: Due, blocks: Blocks) -> Iterator[Withhold]:
    """Yield the tables withheld from one window, each with one row per region and block from which it is withheld."""
    head = year.row_header(due)
    for table in (t for t in year.tables if t.period == "quarter" or due.window.size == "year"):
        faults = [(block, p.withheld[table.name]) for block, p in blocks if table.name in p.withheld]
        if not faults:
            continue
        feeds = {
            region.id: tuple(
                head.row(table, region, released_rows.totals_of(table, block), None, "withheld") for block, _ in faults
            )
            for region in sorted(year.policy.regions, key=lambda r: r.id)
        }
        names = ", ".join(sorted("/".join(block.values()) or "all" for block, _ in faults))
        first = faults[0][1]  # the blocks may differ in their reasons: the first one is named
        yield Withhold(head.header, table.name, first.code, f"{first.message} ({names})", feeds)
