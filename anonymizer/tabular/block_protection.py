"""One block's tables, protected and proven: what is decided, and what happens when the rules cannot be kept.

Decides what gives way: first countries without any person become cover, then tables are withheld, the most detailed
first; at a limit of work everything is. Does not decide what is due or how rows look (`streams.core`).
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from anonymizer.policy import Suppression, TablePlan
from anonymizer.tabular import policy_tables
from anonymizer.tabular.linear_program import Engine, WorkMeter
from anonymizer.tabular.policy_tables import CellKey, EarlierPublication, Facts, ReleaseScope
from anonymizer.tabular.publication_decision import decide_publication
from schemas.errors import DisclosureError

__all__ = ["ProtectedBlock", "ProtectionJob", "ProtectionProof", "ProtectionRequest", "protect_block"]

_GIVES_WAY = frozenset({"DIS-021", "DIS-023"})


@dataclass(frozen=True, slots=True)
class ProtectionRequest:
    """What to protect: `due` are the windows printed now, `past` the earlier prints of the same year."""

    scope: ReleaseScope
    due: frozenset[str]
    past: tuple[EarlierPublication, ...]
    rules: Suppression


@dataclass(frozen=True, slots=True)
class ProtectionJob:
    """One block and all that its protection takes: no job needs another, so each can be done in another process."""

    facts: Facts
    request: ProtectionRequest
    engine: Engine


@dataclass(frozen=True, slots=True)
class ProtectionProof:
    """What the audit of one block found; exact numbers, not to be logged as they are. `width` is in persons."""

    cells: int = 0
    primary: int = 0
    secondary: int = 0
    programs: int = 0
    width: float = float("inf")
    pattern: str = ""


@dataclass(frozen=True, slots=True)
class ProtectedBlock:
    """Values of the cells that may be printed, None where suppressed; and the tables withheld, with their faults."""

    values: Mapping[CellKey, int | None]
    withheld: Mapping[str, DisclosureError]
    proof: ProtectionProof


def protect_block(job: ProtectionJob) -> ProtectedBlock:
    """Protect all tables of one population, year and block together."""
    facts, request, engine = job.facts, job.request, job.engine
    meter = WorkMeter.of(engine)
    withheld: dict[str, DisclosureError] = {}
    shown = sorted(request.scope.tables, key=lambda t: (len(t.dimensions), t.geography != "country", t.name))
    while shown:
        fault = None
        for empties in (False, True):
            try:
                values, proof = _attempt(facts, request, shown, (engine.seed, meter), empties=empties)
                return ProtectedBlock(values, withheld, proof)
            except DisclosureError as error:
                fault = error
                if error.code not in _GIVES_WAY:
                    withheld |= dict.fromkeys((t.name for t in shown), error)
                    return ProtectedBlock({}, withheld, ProtectionProof(programs=meter.solved))
        if fault is not None:
            withheld[shown.pop().name] = fault
    return ProtectedBlock({}, withheld, ProtectionProof(programs=meter.solved))


def _attempt(
    facts: Facts,
    request: ProtectionRequest,
    shown: Sequence[TablePlan],
    work: tuple[bytes, WorkMeter],
    *,
    empties: bool,
) -> tuple[dict[CellKey, int | None], ProtectionProof]:
    keys = (key for plan in shown for key in policy_tables.keys_of(plan, request.scope) if key.window in request.due)
    waived = request.rules.single_agency_countries
    layout = policy_tables.lay_out(facts, request.past, request.scope, [*dict.fromkeys(keys)], waived, empties=empties)
    values: dict[CellKey, int | None] = dict.fromkeys(layout.zeros, 0)
    if not layout.cells:
        return values, ProtectionProof(cells=len(values), pattern=_digest(values))
    blank = {(key.place, key.codes) for one in request.past for key, value in one.values.items() if value is None}
    names: dict[object, bool] = {key: (key.place, key.codes) in blank for key in layout.cells}
    decided = decide_publication(layout.prints, layout.leaves, names, request.rules, *work)
    last = layout.prints[-1]
    for key, total, hide in zip(layout.cells, last.members.times(last.values), decided.withheld, strict=True):
        values[key] = None if hide else round(total)
    first, suppressed = int(decided.unsafe.sum()), int(decided.withheld.sum())
    return values, ProtectionProof(
        len(values), first, suppressed - first, work[1].solved, decided.width, _digest(values)
    )


def _digest(values: Mapping[CellKey, int | None]) -> str:
    lines = sorted(f"{key!r} {'-' if value is None else '+'}" for key, value in values.items())
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
