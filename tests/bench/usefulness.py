"""The usefulness of noisy tables: errors by true size on the demonstration's events, each line `figure NAME VALUE`.

The figures of the policy `strict` begin with `strict_`. Errors are in per cent, deviations in persons.

The events are simulated and counted by the simulator's own answer key, so no broker is needed. Every window is drawn
anew in each replay, by the functions that release tables; `plain` is the same budget divided equally over countries and
tables, each by itself.

    python -m tests.bench.usefulness [--replays 20] [--engine opendp]
"""

import argparse
import csv
import datetime as dt
import functools
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from amana.composition.policy_trials import drawn_for_nobody
from amana.demo.run import EVENTS, RELEASE_DATE, SEED
from amana.demo.simulation.generator import KEY_FOLDER, simulate
from anonymizer import policy as policies
from anonymizer.budget.accounting import PPB
from anonymizer.mechanisms.discrete_gaussian import OpenDP
from anonymizer.noise.noisy_table import Z90
from anonymizer.noise.published_margins import published
from anonymizer.noise.sampler import Sampler
from anonymizer.noise.workload import PlannedWindow, Workload, workload_of
from anonymizer.noise.workload_draw import WindowDraw, measure
from anonymizer.policy import Policy
from connectors.adapters.policy_store import shipped_policy
from schemas.identifiers import Rho
from schemas.trend import TOTAL
from streams.core.releasing.dp_release import Noise, grant_of
from streams.core.releasing.person_counts import PersonCounts
from streams.core.releasing.release_decision import Publish
from streams.core.releasing.release_plan import plan
from tests.support.disclosure import engine
from tests.support.noise import Rounded, Silent

YEARS = (2023, 2024)
BRACKETS = {"21_50": (21, 50), "51_100": (51, 100), "over_100": (101, 10**9), "over_500": (501, 10**9)}
SHOWN = {
    ("quarter", ()): "quarter",
    ("year", ()): "year",
    ("year", ("exploitation", "gender")): "form_gender",
    ("year", ("gender", "age")): "age_gender",
    ("year", ("origin",)): "corridors",
    ("year", ("decided_by",)): "identification",
    ("year", ("means",)): "means",
}
"""Window and dimensions of a margin -> the beginning of the names of its figures."""


@functools.cache
def simulated_cells() -> dict[str, dict[str, int]]:
    """Return the exact cells of the simulated events, all of them as if one agency had reported."""
    with tempfile.TemporaryDirectory() as folder:
        simulate(EVENTS, SEED, Path(folder), narratives=False)
        with (Path(folder) / KEY_FOLDER / "expected-cells.csv").open(encoding="utf-8") as file:
            return {row["cell"]: {"agency": int(row["count"])} for row in csv.DictReader(file)}


@dataclass
class Errors:
    """Relative errors and half-widths by name and bracket, the largest deviations, and how many intervals held."""

    found: dict[tuple[str, str], list[tuple[float, float]]] = field(default_factory=lambda: defaultdict(list))
    deviation: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    held: list[float] = field(default_factory=list)

    def add(self, name: str, values: np.ndarray, truth: np.ndarray, sd: np.ndarray) -> None:
        """Add the cells of one margin and place."""
        self.deviation[name] = max(self.deviation[name], float(sd.max()))
        self.held.append(float(np.mean(np.abs(values - truth) <= Z90 * sd)))
        for bracket, (low, high) in BRACKETS.items():
            inside = (truth >= low) & (truth <= high)
            off = 100 * np.abs(values - truth)[inside] / truth[inside]
            width = 100 * Z90 * sd[inside] / truth[inside]
            self.found[name, bracket] += list(zip(off.tolist(), width.tolist(), strict=True))

    def figures(self) -> Iterator[tuple[str, float]]:
        """Yield the figures by name: errors and half-widths in per cent of the true count, deviations in persons."""
        for name in sorted(self.deviation):
            yield f"{name}_sd", self.deviation[name]
            for bracket in BRACKETS:
                if pairs := self.found[name, bracket]:
                    yield f"{name}_{bracket}_median_error", float(np.median([off for off, _ in pairs]))
                    yield f"{name}_{bracket}_half_width", max(width for _, width in pairs)
        yield "intervals_that_hold", 100 * float(np.mean(self.held))


def errors(policy: Policy, replays: int, sampler: Sampler) -> Errors:
    """Replay the first publications of all windows of cases."""
    population, found = policy.populations[0], Errors()
    counts = PersonCounts(simulated_cells(), population, policy)
    assert policy.dp is not None
    first = grant_of(policy.dp, population.name) * policy.dp.parts[0]
    for year in YEARS:
        workload = workload_of(policy, population, year)
        assert workload is not None
        assert workload.quarter is not None
        windows = [(f"{year}-Q{number}", workload.quarter) for number in (1, 2, 3, 4)] + [(str(year), workload.year)]
        for label, window in windows:
            rho = Rho(int(first * window.share))
            exact = _draw(counts, workload, label, window, rho, Silent())
            for _ in range(replays):
                _compare(found, _draw(counts, workload, label, window, rho, sampler), exact, workload, label)
    return found


