"""Publication of one file: read, convert, seal, send, so that each row is on its topic once.

Purpose: the order of these steps, and the recovery of a publication that was interrupted.
Called by: `amana.publisher`.

1. Survey the file. One that is not readable, or has an unknown column, ends here, and nothing is sent.
2. Lock the topic against a second publisher; settle what an earlier run left open, for any file of the topic.
3. Go through the rows: pass over one that is published already, report one that is refused, wrap the others.
4. Per window: write the plan to the journal, send, wait, write the offsets to the journal.
5. Write the report.

Invariants:
- A publisher that dies at any instant, and is started again, publishes no row twice and leaves none out; the journal
  says why (`connectors.ingest.files.journal`).
- Nothing is sent of a file that is refused as a whole.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from connectors.ingest import topic_turn
from connectors.ingest.event.envelope import Envelope, Sendable
from connectors.ingest.event.event_builder import AgencyKeys, EventBuilder
from connectors.ingest.files import column_mapping, row_reader
from connectors.ingest.files.journal import Journal
from connectors.ingest.files.publish_report import PublishReport, PublishSummary
from connectors.ingest.files.row_reader import SourceFile
from connectors.ingest.files.row_to_event import RowConverter
from connectors.ingest.sinks.sink import Sink, windows
from schemas.errors import ConfigurationError, ContractError
from schemas.sealing import RUN

__all__ = ["Progress", "PublishJob", "publish"]

Progress = Callable[[int, int], None]
"""Called with (lines read, lines in all)."""

_DIGEST_SHOWN = 16
_PROGRESS_ROWS = 500


@dataclass(frozen=True, slots=True, repr=False)
class PublishJob:
    """Everything that one publication needs.

    Args:
        agency: id of the agency that publishes.
        kind: kind of the events, one of `catalogue.KINDS`.
        file: the file; CSV or JSON lines, plain or gzip.
        folder: place of journals, reports and locks.
        keys: keys of event ids and person keys.
        today: the last date that is not in the future.
        sink: opens the topic of agency and kind.
        envelope: makes that topic's envelope with the keys as they are; asked after the lock is held, and again for
            every run of rows, since keys may be replaced while a long file is published.
        mapping: name of a shipped column mapping; None lets the file's header decide.
    """

    agency: str
    kind: str
    file: Path
    folder: Path
    keys: AgencyKeys
    today: date
    sink: Callable[[], Sink]
    envelope: Callable[[], Envelope]
    mapping: str | None = None

    def path(self, digest: str, ending: str) -> Path:
        """Return the path of the journal or report of the file with this digest."""
        return self.folder / f"{self.agency}.{self.kind}.{digest[:_DIGEST_SHOWN]}.{ending}"


def publish(job: PublishJob, progress: Progress | None = None) -> PublishSummary:
    """Publish a file; rows that an earlier run has published stay as they are.

    Raises:
        ConfigurationError: CFG-100 to CFG-103, the file or the mapping; CFG-110, the agency may not write to the topic;
            CFG-111, another publisher holds the topic; CFG-112, the journal or report cannot be written.
        ContractError: CON-100 to CON-107, the file as a whole is refused.
        TransportError: TRA-110; what was acknowledged is in the journal, and the same command goes on from there.
        IntegrityError: INT-116 to INT-118, the journal and the topic contradict each other.
    """
    started = time.monotonic()
    # 1. Nothing is locked, written or sent before the whole file has been read once.
    source = row_reader.survey(job.file)
    mapping = column_mapping.choose(source, job.kind, job.mapping)
    builder = EventBuilder(job.agency, job.kind, keys=job.keys, today=job.today)
    converter = RowConverter(source, mapping, builder)
    report = PublishReport(job.path(source.digest, "report.jsonl"))
    try:
        job.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _Publication(job, source, mapping.label, converter, report, progress).run()
        # 5. One that is interrupted before has its state in the journal; the next run writes the whole report.
        report.write()
    except OSError as error:
        raise ConfigurationError("CFG-112", f"journal or report cannot be written: {error.strerror}") from error
    counts = report.statuses
    return PublishSummary(
        job.agency, job.kind, mapping.label, source.digest, counts.total(),
        counts["accepted"], counts["already"], counts["refused"], report.refusals, report.path,
        time.monotonic() - started,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Publication:
    """One surveyed file on its way to its topic, and the report of its rows."""

    job: PublishJob
    source: SourceFile
    mapping: str
    converter: RowConverter
    report: PublishReport
    progress: Progress | None

    def run(self) -> None:
        """Publish the rows that are not published yet (steps 2 to 4)."""
        job, digest = self.job, self.source.digest
        with ExitStack() as stack:
            # 2. The lock comes first: end offsets mean something only while nobody else writes to the topic.
            stack.enter_context(topic_turn.lock(job.folder, job.agency, job.kind))
            sink = stack.enter_context(job.sink())
            own = job.path(digest, "journal")
            topic_turn.settle(job.folder, job.agency, job.kind, sink, without=own)
            head = {"agency": job.agency, "kind": job.kind, "file": digest, "mapping": self.mapping}
            journal = stack.enter_context(closing(Journal.open(own, head)))
            journal.settle(sink.quiet_ends() if journal.open_plan else sink.ends())
            ends = dict(sink.ends())
            for window in windows(self._messages(journal), sink.limit):
                self._send(window, journal, sink, ends)

    def _messages(self, journal: Journal) -> Iterator[Sendable]:
        """Yield a message for each row that is to be sent; report the other rows (step 3)."""
        # A copy, as this run adds its own rows to the journal's: those are accepted now, not published before.
        published_before, envelope = dict(journal.published), self.job.envelope()
        for count, row in enumerate(row_reader.rows(self.source)):
            if self.progress and not count % _PROGRESS_ROWS:
                self.progress(row.line, self.source.lines)
            if count and not count % RUN:
                envelope = self.job.envelope()
            if place := published_before.get(row.line):
                self.report.published(row.line, *place, already=True)
                continue
            try:
                yield envelope.wrap(self.converter.convert(row), row.line)
            except ContractError as fault:
                self.report.refused(row.line, fault)
        if self.progress:
            self.progress(self.source.lines, self.source.lines)

    def _send(self, window: Sequence[Sendable], journal: Journal, sink: Sink, ends: dict[int, int]) -> None:
        """Send one window (step 4); `ends` are the end offsets before it, and are moved past it."""
        refs: dict[int, list[int]] = {}
        for message in window:
            refs.setdefault(message.partition, []).append(message.ref)
        # Planned before it is sent: after a crash the end offsets alone tell whether the window was stored.
        journal.plan({partition: (ends[partition], planned) for partition, planned in refs.items()})
        offsets = sink.send(window)
        journal.done(offsets)
        for partition, sent in refs.items():
            ends[partition] = offsets[partition][-1] + 1
            for line, offset in zip(sent, offsets[partition], strict=True):
                self.report.published(line, partition, offset, already=False)
