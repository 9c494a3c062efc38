"""The release process: keeps the audit log, and on a tick of the calendar releases what may be released.

Decides the order of effects on which "nothing is released without its record" rests, and when the pipeline is settled
enough to be read. Does not decide what is released or in which rows (`streams.core.releasing.release_plan`).

1. Decision records of all stages are drained from the topic `audit` into the log all the time, each position once.
2. A tick waits until every stage has caught up and nothing new arrives, then reads the cells whole, behind that cut.
3. Everything the tick releases or withholds enters the ledger at once.
4. All of it is recorded in the audit log under a signed checkpoint.
5. Rows are sent to the feeds and acknowledged; then the ledger marks the release as published.
6. The tick's outcome is announced on the topic `audit` and the tick is finished.

After a crash the steps from the first unfinished one are done again. Rows that were sent twice are the same rows under
the same key, of which a reader takes the first.
"""

import datetime as dt
import hashlib
import json
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from schemas.errors import AmanaError, DisclosureError, IntegrityError, TransportError
from streams.core.releasing.release_plan import Publish, TrendRow, Withhold
from streams.release.release_ports import AUDIT_STREAM, Cells, ReleaseDecision, ReleaseDeps, Tick
from streams.transparency.decision import Decision

__all__ = ["ACTOR", "begin", "digest", "finish", "run", "serve", "settled"]

ACTOR = "worker.release"
_STILL_SECONDS = 1.0  # how long nothing may have moved before the pipeline counts as settled


def run(deps: ReleaseDeps) -> None:
    """Keep the audit log and serve the calendar until SIGTERM or SIGINT.

    Raises:
        IntegrityError: log or ledger cannot be kept, or the log lacks a published release; nothing more is released.
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        begin(deps)
        while not stop.is_set():
            deps.log.append(deps.bus.decisions())
            for tick in deps.bus.ticks():
                serve(deps, tick, stop)
    finally:
        deps.bus.close()
        deps.ledger.close()
        deps.log.close()


def begin(deps: ReleaseDeps) -> None:
    """Compare ledger and log, take up both topics where they were left, and finish what a crash interrupted."""
    if lost := [release for release in deps.ledger.releases() if release not in deps.log.releases]:
        raise IntegrityError("INT-140", f"release {lost[0]} was published, but the audit log does not hold it")
    deps.log.append([_record(deps, "started", {})])
    deps.bus.start(audit=deps.log.sources.get(AUDIT_STREAM, -1) + 1, calendar=deps.ledger.position() + 1)
    finish(deps)


def serve(deps: ReleaseDeps, tick: Tick, stop: threading.Event) -> None:
    """Take one tick from its date to its announced outcome; a stop in between leaves it to the next start.

    Raises:
        IntegrityError: log or ledger cannot be kept; the tick is not finished.
        TransportError: the broker is out of reach; likewise.
    """
    try:
        if not deps.ledger.is_planned(tick.id) and not _planned(deps, tick, stop):
            return
        finish(deps)
    except TransportError:
        raise
    except IntegrityError as error:
        deps.bus.report(_record(deps, "calendar", _about(tick, _refusal(error))))
        raise
    except AmanaError as error:
        deps.log.append([_record(deps, "refusal", _about(tick, _refusal(error)))])
        _conclude(deps, tick, _refusal(error))
        return
    _conclude(deps, tick, {"outcome": "done", **_summary(deps.ledger.entries_of(tick.id))})


def settled(deps: ReleaseDeps, tick: Tick, stop: threading.Event) -> Cells | None:
    """Read the cells behind a cut that has passed every stage, None where the tick's patience ends before."""
    deadline = time.monotonic() + tick.patience
    while time.monotonic() < deadline and not stop.is_set():
        deps.log.append(deps.bus.decisions())
        before = deps.bus.settled_ends()
        if before is None or stop.wait(_STILL_SECONDS) or deps.bus.settled_ends() != before:
            continue
        cells = deps.bus.cells()
        if deps.bus.settled_ends() == before:
            return cells
    return None


def finish(deps: ReleaseDeps) -> None:
    """Record, then publish, whatever the ledger holds and the feeds do not."""
    pending = list(deps.ledger.unpublished())
    deps.log.append([_decision(deps, tick, outcome) for _, tick, outcome in pending])
    for number, _, outcome in pending:
        if isinstance(outcome, Publish):
            deps.bus.announce(outcome, deps.policy)
        for region, rows in outcome.feeds.items():
            deps.bus.publish(region, rows)
        deps.ledger.mark_published(number)


def _planned(deps: ReleaseDeps, tick: Tick, stop: threading.Event) -> bool:
    """Enter what a tick releases into the ledger; False where the process was told to stop first."""
    cells = settled(deps, tick, stop)
    if cells is None and stop.is_set():
        return False
    if cells is None:
        raise DisclosureError("DIS-140", f"the stages were not idle within {tick.patience:g} s; nothing is released")
    outcomes = deps.plan(cells, tick.as_of, deps.ledger.earlier())
    deps.ledger.commit(tick.id, tick.position, tick.as_of, (outcomes, cells))
    return True


def _refusal(error: AmanaError) -> dict[str, str]:
    return {"outcome": "refused", "code": error.code, "reason": error.message}


def _conclude(deps: ReleaseDeps, tick: Tick, summary: Mapping[str, str]) -> None:
    deps.bus.report(_record(deps, "calendar", _about(tick, summary)))
    deps.ledger.finish(tick.id, tick.position, tick.as_of, summary)


def _about(tick: Tick, summary: Mapping[str, str]) -> dict[str, str]:
    return {"tick": tick.id, "as_of": tick.as_of.isoformat(), **summary}


def _summary(outcomes: Iterable[ReleaseDecision]) -> dict[str, str]:
    """Count cells of the feeds by population and year; counts of cells, not of persons, and public with the feeds."""
    cells: Counter[tuple[str, int, str]] = Counter()
    withheld = []
    for outcome in outcomes:
        if isinstance(outcome, Withhold):
            withheld.append([outcome.population, outcome.window, outcome.table, outcome.code, outcome.reason])
        for row in (row for rows in outcome.feeds.values() for row in rows):
            cells[outcome.population, outcome.year, row.status] += 1
    lines = [[population, year, status, count] for (population, year, status), count in sorted(cells.items())]
    return {"cells": json.dumps(lines), "withheld": json.dumps(withheld)}


def _decision(deps: ReleaseDeps, tick: str, outcome: ReleaseDecision) -> Decision:
    details = {
        "tick": tick,
        "release": outcome.release,
        "as_of": outcome.as_of.isoformat(),
        "population": outcome.population,
        "window": outcome.window,
        "revision": str(outcome.revision),
        "rows": digest(outcome.feeds),
    }
    if isinstance(outcome, Withhold):
        details |= {"table": outcome.table, "code": outcome.code, "reason": outcome.reason}
        return _record(deps, "refusal", details)
    certificate = {f"certificate.{name}": text for name, text in outcome.certificate.items()}
    return _record(deps, "release", details | {"mode": outcome.mode, "pattern": outcome.pattern} | certificate)


def digest(feeds: Mapping[str, Sequence[TrendRow]]) -> str:
    """Return the SHA-256 of all rows of a release, so that a feed can be held against the audit log."""
    plain = {region: [row.record() for row in rows] for region, rows in feeds.items()}
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _record(deps: ReleaseDeps, action: str, details: Mapping[str, str]) -> Decision:
    hour = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H")
    return Decision(action, ACTOR, deps.policy, deps.code, details=details, at=hour)
