"""The release process: it keeps the audit log and, on a tick of the calendar, releases what may be released.

Purpose: it decides the order of effects. Nothing is released without its record in the audit log, and nothing is lost
or released twice by a crash.

0. The process takes a fence at the broker, and compares ledger, log, budget and topics behind it (`agreement`).
1. Decision records of all stages are drained from the topic `audit` into the log all the time, each position once.
2. A tick waits until every stage has caught up and nothing new arrives, then reads all cells behind that cut.
3. Everything that the tick releases or withholds enters the release ledger in one transaction.
4. All of it is recorded in the audit log under a signed checkpoint.
5. The releases are announced by their digests; then all rows are sent to the feeds in one transaction; then the ledger
   marks the releases as published. No row lies on a feed, not even in a transaction that is aborted later, whose digest
   another process would not find announced.
6. The tick's outcome is announced on the topic `audit`, and the tick is finished.

The rows that are released are decided in `streams.core.releasing.release_plan`.

Called by: `amana.composition.stages`, for `amana worker release` (`run`).

Invariants:
- After a crash the steps are done again from the first unfinished one. What was sent is read back before anything is
  sent again, so that each row is sent once.
- While brokers are away, the step that failed is repeated until they answer, for ten minutes at most. As long as the
  brokers do not report the progress of the stages, the pipeline does not count as settled.
- One process runs at a time: ledger and log lock their files, and a process elsewhere is shut out by the broker.
"""

import datetime as dt
import functools
import json
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import TypeVar

import structlog

from schemas.errors import (
    AmanaError,
    ConfigurationError,
    ContractError,
    DisclosureError,
    IntegrityError,
    TransportError,
)
from schemas.trend import rows_digest
from streams.core.releasing.release_decision import Withhold
from streams.release import agreement
from streams.release.release_ports import AUDIT_STREAM, Cells, ReleaseDecision, ReleaseDeps, Tick
from streams.transparency.decision import Decision

__all__ = ["ACTOR", "begin", "counts_of", "finish", "keep", "run", "serve", "settled"]

Answer = TypeVar("Answer")

ACTOR = "worker.release"
_STILL_SECONDS = 1.0  # how long nothing may have moved before the pipeline counts as settled
_AWAY_SECONDS = 600.0  # how long the brokers may be away before the process ends, to be started again
_AGAIN_SECONDS = 1.0  # how long to wait before a step is done again that the brokers did not let finish


