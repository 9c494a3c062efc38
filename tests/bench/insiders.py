"""Cost and benefit of the insider's rule on simulated events: `python -m tests.bench.insiders [EVENTS]`; prints only.

One tick releases everything up to 2024, under the shipped rules of suppression and under those before them (two
agencies, 85 %, zeros and unknown codes shown). Of each: the cells above zero that are published, by size; those of
which some agency can tell 1 to 10 others by taking away the persons that it reported; the blanks that are zeros.
"""

import datetime as dt
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Final

from amana.demo.simulation import answer_key, generator
from amana.demo.simulation.answer_key import AnswerEntry
from anonymizer import policy
from anonymizer.policy import Policy
from anonymizer.suppression_rules import Suppression
from anonymizer.tabular.facts import Fact, blocks_of, facts_of
from schemas.identifiers import AgencyId
from schemas.reporters import together
from streams.core.releasing.agency_parts import agency_parts
from streams.core.releasing.release_decision import Cells
from streams.core.releasing.release_plan import plan
from streams.core.releasing.released_rows import published_cells
from tests.support.disclosure import all_rows, engine

DAY: Final = dt.date(2025, 2, 1)
BEFORE: Final = Suppression(k=11, min_agencies=2, rule="dominance", dominance=0.85, zeros="shown", unknown="shown")
SIZES: Final = ((1, 10), (11, 20), (21, 50), (51, 100), (101, 500), (501, 10**9))


def simulated(events: int) -> dict[str, Counter[str]]:
    """Return the exact cells of simulated events, by the agencies that reported each person."""
    cells: dict[str, Counter[str]] = {}

    def count(entries: Sequence[AnswerEntry], results: Sequence[str]) -> Counter[str]:
        counting = [e for e, result in zip(entries, results, strict=True) if result in {"counted", "duplicate"}]
        for voices in answer_key._groups([entry for entry in counting if not entry.again]):
            reporters = together(AgencyId(entry.report.agency.id) for entry in voices)
            for cell, amount in own(voices, ["counted"] * len(voices)).items():
                cells.setdefault(cell, Counter())[reporters] += amount
        return own(entries, results)

    own, answer_key.cells = answer_key.cells, count
    with tempfile.TemporaryDirectory() as folder:
        generator.simulate(events, 1, Path(folder), narratives=False)
    answer_key.cells = own
    return cells


def told(cells: Cells, rules: Policy) -> Iterator[tuple[int | None, int, bool]]:
    """Yield the value of every cell of the release, its persons, and whether it tells an agency 1 to 10 others."""
    rows = all_rows(plan(cells, DAY, (), rules, engine=engine()))
    for population in rules.populations:
        tables = [table for table in rules.tables if table.population == population.name]
        facts, own = facts_of(cells, population, rules), [row for row in rows if row.population == population.name]
        for year in sorted({int(row.period[:4]) for row in own}):
            blocks = blocks_of(population)
            published = published_cells(own, year, tuple(blocks[0]), rules)
            for block in blocks:
                place = year, tuple(block.values())
                shown = published.get(place[1], {})
                parts = agency_parts(shown, facts.get(place, {}), tables, rules)
                every = agency_parts(shown, _merged(facts.get(place, {})), tables, rules).get("all", {})
                for key, value in shown.items():
                    persons = every.get(key, 0)
                    others = [persons - part.get(key, 0) for part in parts.values()]
                    yield value, persons, value is not None and any(0 < n < 11 for n in others)


def _merged(facts: Mapping[str, Sequence[Fact]]) -> dict[str, list[Fact]]:
    """Return facts as if one agency, `all`, had reported everybody."""
    return {
        cube: [replace(fact, agencies={"all": sum(fact.agencies.values())}) for fact in found]
        for cube, found in facts.items()
    }


def main(events: int) -> None:
    """Print a line for each rule and figure."""
    cells = simulated(events)
    shipped = policy.load((resources.files("anonymizer") / "policies" / "default.toml").read_text())
    for name, rules in (("before", shipped.model_copy(update={"suppression": BEFORE})), ("insider", shipped)):
        began = time.process_time()
        every = list(told(cells, rules))
        print(f"{name}: {len(every)} cells, {time.process_time() - began:.0f} s of CPU to protect")
        for low, high in SIZES:
            of_size = [value for value, persons, _ in every if low <= persons <= high]
            kept = sum(value is not None for value in of_size)
            print(f"  {low}-{high}: {kept} of {len(of_size)} published")
        blanks = [persons for value, persons, _ in every if value is None]
        print(f"  told by an agency's own persons: {sum(bad for *_, bad in every)}")
        print(f"  blanks that are zeros: {blanks.count(0)} of {len(blanks)}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
