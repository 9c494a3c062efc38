"""Publication of a file of events by one agency: the public class `Publisher`.

Purpose: put the parts of `connectors.ingest` together for one agency.
Called by: `amana publish`, `amana.demo`, the package `amana`, and an agency's own program:

    publisher = Publisher(Site.open().agency_profile("shelter-lbn"))
    summary = publisher.publish(Path("march.csv"), "case")
    summary.accepted, summary.refused, summary.report

Invariants:
- It holds the keys of one agency, and the person key that all agencies share.
- A second run publishes nothing that an earlier one published (`connectors.ingest.file_publisher`).
"""

import datetime as dt
import functools
import os
from pathlib import Path

from connectors.adapters import schema_ids
from connectors.ingest.agency_profile import AgencyProfile
from connectors.ingest.event.envelope import Envelope
from connectors.ingest.event.event_builder import AgencyKeys
from connectors.ingest.file_publisher import Progress, PublishJob, publish
from connectors.ingest.files.publish_report import PublishSummary
from connectors.ingest.sinks.kafka_sink import KafkaSink
from schemas import catalogue
from schemas.errors import ConfigurationError
from schemas.sealing import Sealer
from schemas.signing import Signer
from streams.broker import topics

__all__ = ["PublishSummary", "Publisher"]


class Publisher:
    """Publishes the files of one agency."""

    def __init__(self, profile: AgencyProfile) -> None:
        """Take the agency's profile."""
        self._profile = profile

    def publish(
        self, file: Path, kind: str, *, mapping: str | None = None, progress: Progress | None = None
    ) -> PublishSummary:
        """Publish `file`, whose rows are events of `kind`; a row that an earlier run published is not published again.

        Args:
            file: CSV or JSON lines, plain or gzip.
            kind: case, referral, assistance, indicator or activity.
            mapping: name of a shipped mapping; else the file's header decides.
            progress: called now and then with the number of lines read, and of all lines.

        Returns:
            The counts of rows by result, and the path of the report, which lists every refused row.

        Raises:
            ConfigurationError: CFG-102, there is no such kind.
            AmanaError: the file as a whole, the configuration or the broker is at fault
                (`connectors.ingest.file_publisher`). A row that is refused raises nothing.
        """
        if kind not in catalogue.KINDS:
            raise ConfigurationError("CFG-102", f"there is no such kind: choose {', '.join(catalogue.KINDS)}")
        agency, settings = self._profile.agency, self._profile.cluster.kafka_settings()
        topic = topics.raw(agency, kind)
        partitions = next(listed.partitions for listed in topics.all_topics([agency], []) if listed.name == topic)
        ids = self._profile.cluster.schema_ids
        envelope_id = functools.cache(lambda: schema_ids.allow_list(ids, ("envelope",)).id_of("envelope"))
        job = PublishJob(
            agency=agency,
            kind=kind,
            file=file,
            folder=self._profile.folder,
            keys=AgencyKeys(self._profile.person_key, self._profile.event_key),
            today=dt.datetime.now(dt.UTC).date(),
            # Both are made only once the file as a whole was read and accepted: a refused file needs no broker.
            sink=lambda: KafkaSink(settings, topic, partitions),
            envelope=lambda: self._envelope(kind, envelope_id(), topic, partitions),
            mapping=mapping,
        )
        return publish(job, progress)

    def _envelope(self, kind: str, schema_id: int, topic: str, partitions: int) -> Envelope:
        """Return the maker of sealed and signed messages, with the agency's keys as they are now."""
        keys = self._profile.envelope_keys()
        sealer, signer = Sealer(keys.sealing, os.urandom), Signer(keys.signing)
        return Envelope(catalogue.load(f"raw.{kind}"), schema_id, sealer, signer, topic=topic, partitions=partitions)