def run(deps: ReleaseDeps) -> None:
    """Keep the audit log and serve the calendar until SIGTERM or SIGINT.

    Raises:
        IntegrityError: log or ledger cannot be kept, ledger, log, budget and topics do not agree, or another process
            has taken over; nothing more is released.
        TransportError: the brokers were away for too long.
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        keep(deps, stop)
    finally:
        deps.bus.close()
        deps.ledger.close()
        deps.log.close()


def keep(deps: ReleaseDeps, stop: threading.Event) -> None:
    """Keep the audit log and serve the calendar until the process is told to stop; raises as `run`."""
    begin(deps, stop)
    while not stop.is_set():
        deps = deps.renew() or deps
        # 1. Drain the stages' decision records.
        _until_done(functools.partial(_drain, deps), stop)
        for tick in _until_done(deps.bus.ticks, stop) or ():
            serve(deps, tick, stop)


def begin(deps: ReleaseDeps, stop: threading.Event) -> None:
    """Compare all places, continue both topics where they were left, and finish what a crash interrupted.

    Raises:
        IntegrityError: INT-140 or INT-170 to INT-173, two places do not agree; or log or ledger cannot be kept.
        TransportError: the brokers were away for ten minutes.
    """
    # 0. A glance first: a process with old files must not shut out the one that is at work.
    _until_done(lambda: agreement.glance(deps), stop)
    _until_done(lambda: agreement.hold_fence(deps), stop)
    if stop.is_set():
        return
    deps.log.append([_record(deps, "started", {})])
    audit, calendar = deps.log.sources.get(AUDIT_STREAM, -1) + 1, deps.ledger.position() + 1
    _until_done(lambda: deps.bus.start(audit=audit, calendar=calendar), stop)
    _until_done(lambda: finish(deps), stop)


def serve(deps: ReleaseDeps, tick: Tick, stop: threading.Event) -> None:
    """Take one tick from its date to its announced outcome; a stop in between leaves it to the next start.

    Raises:
        IntegrityError: log or ledger cannot be kept; the tick is not finished, and the process must end.
        TransportError: the brokers were away for ten minutes; the tick is taken again at the next start.
    """
    try:
        # 2. and 3., unless an earlier process has entered the tick already.
        if not deps.ledger.is_planned(tick.id) and not _enter(deps, tick, stop):
            return
        # 4. and 5.
        _until_done(lambda: finish(deps), stop)
    except (ConfigurationError, ContractError, DisclosureError) as fault:
        # The plan refuses: that is an outcome. It is recorded like a release, and the tick is finished.
        summary = _refusal(fault)
        deps.log.append([_record(deps, "refusal", _about(tick, summary))])
    except IntegrityError as fault:
        # Whoever asked for the tick is told, if a broker answers and no other process has taken over; the tick stays
        # unfinished and the process ends.
        with suppress(TransportError, IntegrityError):
            deps.bus.report(_record(deps, "calendar", _about(tick, _refusal(fault))))
        raise
    else:
        summary = {"outcome": "done", **counts_of(deps.ledger.entries_of(tick.id))}
    if not stop.is_set():
        # 6.
        _until_done(lambda: _conclude(deps, tick, summary), stop)


def settled(deps: ReleaseDeps, tick: Tick, stop: threading.Event) -> Cells | None:
    """Return the cells behind a cut that has passed every stage, None if the tick's patience ends before."""
    deadline = time.monotonic() + tick.patience
    while time.monotonic() < deadline and not stop.is_set():
        try:
            _drain(deps)
            before = deps.bus.settled_ends()
            # Twice the same ends, a second apart and with no lag: nothing is in flight between two stages.
            if before is None or stop.wait(_STILL_SECONDS) or deps.bus.settled_ends() != before:
                continue
            cells = deps.bus.cells()
            # Reading takes seconds: cells that changed meanwhile would not belong to one moment.
            if deps.bus.settled_ends() == before:
                return cells
        except TransportError as error:
            # Brokers come and go: progress that they cannot report now is not settled, and is asked for again.
            structlog.get_logger().warning("not settled: the brokers do not answer", code=error.code)
            stop.wait(_AGAIN_SECONDS)
    return None


def finish(deps: ReleaseDeps) -> None:
    """Record, then publish, everything that the ledger holds and the feeds do not.

    Raises:
        IntegrityError: as `begin`; INT-174, another process has taken over.
        TransportError: the brokers did not let it finish; nothing or all of it is out.
    """
    # Behind a new fence: another process may have been here, and the last attempt may have come through.
    places = agreement.hold_fence(deps)
    pending = list(deps.ledger.unpublished())
    if not pending:
        return
    # 4. All records first: nothing may reach a feed before the log holds it.
    deps.log.append([*_anchor(deps), *(_decision(deps, tick, outcome) for _, tick, outcome in pending)])
    # 5. All at once: what was protected together is seen together.
    sent = (places and places.feeds) or {}
    announced = {entry.partition("|")[0] for entry in (places and places.announced) or ()}
    missing = [outcome for _, _, outcome in pending if _identity(outcome) not in sent]
    if missing:
        deps.bus.publish(missing, deps.policy, announced=announced)
    for number, _, _ in pending:
        deps.ledger.mark_published(number)


def _drain(deps: ReleaseDeps) -> None:
    """Take the next decision records of the topic `audit` into the log."""
    deps.log.append(agreement.refuse_forgotten_ticks(deps, deps.bus.decisions(), ACTOR))


def _until_done(step: Callable[[], Answer], stop: threading.Event) -> Answer | None:
    """Run a step, and run it again while brokers are away; return None if the process is told to stop first.

    Raises:
        TransportError: they were away for ten minutes; a new process begins with new settings and connections.
    """
    deadline = time.monotonic() + _AWAY_SECONDS
    while True:
        try:
            return step()
        except TransportError as error:
            structlog.get_logger().warning("again: the brokers do not answer", code=error.code, error=error.message)
            if time.monotonic() > deadline:
                raise
            if stop.wait(_AGAIN_SECONDS):
                return None


