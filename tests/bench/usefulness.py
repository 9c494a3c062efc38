"""The usefulness of noisy tables: errors by true size on the demonstration's events, each line `figure NAME VALUE`.

The events are simulated and counted by the simulator's own answer key, so no broker is needed. Every window is drawn
anew in each replay, by the functions that release tables; `plain` is the same budget divided equally over countries and
tables, each by itself.

    python -m tests.bench.usefulness [--replays 20] [--engine opendp]
"""

import argparse
import csv
import datetime as dt
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from amana.demo.simulation.generator import KEY_FOLDER, simulate
from anonymizer import policy as policies
from anonymizer.budget.accounting import PPB
from anonymizer.mechanisms.discrete_gaussian import OpenDP
from anonymizer.noise.published_margins import Z90, published
from anonymizer.noise.sampler import Sampler
from anonymizer.noise.workload import PlannedWindow, Workload, workload_of
from anonymizer.noise.workload_draw import WindowDraw, measure
from anonymizer.policy import Policy
from connectors.adapters.policy_store import shipped_policy
from schemas.identifiers import Rho
from streams.core.releasing.dp_release import grant_of
from streams.core.releasing.person_counts import PersonCounts
from tests.support.noise import Rounded, Silent

EVENTS = 20_000
SEED = 1
YEARS = (2023, 2024)
BRACKETS = {"21-50": (21, 50), "51-100": (51, 100), "over 100": (101, 10**9), "over 500": (501, 10**9)}
SHOWN = {
    ("quarter", ()): "totals",
    ("year", ()): "totals",
    ("year", ("exploitation", "gender")): "forms by gender",
    ("year", ("gender", "age")): "ages by gender",
    ("year", ("origin",)): "corridors",
    ("year", ("decided_by",)): "identification",
    ("year", ("means",)): "means",
}


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

    def lines(self, policy: str) -> Iterator[str]:
        """Yield the figures."""
        for name in sorted(self.deviation):
            yield f"figure {policy}: {name}: largest sd {self.deviation[name]:.2f}"
            for bracket in BRACKETS:
                if pairs := self.found[name, bracket]:
                    off, width = np.median([p[0] for p in pairs]), max(p[1] for p in pairs)
                    yield f"figure {policy}: {name}, {bracket}: median error {off:.1f} %"
                    yield f"figure {policy}: {name}, {bracket}: widest half of an interval {width:.0f} %"
        yield f"figure {policy}: 90 % intervals that hold {100 * np.mean(self.held):.2f} %"


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
        for label, plan in windows:
            rho = Rho(int(first * plan.share))
            exact = _draw(counts, workload, label, plan, rho, Silent())
            for _ in range(replays):
                _compare(found, _draw(counts, workload, label, plan, rho, sampler), exact, workload, label)
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
    rows: Mapping[str, np.ndarray] = {"regions": regions, "countries": np.eye(len(workload.places))}
    size = "quarter" if "-" in label else "year"
    for block in range(len(noisy.systems[0].blocks)):
        pairs = zip(published([noisy], block, regions, 0.01), published([exact], block, regions, 0.01), strict=True)
        for own, true in pairs:
            for margin in own.tenths:
                name = SHOWN.get((size, tuple(own.dims[d] for d in margin)))
                for where, places in rows.items() if name else ():
                    for place in places:
                        cells, truth = own.cells(margin, place), true.cells(margin, place)
                        values = (cells.tenths / 10, truth.tenths / 10, np.sqrt(cells.variances))
                        found.add(f"{where} by {size}, {name}", *(value.ravel() for value in values))


def plain(policy: Policy) -> Iterator[str]:
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
        yield f"figure plain: countries by {size}: sd {deviation:.2f}"
        yield f"figure plain: regions by {size}: largest sd {deviation * most**0.5:.2f}"


def main() -> None:
    """Print the figures of both shipped policies."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--replays", type=int, default=20)
    parser.add_argument("--engine", choices=["rounded", "opendp"], default="opendp")
    asked = parser.parse_args()
    print(f"figures of {EVENTS} events, seed {SEED}, {asked.replays} replays, {dt.date.today()}")  # noqa: DTZ011 - for people
    for name in ("default", "strict"):
        policy = policies.load(shipped_policy(name))
        sampler: Sampler = OpenDP() if asked.engine == "opendp" else Rounded(SEED)
        for line in (*errors(policy, asked.replays, sampler).lines(name), *plain(policy)):
            print(line, flush=True)


if __name__ == "__main__":
    main()
