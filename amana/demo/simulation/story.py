"""The course of a simulation: the order of first reports, corrections, withdrawals, repetitions and spoilt rows.

Called by: `amana.demo.simulation.generator`.

Invariants:
- A later revision always comes after the earlier one of the same record.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import Any, Final

from amana.demo.simulation.world import AgencyReport, World
from schemas.catalogue import PERSONAL

__all__ = ["SPOILT", "SimulatedRow", "simulated_rows", "spoil"]

_CORRECTED: Final = 0.04
_WITHDRAWN: Final = 0.01
_AGAIN: Final = 0.005
_SPOILT: Final = 0.007

SPOILT: Final = {
    "broken": ("", "CON-102"),
    "code": ("vic_TraffickingStatus", "CON-011"),
    "future": ("event_date", "CON-013"),
    "missing": ("event_date", "CON-010"),
    "consent": ("con_Consent", "CON-106"),
}
"""The way in which a row is spoilt → field and code with which the agency's publisher refuses it."""


@dataclass(frozen=True, slots=True)
class SimulatedRow:
    """One row to write; `again` if it repeats an earlier row, `spoilt` names the way in which it is broken."""

    report: AgencyReport
    again: bool = False
    spoilt: str = ""


def simulated_rows(events: int, random: Random) -> list[SimulatedRow]:
    """Return `events` rows in the order in which they are written."""
    world = World(random)
    counts = [round(events * share) for share in (_CORRECTED, _WITHDRAWN, _AGAIN, _SPOILT)]
    first_count = events - sum(counts)
    firsts: list[AgencyReport] = []
    while len(firsts) < first_count:
        firsts += world.first_reports()
    del firsts[first_count:]
    # A row's place is a fraction of the whole course; later rows are put between the first ones, then all are sorted.
    placed: list[tuple[float, SimulatedRow]] = [
        (float(place), SimulatedRow(report)) for place, report in enumerate(firsts)
    ]
    placed += _later(world, firsts, counts, random)
    spoilt = tuple(SPOILT)
    for number in range(events - len(placed)):
        row = SimulatedRow(_personal_report(world), spoilt=spoilt[number % len(spoilt)])
        placed.append((random.uniform(0, events), row))
    placed.sort(key=lambda place_and_row: place_and_row[0])
    return [row for _, row in placed]


def _personal_report(world: World) -> AgencyReport:
    """Return a report about a person: only such reports have every field that can be spoilt."""
    while True:
        for report in world.first_reports():
            if report.kind in PERSONAL:
                return report


def _later(
    world: World, firsts: list[AgencyReport], counts: list[int], random: Random
) -> Iterator[tuple[float, SimulatedRow]]:
    """Yield corrections, withdrawals and repetitions, each of a record of its own, after its first report."""
    personal = [place for place, report in enumerate(firsts) if report.kind in PERSONAL]
    random.shuffle(personal)
    chosen = iter(personal)  # one iterator for all three: no record is corrected and withdrawn
    after = len(firsts)
    for number, count in enumerate(counts[:3]):
        for _, place in zip(range(count), chosen, strict=False):
            report = firsts[place]
            if number == 0:
                row = SimulatedRow(world.corrected(report))
            elif number == 1:
                row = SimulatedRow(replace(report, revision=2, withdrawn=True))
            else:
                row = SimulatedRow(report, again=True)
            yield random.uniform(place + 0.5, after), row


def spoil(cells: dict[str, Any], how: str) -> dict[str, Any]:
    """Return the spoilt row; a `broken` one is unchanged here, and cut in two when it is written."""
    if how == "code":
        return cells | {"vic_TraffickingStatus": "NotACode"}
    if how == "future":
        return cells | {"event_date": "2199-01-01"}
    if how == "consent":
        return cells | {"con_Consent": False, "consent_basis": "None"}
    if how == "missing":
        return {name: value for name, value in cells.items() if name != "event_date"}
    return cells
