"""The demonstration from start to finish, through the interfaces that agencies, operators, analysts and officers use.

Purpose: run the whole product once, unattended, and leave its results in a folder. Every step is the product's own:
this module counts, protects and draws nothing.
Called by: `amana demo`, the end-to-end tests.

1. Start broker, registry and workers, while the input is invented or a real file is divided.
2. Publish every file as its agency.
3. Wait until the stages are idle, and record the outcome of every published record.
4. Release what is due, while the operator exports the exact cells.
5. Read the trends and charts as an analyst, and verify the audit log as an officer.
6. Write the report, whose rows must reconcile to a difference of zero.

Invariants:
- A folder that holds anything but an earlier demonstration is refused (CFG-062), never cleared.
- The input, and below `internal/` the export of exact cells and the figures by agency, can be read by their owner
  alone.
"""

import concurrent.futures
import contextlib
import csv
import datetime as dt
import io
import json
import multiprocessing
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from amana.demo import arrivals, demo_outputs, input_split, progress_bar
from amana.demo.demo_report import DemoReport
from amana.demo.simulation.generator import simulate
from amana.local import played_officers, runtime
from amana.publisher import Publisher, PublishSummary
from amana.site import Site
from amana.site_file import DEFAULT_AGENCIES
from connectors.adapters import local_files
from connectors.operations import calendar_tick, exact_cells
from schemas.errors import ConfigurationError, TransportError
from streams.broker import access

__all__ = ["EVENTS", "RELEASE_DATE", "SEED", "Demo"]

EVENTS: Final = 20_000
SEED: Final = 2025
RELEASE_DATE: Final = dt.date(2025, 1, 15)
"""The invented region reports 2023 and 2024: on this day the last quarter's and the year's first publications are
due."""

_PUBLISHERS: Final = 2
_IDLE_SECONDS: Final = 1200.0
_RELEASE_SECONDS: Final = 900.0
_MARK: Final = ".amana-demo"

Say = Callable[[str], None]


