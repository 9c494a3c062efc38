"""The attack on a release before it leaves: what would an outsider with a linear program learn from its rows?

Decides how the rows of a population's year, of this and of every earlier print, are read as tables, and that a release
is refused if they tell anything that the earlier prints alone did not. Reads the rows alone: neither the exact cells
nor anything of the protection's own system. Decides no attack: `anonymizer.attacks` does.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from anonymizer.attacks import exact
from anonymizer.attacks.attack_result import AttackResult, merge_results, report
from anonymizer.attacks.published_tables import PublishedTable
from anonymizer.policy import Policy, Population
from anonymizer.tabular.facts import blocks_of
from schemas.errors import DisclosureError
from streams.core.releasing.attacker_view import AttackerView
from streams.core.releasing.release_plan import EarlierRelease, Publish, Withhold
from streams.core.releasing.released_rows import TrendRow, published_cells

__all__ = ["AttackJob", "Spread", "attack_release", "run_attacks"]

ReleaseDecision = Publish | Withhold


@dataclass(frozen=True, slots=True)
class AttackJob:
    """The tables of one block and year, in the order of their publication, the last one new."""

    tables: tuple[PublishedTable, ...]
    k: int
    engines: exact.Engines


Spread = Callable[
    [Callable[[AttackJob], tuple[AttackResult, ...]], Sequence[AttackJob]], Iterable[tuple[AttackResult, ...]]
]
"""How independent jobs are done, as for the plan."""


def run_attacks(job: AttackJob) -> tuple[AttackResult, ...]:
    """Try everything on one job's tables; what the earlier ones tell by themselves is no fault of the new one."""
    found = _tried(job.tables, job)
    if len(job.tables) == 1 or not any(result.recovered for result in found):
        return found
    before = {one for result in _tried(job.tables[:-1], job) for one in result.found}
    return tuple(_beyond(result, before) for result in found)


def _tried(tables: Sequence[PublishedTable], job: AttackJob) -> tuple[AttackResult, ...]:
    own = exact.margins(tables, job.k, job.engines)
    if len(tables) == 1:
        return (own,)
    return own, exact.history(tables, job.k, job.engines), exact.revisions(tables, job.k, job.engines)


def _beyond(result: AttackResult, before: set[str]) -> AttackResult:
    new = tuple(one for one in result.found if one not in before)
    return replace(result, recovered=len(new), found=new)


def attack_release(
    outcomes: Sequence[ReleaseDecision],
    earlier: Sequence[EarlierRelease],
    policy: Policy,
    engines: exact.Engines,
    spread: Spread,
) -> tuple[ReleaseDecision, ...]:
    """Attack what is to be released, and add to every release's certificate what came of it.

    Args:
        outcomes: of one call of `plan`.
        earlier: everything released before, in order.
        policy: the same that the plan followed.
        engines: what solves; nothing that the plan solved with.
        spread: how the jobs are done.

    Raises:
        DisclosureError: DIS-029, an attack tells a count that is withheld; nothing of the call may be released.
    """
    groups = list(dict.fromkeys((o.population, o.year) for o in outcomes if _is_exact(o)))
    named = {population.name: population for population in policy.populations}
    prints = [*(one.rows for one in earlier), tuple(r for o in outcomes for rows in o.feeds.values() for r in rows)]
    jobs = {(name, year): tuple(_jobs(named[name], year, prints, policy, engines)) for name, year in groups}
    done = iter(spread(run_attacks, [job for some in jobs.values() for job in some]))
    reports = {}
    for group, some in jobs.items():
        results = merge_results([result for _ in some for result in next(done)])
        if any(result.recovered for result in results):
            raise DisclosureError("DIS-029", "an attack tells a count that the rows withhold; nothing is released")
        reports[group] = {f"attack.{name}": text for name, text in report(results).items()}
    return tuple(_certified(outcome, reports) for outcome in outcomes)


def _is_exact(outcome: ReleaseDecision) -> bool:
    return isinstance(outcome, Publish) and outcome.mode == "suppression"


def _certified(outcome: ReleaseDecision, reports: Mapping[tuple[str, int], Mapping[str, str]]) -> ReleaseDecision:
    told = reports.get((outcome.population, outcome.year))
    if told is None or not isinstance(outcome, Publish):
        return outcome
    return replace(outcome, certificate={**outcome.certificate, **told})


def _jobs(
    population: Population,
    year: int,
    prints: Sequence[Sequence[TrendRow]],
    policy: Policy,
    engines: exact.Engines,
) -> Iterator[AttackJob]:
    mine = [[row for row in rows if row.population == population.name] for rows in prints]
    reading = AttackerView.of(population, policy)
    for block in blocks_of(population):
        shown = [published_cells(rows, year, block, policy) for rows in mine]
        tables = tuple(reading.table(str(number), cells) for number, cells in enumerate(shown) if cells)
        if tables and shown[-1]:
            yield AttackJob(tables, policy.suppression.k, engines)
