"""The attack on a release before it leaves, made as by an outsider and as by every agency in it.

Purpose: the last check of a plan. The rows of a population's year, of this and of every earlier publication, are read
as tables and attacked with a linear program: as they are, and without the persons of each agency, which it knows. A
release is refused if they tell a count of 1 to k-1 that the earlier publications alone did not tell, or tell an agency
that nothing changed. The attacks themselves are in `anonymizer.attacks`.
Called by: `amana.composition.release_parts`, between the plan and the release process.

Invariants:
- Rows are read, and of the exact cells no more than an agency knows: its own part. The linear system of the protection
  is not used.
- Agencies attack where the policy has the rule `insider`: another rule does not withstand them.
- The solver is another one than the plan's, so that one solver's error cannot pass both.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from anonymizer.attacks import exact
from anonymizer.attacks.attack_result import AttackResult, merge_results, report
from anonymizer.attacks.published_tables import PublishedTable
from anonymizer.policy import Policy, Population
from anonymizer.tabular.facts import blocks_of, facts_of
from schemas.errors import DisclosureError
from streams.core.releasing.agency_parts import agency_parts
from streams.core.releasing.attacker_view import AttackerView
from streams.core.releasing.release_decision import Cells, EarlierRelease, Publish, ReleaseDecision
from streams.core.releasing.released_rows import published_cells

__all__ = ["AttackJob", "AttackSpread", "attack_release", "run_attacks"]


@dataclass(frozen=True, slots=True)
class AttackJob:
    """The tables of one block and year, in the order of their publication, the last one new.

    `insider` is true if they are without the persons of an agency, `of_persons` if persons are counted.
    """

    tables: tuple[PublishedTable, ...]
    k: int
    engines: exact.Engines
    insider: bool
    of_persons: bool


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
    if job.insider:
        return (exact.insiders(tables, job.k, job.engines, of_persons=job.of_persons),)
    own = exact.margins(tables, job.k, job.engines)
    if len(tables) == 1:
        return (own,)
    return own, exact.history(tables, job.k, job.engines), exact.revisions(tables, job.k, job.engines)


def attack_release(
    planned: tuple[Sequence[ReleaseDecision], Cells],
    earlier: Sequence[EarlierRelease],
    policy: Policy,
    engines: exact.Engines,
    spread: AttackSpread,
) -> tuple[ReleaseDecision, ...]:
    """Attack what is to be released, and add the report to every release's certificate.

    Args:
        planned: the outcomes of one call of `plan`, and the exact cells that it was made from.
        earlier: everything released before, in order.
        policy: the same that the plan followed.
        engines: the solvers of the attacks, none of which the plan solved with.
        spread: how the jobs are run.

    Raises:
        DisclosureError: DIS-029, an attack tells a count that is withheld; nothing of the call may be released.
    """
    outcomes, cells = planned
    # A year under differential privacy is bounded by its budget: exact attacks do not apply to noisy rows.
    exact_headers = [o.header for o in outcomes if isinstance(o, Publish) and o.mode == "suppression"]
    groups = list(dict.fromkeys((header.population, header.year) for header in exact_headers))
    named = {population.name: population for population in policy.populations}
    new = EarlierRelease(tuple(r for o in outcomes for rows in o.feeds.values() for r in rows), cells)
    publications = [*earlier, new]
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
    publications: Sequence[EarlierRelease],
    policy: Policy,
    engines: exact.Engines,
) -> Iterator[AttackJob]:
    """Yield a job for every block of which the newest publication shows anything, and one more for every agency."""
    own = [[row for row in release.rows if row.population == population.name] for release in publications]
    view, k = AttackerView.of(population, policy), policy.suppression.k
    of_persons = population.unit == "person-year"
    facts = [
        facts_of(release.cells, population, policy) if rows else {}
        for release, rows in zip(publications, own, strict=True)
    ]
    plans = [table for table in policy.tables if table.population == population.name]
    blocks = blocks_of(population)
    published = [published_cells(rows, year, tuple(blocks[0]), policy) for rows in own]
    for block in blocks:
        codes = tuple(block.values())
        place, shown = (year, codes), [cells.get(codes, {}) for cells in published]
        if not shown[-1]:
            continue
        numbers = [number for number, cells in enumerate(shown) if cells]
        tables = tuple(view.table(str(number), shown[number]) for number in numbers)
        yield AttackJob(tables, k, engines, insider=False, of_persons=of_persons)
        if policy.suppression.rule != "insider":
            continue
        parts = [agency_parts(shown[number], facts[number].get(place, {}), plans, policy) for number in numbers]
        for agency in sorted({name for part in parts for name in part}):
            counts = [view.table("", part.get(agency, {})).cells for part in parts]
            others = (
                exact.without(table, {cell.codes: cell.value or 0.0 for cell in cells})
                for table, cells in zip(tables, counts, strict=True)
            )
            yield AttackJob(tuple(others), k, engines, insider=True, of_persons=of_persons)