@dataclass(slots=True)
class Demo:
    """One run of the demonstration.

    Args:
        out: folder for the results.
        source: a real file of cases; None for the invented region.
        say: called with each line of progress.
        report: the figures, filled in by `run`.
        withheld: the tables that were not released, filled in by `run`.
    """

    out: Path
    source: Path | None = None
    say: Say = print
    report: DemoReport = field(default_factory=DemoReport)
    withheld: tuple[calendar_tick.WithheldTable, ...] = ()

    def run(self) -> DemoReport:
        """Run the steps of the module and return the report.

        Raises:
            AmanaError: the fault of the first step that failed.
        """
        if self.source is not None:
            input_split.demand_readable(self.source)
        # A real file may hold any years: without a date on the calendar no event of it is late.
        as_of = RELEASE_DATE if self.source is None else None
        with (
            _writable(self.out),
            concurrent.futures.ThreadPoolExecutor(1) as beside,
            contextlib.ExitStack() as stack,
        ):
            _clear(self.out)
            # 1. The input is written while the servers start. The system itself starts in this thread, to which the
            # lives of its processes are tied.
            prepared = beside.submit(self._input)
            with self._timed("start", "input, broker, registry, workers"):
                site = stack.enter_context(runtime.running(self.out / "site", as_of=as_of))
                files = prepared.result()
            keys = site.path(played_officers.FOLDER)
            self.say(f"policy: signed by two officers who are played here, with one folder each in {keys}")
            self._process(site, files)
            self._release(site, beside)
            # 5. Only the public interfaces: what an analyst or an officer cannot read is not in the results either.
            with self._timed("draw", "trends and charts"):
                demo_outputs.trends(site, self.out)
            with self._timed("verify", "audit log"):
                entries = demo_outputs.audit(site, self.out)
            self.say(f"audit log: {entries} entries verified offline")
            # 6. The figures by agency are internal.
            local_files.write_regular(self.out / "report.json", _json(self.report.as_dict()))
            local_files.write_private(self.out / "internal" / "report.json", _json(self.report.by_agency()))
        return self.report

    def _process(self, site: Site, files: Mapping[tuple[str, str], Path]) -> None:
        """Publish the files, and wait for the outcomes of their records.

        Raises:
            TransportError: TRA-060, the stages are not idle in time.
        """
        # 2. Publish.
        with self._timed("publish", "agencies publish"):
            for summary in progress_bar.over(_publish(site.dir, files), len(files)):
                self.report.account(summary.agency).add_publication(summary)
        # 3. A release needs idle stages; outcomes are final only then.
        with self._timed("count", "de-identify, dedupe, aggregate"):
            tally = progress_bar.until_idle(site.cluster(access.OPERATOR), _IDLE_SECONDS)
            if not tally.is_idle:
                raise TransportError(
                    "TRA-060", f"the stages are not idle after {_IDLE_SECONDS:.0f} s: see {site.dir}/logs"
                )
        for (agency, _), outcomes in tally.outcomes.items():
            self.report.account(agency).add_outcomes(outcomes)

    def _release(self, site: Site, beside: concurrent.futures.Executor) -> None:
        """Release what is due; meanwhile the operator exports the exact counts.

        Raises:
            TransportError: TRA-061, the release process refuses the request.
        """
        # 4. The release waits for its solvers and the export for the broker, so they run side by side.
        with self._timed("release", "release"):
            export = beside.submit(self._export_cells, site)
            answer = calendar_tick.request(site.cluster(access.OPERATOR), RELEASE_DATE, patience=_RELEASE_SECONDS)
            if answer.code:
                raise TransportError("TRA-061", f"nothing was released ({answer.code}: {answer.reason})")
            export.result()
        self.withheld = answer.withheld
        for line in answer.lines:
            self.report.released += line.released
            self.report.suppressed += line.suppressed
            self.report.withheld += line.withheld

    def _export_cells(self, site: Site) -> None:
        """Write the exact counts to a folder that their owner alone can read, and count the de-identified records."""
        internal = self.out / "internal"
        internal.mkdir(mode=0o700)
        text = exact_cells.export_text(exact_cells.read(site.cluster(access.OPERATOR)), site.policies())
        local_files.write_private(internal / "cells.csv", text)
        self.report.cells = sum(1 for _ in csv.reader(io.StringIO(text))) - 1
        self.report.deidentified = arrivals.count(site.cluster(access.OPERATOR))

    def _input(self) -> dict[tuple[str, str], Path]:
        """Write the files of the agencies, invented or divided from the real one; return (agency, kind) → file."""
        folder = self.out / "input"
        if self.source is not None:
            parts = input_split.divide(self.source, DEFAULT_AGENCIES, folder)
            return {(agency, "case"): part for agency, part in parts.items()}
        simulate(EVENTS, SEED, folder)
        files = {}
        for path in sorted(folder.glob("*.*.jsonl")):
            agency, kind, _ = path.name.split(".")
            files[agency, kind] = path
        return files

    @contextlib.contextmanager
    def _timed(self, stage: str, words: str) -> Iterator[None]:
        """Announce a stage of the demonstration, and record the seconds that it takes."""
        self.say(f"{words} …")
        begun = time.monotonic()
        yield
        self.report.seconds[stage] = time.monotonic() - begun
        self.say(f"  {stage}: {self.report.seconds[stage]:.1f} s")


def _publish(home: Path, files: Mapping[tuple[str, str], Path]) -> Iterator[PublishSummary]:
    """Publish every file, the largest first, from two processes; yield the summaries in that order."""
    order = sorted(files, key=lambda agency_and_kind: -files[agency_and_kind].stat().st_size)
    # Spawned: this process has threads, and a fork would copy their locks.
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(_PUBLISHERS, mp_context=context) as pool:
        tasks = [pool.submit(_publish_one, home, agency, kind, files[agency, kind]) for agency, kind in order]
        for task in tasks:
            yield task.result()


def _publish_one(home: Path, agency: str, kind: str, file: Path) -> PublishSummary:
    """Publish one file in a process of the pool: a `Site` with secrets is opened there and not sent."""
    return Publisher(Site.open(home).agency_profile(agency)).publish(file, kind)


@contextlib.contextmanager
def _writable(out: Path) -> Iterator[None]:
    """Turn an error of the disk into CFG-061."""
    try:
        yield
    except OSError as error:
        raise ConfigurationError("CFG-061", f"{out} cannot be written: {error.strerror or 'unknown'}") from error


def _clear(out: Path) -> None:
    """Delete the results of an earlier demo.

    Raises:
        ConfigurationError: CFG-062, the folder holds anything else.
    """
    # Only a folder with the mark of a demo is deleted: a mistyped --out must not cost anybody their files.
    if out.exists() and (not out.is_dir() or (any(out.iterdir()) and not (out / _MARK).exists())):
        raise ConfigurationError("CFG-062", f"{out} does not hold the results of a demo: name another folder")
    if out.exists():
        shutil.rmtree(out)
    out.mkdir(parents=True)
    (out / _MARK).touch()


def _json(document: Any) -> str:  # noqa: ANN401 - JSON
    return json.dumps(document, indent=1) + "\n"
