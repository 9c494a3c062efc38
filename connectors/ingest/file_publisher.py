"""Publishing one file: read, shape, seal, send, each row once.

Decides the order of these steps. What each of them decides stands in its own module.

1. Survey the file; a file that is not readable, or has an unknown column, ends here with nothing sent.
2. Lock the topic, settle what an earlier run left open (`connectors.ingest.files.journal`), on any file of the topic.
3. A row that is on the broker already is passed over, one that is not good is reported, the others fill windows.
4. A window is planned, sent, acknowledged and written down before the next one.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import filelock

from connectors.ingest.event.envelope import Envelope, Sendable
from connectors.ingest.event.row_to_event import AgencyKeys, RowShaper
from connectors.ingest.files import mapping as mappings
from connectors.ingest.files import row_reader
from connectors.ingest.files.journal import Journal
from connectors.ingest.files.publish_report import PublishReport, PublishSummary
from connectors.ingest.sinks.kafka_sink import WINDOW_BYTES, WINDOW_ROWS, KafkaSink
from schemas.errors import ConfigurationError, ContractError

__all__ = ["Progress", "PublishJob", "publish"]

Progress = Callable[[int, int], None]
"""Called with (lines read, lines in all)."""

_DIGEST_SHOWN = 16


@dataclass(frozen=True, slots=True, repr=False)
class PublishJob:
    """Everything one publication needs: who, what, with which keys, and where its journal and report go."""

    agency: str
    kind: str
    file: Path
    folder: Path
    keys: AgencyKeys
    today: date
    broker: Callable[[], KafkaSink]
    envelope: Callable[[], Envelope]
    mapping: str | None = None

    def path(self, digest: str, ending: str) -> Path:
        """Return the path of this file's journal or report."""
        return self.folder / f"{self.agency}.{self.kind}.{digest[:_DIGEST_SHOWN]}.{ending}"


def publish(job: PublishJob, progress: Progress | None = None) -> PublishSummary:
    """Publish a file; rows that are on the broker already stay as they are.

    Raises:
        ConfigurationError: CFG-100 to CFG-103, the file or the mapping; CFG-111, a publisher is at work on this topic;
            CFG-112, the journal or report cannot be written.
        ContractError: CON-100 to CON-105, the file as a whole is refused.
        TransportError: TRA-110; what was acknowledged is written down, and the same command goes on from there.
        IntegrityError: INT-116 to INT-118, the journal and the topic contradict each other.
    """
    started = time.monotonic()
    source = row_reader.survey(job.file)
    found = mappings.choose(source, job.kind, job.mapping)
    shaper = RowShaper(job.agency, job.kind, found, keys=job.keys, today=job.today).of(source)
    report = PublishReport(job.path(source.digest, "report.jsonl"))
    try:
        job.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _send(job, source, shaper, found.label, report, progress)
        report.write()
    except OSError as error:
        raise ConfigurationError("CFG-112", f"journal or report cannot be written: {error.strerror}") from error
    counts = report.statuses
    return PublishSummary(
        job.agency, job.kind, found.label, source.digest, counts.total(),
        counts["accepted"], counts["already"], counts["refused"], report.refusals, report.path,
        time.monotonic() - started,
    )  # fmt: skip


def _send(
    job: PublishJob,
    source: row_reader.SourceFile,
    shaper: RowShaper,
    label: str,
    report: PublishReport,
    progress: Progress | None,
) -> None:
    """Steps 2 to 4."""
    with ExitStack() as stack:
        stack.enter_context(_locked(job))
        broker = stack.enter_context(job.broker())
        _settle_others(job, broker, source.digest)
        head = {"agency": job.agency, "kind": job.kind, "file": source.digest, "mapping": label}
        journal = stack.enter_context(closing(Journal.open(job.path(source.digest, "journal"), head)))
        journal.settle(broker.quiet_ends() if journal.open_plan else broker.ends())
        _Run(journal, broker, report).all(_wrapped(shaper, job.envelope(), source, report, journal, progress))


def _locked(job: PublishJob) -> filelock.FileLock:
    """Hold the topic for this publisher alone; the lock dies with the process."""
    lock = filelock.FileLock(job.folder / f".{job.agency}.{job.kind}.lock", timeout=0)
    try:
        lock.acquire()
    except filelock.Timeout:
        raise ConfigurationError("CFG-111", "another publisher is at work for this agency and kind") from None
    return lock


def _settle_others(job: PublishJob, broker: KafkaSink, digest: str) -> None:
    """Settle what earlier runs on other files of this topic left open: this run moves the end offsets."""
    own = job.path(digest, "journal")
    for path in sorted(job.folder.glob(f"{job.agency}.{job.kind}.*.journal")):
        if path != own and Journal.ends_open(path):
            with closing(Journal.open(path)) as journal:
                journal.settle(broker.quiet_ends())


def _wrapped(
    shaper: RowShaper,
    envelope: Envelope,
    source: row_reader.SourceFile,
    report: PublishReport,
    journal: Journal,
    progress: Progress | None,
) -> Iterator[Sendable]:
    """Yield what is to be sent; report the rest."""
    published = dict(journal.published)  # as it was at the start: what this run publishes is not `already`
    for count, row in enumerate(row_reader.rows(source)):
        if progress and not count % 500:
            progress(row.line, source.lines)
        if place := published.get(row.line):
            report.published(row.line, *place, already=True)
            continue
        try:
            yield envelope.wrap(shaper.shape(row), row.line)
        except ContractError as fault:
            report.refused(row.line, fault)
    if progress:
        progress(source.lines, source.lines)


@dataclass(slots=True)
class _Run:
    """One publication under way."""

    journal: Journal
    broker: KafkaSink
    report: PublishReport

    def all(self, rows: Iterator[Sendable]) -> None:
        """Send everything, window by window."""
        ends = self.broker.ends()
        for window in _windows(rows):
            lines: dict[int, list[int]] = {}
            for row in window:
                lines.setdefault(row.partition, []).append(row.line)
            self.journal.plan({partition: (ends[partition], these) for partition, these in lines.items()})
            offsets = self.broker.send(window)
            self.journal.done(offsets)
            for partition, these in lines.items():
                ends[partition] = offsets[partition][-1] + 1
                for line, offset in zip(these, offsets[partition], strict=True):
                    self.report.published(line, partition, offset, already=False)


def _windows(rows: Iterator[Sendable]) -> Iterator[list[Sendable]]:
    window: list[Sendable] = []
    size = 0
    for row in rows:
        cost = len(row.key) + len(row.value)
        if window and (len(window) == WINDOW_ROWS or size + cost > WINDOW_BYTES):
            yield window
            window, size = [], 0
        window.append(row)
        size += cost
    if window:
        yield window
