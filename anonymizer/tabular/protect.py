"""One block's tables, protected and proven: the rules in their order, and what happens when they cannot be kept.

Decides the order primary → secondary → audit, and what gives way: first countries without any person become cover,
then tables are withheld, the most detailed first; at a limit of work everything is. Does not decide what is due or how
rows look (`streams.core`).

What is published already is known to an attacker: those cells are frozen if their value is still the same. Of a window
that is not printed again, cells that have changed since are taken as known with their new value, if that is safe.
Not yet here: the increment between two prints as a cell of its own, and exact arithmetic for certificates.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from anonymizer.policy import Suppression, TablePlan
from anonymizer.tabular import audit, primary, secondary, table
from anonymizer.tabular.facts import Fact
from anonymizer.tabular.program import Engine, Flags, Meter
from anonymizer.tabular.table import CellKey, Scope, System
from schemas.errors import DisclosureError

__all__ = ["Job", "Proof", "Protected", "Request", "do", "protect"]

_GIVES_WAY = frozenset({"DIS-021", "DIS-023"})


@dataclass(frozen=True, slots=True)
class Request:
    """What to protect: `due` are the windows printed now, `known` cells published before, with their values then."""

    scope: Scope
    due: frozenset[str]
    known: Mapping[CellKey, int]
    rules: Suppression


@dataclass(frozen=True, slots=True)
class Job:
    """One block and all that its protection takes: no job needs another, so each can be done in another process."""

    facts: Mapping[str, Sequence[Fact]]
    request: Request
    engine: Engine


@dataclass(frozen=True, slots=True)
class Proof:
    """What the audit of one block found; exact numbers, not to be logged as they are. `width` is in persons."""

    cells: int = 0
    primary: int = 0
    secondary: int = 0
    programs: int = 0
    width: float = float("inf")
    pattern: str = ""


@dataclass(frozen=True, slots=True)
class Protected:
    """Values of the cells that may be printed, None where suppressed; and the tables withheld, with their faults."""

    values: Mapping[CellKey, int | None]
    withheld: Mapping[str, DisclosureError]
    proof: Proof


def do(job: Job) -> Protected:
    """Do one job."""
    return protect(job.facts, job.request, job.engine)


def protect(facts: Mapping[str, Sequence[Fact]], request: Request, engine: Engine) -> Protected:
    """Protect all tables of one population, year and block together.

    Args:
        facts: cube → facts of that block and year.
        request: tables, regions, windows, rules, and what is published already.
        engine: solver, seed, limits.
    """
    meter = Meter(engine.solver, engine.limits)
    withheld: dict[str, DisclosureError] = {}
    shown = sorted(request.scope.tables, key=lambda t: (len(t.dimensions), t.geography != "country", t.name))
    while shown:
        fault = None
        for empties in (False, True):
            try:
                system = table.build(facts, request.scope, empties=empties)
                values, proof = _attempt(system, request, shown, engine.seed, meter)
                return Protected(values, withheld, proof)
            except DisclosureError as error:
                fault = error
                if error.code not in _GIVES_WAY:
                    withheld |= dict.fromkeys((t.name for t in shown), error)
                    return Protected({}, withheld, Proof(programs=meter.solved))
        if fault is not None:
            withheld[shown.pop().name] = fault
    return Protected({}, withheld, Proof(programs=meter.solved))


def _attempt(
    system: System, request: Request, shown: Sequence[TablePlan], seed: bytes, solve: Meter
) -> tuple[dict[CellKey, int | None], Proof]:
    printed = {key for plan in shown for key in table.keys_of(plan, request.scope) if key.window in request.due}
    values: dict[CellKey, int | None] = dict.fromkeys((key for key in system.zeros if key in printed), 0)
    if not system.cells:
        return values, Proof(cells=len(values), pattern=_digest(values))
    unsafe = primary.mark(system, request.rules)
    frozen = _frozen(system, request, unsafe)
    targets = primary.targets_of(system, request.rules, frozen)
    absent = np.array([key not in printed for key in system.cells], np.bool_) & ~frozen
    hidden = secondary.protect(system, targets, (unsafe | absent, frozen), seed, solve)
    width = audit.audit(system, targets, hidden, solve)
    for key, total, hide in zip(system.cells, system.totals, hidden, strict=True):
        if key in printed:
            values[key] = None if hide else int(total)
    first = int((unsafe & ~absent & ~frozen).sum())
    suppressed = sum(value is None for value in values.values())
    proof = Proof(len(values), first, suppressed - first, solve.solved, width, _digest(values))
    return values, proof


def _frozen(system: System, request: Request, unsafe: Flags) -> Flags:
    flags = np.zeros(len(system.cells), np.bool_)
    for i, (key, total) in enumerate(zip(system.cells, system.totals, strict=True)):
        if key in request.known:
            same = request.known[key] == total
            flags[i] = same or (key.window not in request.due and not unsafe[i])
    return flags


def _digest(values: Mapping[CellKey, int | None]) -> str:
    lines = sorted(f"{key!r} {'-' if value is None else '+'}" for key, value in values.items())
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
