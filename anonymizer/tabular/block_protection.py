"""Protection of one block: all tables of one population, year and block, protected and audited together.

Purpose: it decides what gives way if the rules cannot be kept.

1. Protect all tables.
2. If a cell cannot be protected, or the audit fails, add the countries without any person as cover and try again.
3. If that fails too, withhold the most detailed table, and begin again with the rest.
4. After any other fault (a limit of work, cubes that contradict each other) withhold everything.

Called by: `streams.core.releasing.release_plan`, as independent jobs that may run in several processes;
`streams.core.releasing.release_feeds` and `streams.core.releasing.certificate` read the result.

Invariants:
- A value is returned only out of a pattern that passed its audit.
- A job is a value that can be pickled, and so is its result.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from anonymizer.policy import TablePlan
from anonymizer.suppression_rules import Suppression
from anonymizer.tabular import policy_tables
from anonymizer.tabular.linear_program import Engine, WorkMeter
from anonymizer.tabular.policy_tables import CellKey, EarlierPublication, Facts, ReleaseScope
from anonymizer.tabular.publication_decision import GIVES_WAY, decide_publication
from schemas.errors import DisclosureError

__all__ = ["ProtectedBlock", "ProtectionJob", "ProtectionProof", "ProtectionRequest", "protect_block"]


@dataclass(frozen=True, slots=True)
class ProtectionRequest:
    """The tables and rules of a job: `due` are the windows published now, `past` the year's earlier publications.

    `of_persons` is true if the tables count persons: an agency can then report one, and look whether a count moves.
    """

    scope: ReleaseScope
    due: frozenset[str]
    past: tuple[EarlierPublication, ...]
    rules: Suppression
    of_persons: bool


@dataclass(frozen=True, slots=True)
class ProtectionJob:
    """One block with everything that its protection needs: no job depends on another."""

    facts: Facts
    request: ProtectionRequest
    engine: Engine


@dataclass(frozen=True, slots=True)
class ProtectionProof:
    """Figures of the protection of one block; exact, so they are not logged as they are.

    `cells` counts all cells, `primary` and `secondary` those withheld by primary and complementary suppression,
    `programs` the programs solved. `width` is the least interval of a target, in persons; `pattern` is a SHA-256.
    """

    cells: int = 0
    primary: int = 0
    secondary: int = 0
    programs: int = 0
    width: float = float("inf")
    pattern: str = ""


@dataclass(frozen=True, slots=True)
class ProtectedBlock:
    """Cell → value, None where suppressed; withheld table → fault."""

    values: Mapping[CellKey, int | None]
    withheld: Mapping[str, DisclosureError]
    proof: ProtectionProof


def protect_block(job: ProtectionJob) -> ProtectedBlock:
    """Protect all tables of one population, year and block together."""
    facts, request, engine = job.facts, job.request, job.engine
    meter = WorkMeter.of(engine)
    withheld: dict[str, DisclosureError] = {}
    # The most detailed table stands last: the one with most dimensions, and by country rather than by region.
    shown = sorted(request.scope.tables, key=lambda t: (len(t.dimensions), t.geography != "country", t.name))
    while shown:
        fault: DisclosureError | None = None
        for empties in (False, True):
            try:
                # 1. and, with the empty countries, 2.
                values, proof = _protected(facts, request, shown, (engine.seed, meter), empties=empties)
                return ProtectedBlock(values, withheld, proof)
            except GIVES_WAY as reason:
                fault = reason
            except DisclosureError as reason:
                # 4. Less detail would not help.
                withheld |= dict.fromkeys((table.name for table in shown), reason)
                return ProtectedBlock({}, withheld, ProtectionProof(programs=meter.solved))
        if fault is not None:
            # 3.
            withheld[shown.pop().name] = fault
    return ProtectedBlock({}, withheld, ProtectionProof(programs=meter.solved))


def _protected(
    facts: Facts,
    request: ProtectionRequest,
    shown: Sequence[TablePlan],
    work: tuple[bytes, WorkMeter],
    *,
    empties: bool,
) -> tuple[dict[CellKey, int | None], ProtectionProof]:
    """Return the values of the due cells of these tables, and the figures of their protection."""
    wanted = (key for plan in shown for key in policy_tables.keys_of(plan, request.scope) if key.window in request.due)
    rules = request.rules
    layout = policy_tables.lay_out(
        facts,
        request.past,
        request.scope,
        [*dict.fromkeys(wanted)],
        rules.single_agency_countries,
        empties=empties,
    )
    # Cells that no variable touches are zero. A policy that hides zeros hides these too: where somebody is, and where
    # nobody, shall look the same.
    values: dict[CellKey, int | None] = dict.fromkeys(layout.zeros, None if rules.zeros == "hidden" else 0)
    if not layout.cells:
        return values, ProtectionProof(cells=len(values), pattern=_digest(values))
    # The same cell (place and codes) of another window: if it is suppressed there, withholding it here costs less.
    blank = {
        (key.place, key.codes) for earlier in request.past for key, value in earlier.values.items() if value is None
    }
    headlines = {key for plan in shown for key in policy_tables.headlines_of(plan, request.scope)}
    names: dict[object, tuple[bool, bool]] = {
        key: ((key.place, key.codes) in blank, key in headlines) for key in layout.cells
    }
    decision = decide_publication(
        layout.publications, layout.links, names, request.rules, *work, testable=request.of_persons
    )
    last = layout.publications[-1]
    for key, total, hidden in zip(layout.cells, last.members @ last.values, decision.withheld, strict=True):
        values[key] = None if hidden else round(total)
    unsafe, suppressed = int(decision.unsafe.sum()), int(decision.withheld.sum())
    return values, ProtectionProof(
        len(values), unsafe, suppressed - unsafe, work[1].solved, decision.width, _digest(values)
    )


def _digest(values: Mapping[CellKey, int | None]) -> str:
    """Return the SHA-256 of the suppression pattern: which cells have a value, without the values."""
    lines = sorted(f"{key!r} {'-' if value is None else '+'}" for key, value in values.items())
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
