"""The agency's door: publish a file of events.

Decides how the parts of `connectors.ingest` are put together for one agency of a site. Does not decide what a row must
be or how it is sent.

    summary = Publisher(Site.open(), "shelter-lbn").publish(Path("march.csv"), "case")
    summary.accepted, summary.refused, summary.report
"""

import datetime as dt
from pathlib import Path

from amana.site import Site
from connectors.adapters import registry
from connectors.ingest.broker import Broker
from connectors.ingest.envelope import Envelope
from connectors.ingest.publish import Job, Progress, publish
from connectors.ingest.report import Summary
from connectors.ingest.shape import Keys
from schemas import catalogue
from schemas.errors import ConfigurationError
from schemas.sealing import Sealer
from schemas.signing import Signer
from streams import access, topics

__all__ = ["Publisher", "Summary"]


class Publisher:
    """Publishes the files of one agency of a site.

    Raises:
        ConfigurationError: CFG-102, the site has no such agency.
    """

    def __init__(self, site: Site, agency: str) -> None:
        if agency not in site.agencies:
            raise ConfigurationError("CFG-102", f"no such agency; this site has {', '.join(site.agencies)}")
        self._site, self._agency = site, agency

    def publish(
        self, file: Path, kind: str, *, mapping: str | None = None, progress: Progress | None = None
    ) -> Summary:
        """Publish `file`, whose rows are events of `kind`; what an earlier run has published stays as it is.

        Args:
            file: CSV or JSON lines, plain or gzip.
            kind: case, referral, assistance, indicator or activity.
            mapping: name of a shipped mapping; else the file's header decides.
            progress: called with (lines read, lines in all) now and then.

        Raises:
            AmanaError: the file as a whole, the configuration or the broker is at fault (`connectors.ingest.publish`);
                a row that is refused raises nothing and stands in the report.
        """
        if kind not in catalogue.KINDS:
            raise ConfigurationError("CFG-102", f"no such kind; there are {', '.join(catalogue.KINDS)}")
        topic = topics.raw(self._agency, kind)
        partitions = next(one.partitions for one in topics.table([self._agency], []) if one.name == topic)
        settings = self._site.kafka_settings(access.agency_principal(self._agency))
        job = Job(
            agency=self._agency,
            kind=kind,
            file=file,
            folder=self._site.path("publish"),
            keys=Keys(self._site.secret("agencies-shared"), self._site.secret(f"agency/{self._agency}")),
            today=dt.datetime.now(dt.UTC).date(),
            broker=lambda: Broker(settings, topic, partitions),
            envelope=lambda: self._envelope(kind, topic, partitions),
            mapping=mapping,
        )
        return publish(job, progress)

    def _envelope(self, kind: str, topic: str, partitions: int) -> Envelope:
        stem = f"raw.{kind}"
        schema_id = registry.ids(self._site.registry, (stem,)).id_of(stem)
        sealer = Sealer(self._site.public("sealing"))
        signer = Signer(self._site.secret(f"signing/{self._agency}"))
        return Envelope(catalogue.load(stem), schema_id, sealer, signer, topic=topic, partitions=partitions)
