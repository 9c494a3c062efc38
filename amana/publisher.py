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
from collections.abc import Sequence
from pathlib import Path

from connectors.adapters import schema_ids
from connectors.ingest import erasure_request
from connectors.ingest.agency_profile import AgencyProfile
from connectors.ingest.event import person_key
from connectors.ingest.event.envelope import Envelope
from connectors.ingest.event.event_builder import AgencyKeys
from connectors.ingest.file_publisher import Progress, PublishJob, publish
from connectors.ingest.files.publish_report import PublishSummary
from connectors.ingest.sinks.kafka_sink import KafkaSink
from schemas import catalogue
from schemas.errors import ConfigurationError
from schemas.identifiers import EventId
from schemas.sealing import Sealer
from schemas.signing import Signer
from streams.broker import topics
from streams.core.counting import erasure_certificate

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
            kind: One of `catalogue.KINDS`.
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
        topic, partitions = topics.raw(agency, kind), topics.RAW_PARTITIONS
        job = PublishJob(
            agency=agency,
            kind=kind,
            file=file,
            folder=self._profile.folder,
            keys=AgencyKeys(self._profile.person_key, self._profile.event_key),
            today=dt.datetime.now(dt.UTC).date(),
            # Both are made only once the file as a whole was read and accepted: a refused file needs no broker.
            sink=lambda: KafkaSink(settings, topic, partitions),
            envelope=lambda: self._envelope(catalogue.load(f"raw.{kind}"), topic, partitions),
            mapping=mapping,
        )
        return publish(job, progress)

    def erase(self, kind: str, own_ids: Sequence[str], *, hashed: bool = False) -> str:
        """Ask the hub to erase events of this agency; asking again changes nothing.

        Args:
            kind: kind of the events.
            own_ids: the agency's own record ids.
            hashed: whether `own_ids` are event ids already.

        Returns:
            The digest by which the certificate names them: `digest_of` of their event ids.

        Raises:
            ConfigurationError: CFG-102, there is no such kind; CFG-110 to CFG-112.
            TransportError: TRA-110, not all was acknowledged: ask again.
        """
        if kind not in catalogue.KINDS:
            raise ConfigurationError("CFG-102", f"there is no such kind: choose {', '.join(catalogue.KINDS)}")
        make = functools.partial(person_key.event_id, self._profile.event_key, kind)
        events = [EventId(one) if hashed else make(one) for one in dict.fromkeys(own_ids)]
        agency, settings = self._profile.agency, self._profile.cluster.kafka_settings()
        topic, partitions = topics.raw(agency, kind), topics.RAW_PARTITIONS
        job = erasure_request.ErasureJob(
            agency,
            kind,
            self._profile.folder,
            sink=lambda: KafkaSink(settings, topic, partitions),
            envelope=lambda: self._envelope(catalogue.load("erasure"), topic, partitions),
        )
        erasure_request.send(job, events)
        return erasure_certificate.digest_of(map(erasure_certificate.name_of, events))

    def _envelope(self, schema: catalogue.Schema, topic: str, partitions: int) -> Envelope:
        """Return the maker of sealed and signed messages, with the agency's keys as they are now."""
        schema_id = schema_ids.allow_list(self._profile.cluster.schema_ids, ("envelope",)).id_of("envelope")
        keys = self._profile.envelope_keys()
        sealer, signer = Sealer(keys.sealing, os.urandom), Signer(keys.signing)
        return Envelope(schema, schema_id, sealer, signer, topic=topic, partitions=partitions)