def _enter(deps: ReleaseDeps, tick: Tick, stop: threading.Event) -> bool:
    """Plan a tick and enter it into the ledger; return False if the process was told to stop first."""
    # One day more than today, since a date begins earlier elsewhere: quarters that have not happened are no zeros.
    if tick.as_of > dt.datetime.now(dt.UTC).date() + dt.timedelta(days=1):
        raise DisclosureError("DIS-150", f"{tick.as_of} has not come yet: nothing is released ahead of its time")
    # 2. Wait for the cut.
    cells = settled(deps, tick, stop)
    if cells is None and stop.is_set():
        return False
    if cells is None:
        raise DisclosureError("DIS-140", f"the stages were not idle within {tick.patience:g} s; nothing is released")
    # A budget that was put back since the start must be seen before noise is drawn.
    agreement.refuse_budget(deps)
    outcomes = deps.plan(cells, tick.as_of, deps.ledger.earlier())
    # 3. One transaction: the outcomes were protected together.
    deps.ledger.commit(tick.id, tick.position, tick.as_of, (outcomes, cells))
    return True


def _refusal(error: AmanaError) -> dict[str, str]:
    return {"outcome": "refused", "code": error.code, "reason": error.message}


def _about(tick: Tick, summary: Mapping[str, str]) -> dict[str, str]:
    return {"tick": tick.id, "as_of": tick.as_of.isoformat(), **summary}


def _conclude(deps: ReleaseDeps, tick: Tick, summary: Mapping[str, str]) -> None:
    agreement.hold_fence(deps)
    # The announcement first: a tick that is finished but not announced would be waited for in vain.
    deps.bus.report(_record(deps, "calendar", _about(tick, summary)))
    deps.ledger.finish(tick.id, tick.position, tick.as_of, summary)


def counts_of(outcomes: Iterable[ReleaseDecision]) -> dict[str, str]:
    """Count the cells of the feeds by population, year and status: counts of cells, not of persons."""
    cells: Counter[tuple[str, int, str]] = Counter()
    withheld = []
    for outcome in outcomes:
        header = outcome.header
        if isinstance(outcome, Withhold):
            withheld.append([header.population, header.window, outcome.table, outcome.code, outcome.reason])
        for row in (row for rows in outcome.feeds.values() for row in rows):
            cells[header.population, header.year, row.status] += 1
    lines = [[population, year, status, count] for (population, year, status), count in sorted(cells.items())]
    return {"cells": json.dumps(lines), "withheld": json.dumps(withheld)}


def _identity(outcome: ReleaseDecision) -> str:
    """Return the name of an entry in every place: its release id and the table that is withheld from it."""
    return f"{outcome.header.release}|{outcome.table if isinstance(outcome, Withhold) else ''}"


def _anchor(deps: ReleaseDeps) -> list[Decision]:
    """Return the record that tells the log of the budget, nothing if the log knows its present state."""
    books = deps.budget.books()
    if books.anchor.events == 0 or agreement.anchor_of(deps.log.last.get("budget")) == books.anchor:
        return []
    return [_record(deps, "budget", agreement.anchor_details(books))]


def _decision(deps: ReleaseDeps, tick: str, outcome: ReleaseDecision) -> Decision:
    """Return the audit record of a release or of a withheld table."""
    header = outcome.header
    details = {
        "tick": tick,
        "release": header.release,
        "as_of": header.as_of.isoformat(),
        "population": header.population,
        "window": header.window,
        "revision": str(header.revision),
        "rows": rows_digest(outcome.feeds),
    }
    if isinstance(outcome, Withhold):
        details |= {"table": outcome.table, "code": outcome.code, "reason": outcome.reason}
        return _record(deps, "refusal", details)
    certificate = {f"certificate.{name}": text for name, text in outcome.certificate.items()}
    return _record(deps, "release", details | {"mode": outcome.mode, "pattern": outcome.pattern} | certificate)


def _record(deps: ReleaseDeps, action: str, details: Mapping[str, str]) -> Decision:
    # The audit log keeps the hour of a decision and no finer time.
    hour = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H")
    return Decision(action, ACTOR, deps.policy, deps.code, details=details, at=hour)