def _draw(
    counts: PersonCounts, workload: Workload, label: str, plan: PlannedWindow, rho: Rho, sampler: Sampler
) -> WindowDraw:
    return measure(
        plan, workload.places, len(counts.blocks),
        lambda block, system, margin: counts.of(workload, label, block, system, margin, first=True), rho, sampler,
    )  # fmt: skip


def _compare(found: Errors, noisy: WindowDraw, exact: WindowDraw, workload: Workload, label: str) -> None:
    regions = np.array(list(workload.regions.values()))
    rows: Mapping[str, np.ndarray] = {"region": regions, "country": np.eye(len(workload.places))}
    size = "quarter" if "-" in label else "year"
    for block in range(len(noisy.systems[0].blocks)):
        pairs = zip(published([noisy], block, regions, 0.01), published([exact], block, regions, 0.01), strict=True)
        for own, true in pairs:
            for margin in own.tenths:
                name = SHOWN.get((size, tuple(own.dims[d] for d in margin)))
                for where, places in rows.items() if name else ():
                    whole = f"{where}_{name}" if not margin or where == "country" else str(name)
                    for place in places:
                        cells, truth = own.cells(margin, place), true.cells(margin, place)
                        values = (cells.tenths / 10, truth.tenths / 10, np.sqrt(cells.variances))
                        found.add(whole, *(value.ravel() for value in values))


def plain(policy: Policy) -> Iterator[tuple[str, float]]:
    """Yield what noise for each table and country by itself would give with the same budget and tables.

    A year is two windows of equal parts, each divided equally over its tables; a region sums its countries.
    """
    assert policy.dp is not None
    population = policy.populations[0]
    tables = [table for table in policy.tables if table.population == population.name]
    rho = float(grant_of(policy.dp, population.name) * policy.dp.parts[0]) / PPB / 2
    workload = workload_of(policy, population, YEARS[0])
    assert workload is not None
    most = max(int(own.sum()) for own in workload.regions.values())
    for size in ("quarter", "year"):
        shown = [table for table in tables if size == "year" or table.period == "quarter"]
        deviation = float(np.sqrt(len(shown) / (2 * rho)))
        yield f"plain_country_{size}_sd", deviation
        yield f"plain_region_{size}_sd", deviation * most**0.5


def released(policy: Policy) -> Iterator[tuple[str, float]]:
    """Yield how many regional quarterly lines there are, how many are complete, and the seconds of the plan."""
    begun = time.monotonic()
    # Populations of persons alone: the simulated events come without their agencies, which aggregates need.
    own = policy.model_copy(update={"populations": tuple(p for p in policy.populations if p.mode == "dp")})
    decisions = plan(simulated_cells(), RELEASE_DATE, (), own, engine=engine(), noise=Noise(OpenDP(), drawn_for_nobody))
    yield "release_seconds", time.monotonic() - begun
    lines: dict[tuple[object, ...], list[bool]] = defaultdict(list)
    for row in (row for one in decisions if isinstance(one, Publish) for rows in one.feeds.values() for row in rows):
        if row.table == "totals" and row.dimensions["country"] == TOTAL and "-Q" in row.period:
            line = row.scheme, row.region, row.dimensions["phenomenon"], row.dimensions["status"]
            lines[line].append(None not in {row.value, row.sd, row.lo90, row.hi90})
    windows = 4 * len(YEARS)
    yield "lines", len(lines)
    yield "lines_complete", sum(len(told) == windows and all(told) for told in lines.values())


def main() -> None:
    """Print the figures of both shipped policies."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--replays", type=int, default=20)
    parser.add_argument("--engine", choices=["rounded", "opendp"], default="opendp")
    asked = parser.parse_args()
    print(f"figures of {EVENTS} events, seed {SEED}, {asked.replays} replays, {dt.date.today()}")  # noqa: DTZ011 - for people
    for name, prefix in (("default", ""), ("strict", "strict_")):
        policy = policies.load(shipped_policy(name))
        assert policy.dp is not None
        sampler: Sampler = OpenDP() if asked.engine == "opendp" else Rounded(SEED)
        told = [("epsilon_person_year", policy.dp.epsilon), *released(policy)]
        for figure, value in (*told, *errors(policy, asked.replays, sampler).figures(), *plain(policy)):
            print(f"figure {prefix}{figure} {value:.4g}", flush=True)


if __name__ == "__main__":
    main()
