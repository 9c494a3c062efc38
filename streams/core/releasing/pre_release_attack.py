"""The attack on a release before it leaves, made as by an outsider with a linear program and the rows alone.

Purpose: the last check of a plan. The rows of a population's year, of this and of every earlier publication, are read
as tables and attacked. A release is refused if they tell a count of 1 to k-1 that the earlier publications alone did
not tell. The attacks themselves are in `anonymizer.attacks`.
Called by: `amana.composition.release_parts`, between the plan and the release process.

Invariants:
- Only rows are read: neither the exact cells nor the linear system of the protection.
- The solver is another one than the plan's, so that one solver's error cannot pass both.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from anonymizer.attacks import exact
from anonymizer.attacks.attack_result import AttackResult, merge_results, report
from anonymizer.attacks.published_tables import PublishedTable
from anonymizer.policy import Policy, Population
from anonymizer.tabular.facts import blocks_of
from schemas.errors import DisclosureError
from schemas.trend import TrendRow
from streams.core.releasing.attacker_view import AttackerView
from streams.core.releasing.release_decision import EarlierRelease, Publish, ReleaseDecision
from streams.core.releasing.released_rows import published_cells

__all__ = ["AttackJob", "AttackSpread", "attack_release", "run_attacks"]


@dataclass(frozen=True, slots=True)
class AttackJob:
    """The tables of one block and year, in the order of their publication, the last one new."""

    tables: tuple[PublishedTable, ...]
    k: int
    engines: exact.Engines


AttackSpread = Callable[
    [Callable[[AttackJob], tuple[AttackResult, ...]], Sequence[AttackJob]], Iterable[tuple[AttackResult, ...]]
]
"""Runs independent jobs as `map` does, in one process or several; the results come in the order of the jobs."""


def run_attacks(job: AttackJob) -> tuple[AttackResult, ...]:
    """Attack the tables of one job; report only what the earlier tables do not tell by themselves."""
    results = _attacked(job.tables, job)
    if len(job.tables) == 1 or not any(result.recovered for result in results):
        return results
    # Withholding the new table would not take back what is out already, and would end all releases of the year.
    before = {cell for result in _attacked(job.tables[:-1], job) for cell in result.found}
    fresh = [tuple(cell for cell in result.found if cell not in before) for result in results]
    return tuple(replace(r, recovered=len(cells), found=cells) for r, cells in zip(results, fresh, strict=True))


def _attacked(tables: Sequence[PublishedTable], job: AttackJob) -> tuple[AttackResult, ...]:
    """Attack each table by itself, then all of them together."""
    own = exact.margins(tables, job.k, job.engines)
    if len(tables) == 1:
        return (own,)
    return own, exact.history(tables, job.k, job.engines), exact.revisions(tables, job.k, job.engines)


def attack_release(
    outcomes: Sequence[ReleaseDecision],
    earlier: Sequence[EarlierRelease],
    policy: Policy,
    engines: exact.Engines,
    spread: AttackSpread,
) -> tuple[ReleaseDecision, ...]:
    """Attack what is to be released, and add the report to every release's certificate.

    Args:
        outcomes: of one call of `plan`.
        earlier: everything released before, in order.
        policy: the same that the plan followed.
        engines: the solvers of the attacks, none of which the plan solved with.
        spread: how the jobs are run.

    Raises:
        DisclosureError: DIS-029, an attack tells a count that is withheld; nothing of the call may be released.
    """
    # A year under differential privacy is bounded by its budget: exact attacks do not apply to noisy rows.
    exact_headers = [o.header for o in outcomes if isinstance(o, Publish) and o.mode == "suppression"]
    groups = list(dict.fromkeys((header.population, header.year) for header in exact_headers))
    named = {population.name: population for population in policy.populations}
    publications = [
        *(release.rows for release in earlier),
        tuple(r for o in outcomes for rows in o.feeds.values() for r in rows),
    ]
    jobs = {(name, year): tuple(_jobs(named[name], year, publications, policy, engines)) for name, year in groups}
    done = iter(spread(run_attacks, [job for group_jobs in jobs.values() for job in group_jobs]))
    reports = {}
    for group, group_jobs in jobs.items():
        results = merge_results([result for _ in group_jobs for result in next(done)])
        if any(result.recovered for result in results):
            raise DisclosureError("DIS-029", "an attack tells a count that the rows withhold; nothing is released")
        reports[group] = {f"attack.{name}": text for name, text in report(results).items()}
    certified: list[ReleaseDecision] = []
    for outcome in outcomes:
        attack_report = reports.get((outcome.header.population, outcome.header.year))
        # A withheld table has no certificate, and a noisy publication no report.
        if attack_report is None or not isinstance(outcome, Publish):
            certified.append(outcome)
        else:
            certified.append(replace(outcome, certificate={**outcome.certificate, **attack_report}))
    return tuple(certified)


def _jobs(
    population: Population,
    year: int,
    publications: Sequence[Sequence[TrendRow]],
    policy: Policy,
    engines: exact.Engines,
) -> Iterator[AttackJob]:
    """Yield a job for every block of which the newest publication shows anything."""
    own = [[row for row in rows if row.population == population.name] for rows in publications]
    view = AttackerView.of(population, policy)
    for block in blocks_of(population):
        shown = [published_cells(rows, year, block, policy) for rows in own]
        tables = tuple(view.table(str(number), cells) for number, cells in enumerate(shown) if cells)
        if tables and shown[-1]:
            yield AttackJob(tables, policy.suppression.k, engines)
