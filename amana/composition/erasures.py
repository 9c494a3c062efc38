"""Erasures of a site: what the stages have taken out is removed from the disks, and certified in the audit log.

Purpose: bring the notes of the de-identifier, the quarantine, the brokers and the topic `audit` together.
Called by: `amana erase status` and `amana erase finish`.

1. Wait until every stage has passed the requests.
2. Drop the refused records of the events from quarantine.
3. Write the last tombstones: of the records that told dedupe. Let dedupe forget the events, and aggregate the cells
   that count nobody any more.
4. Let the brokers delete, until nothing is left (`connectors.operations.removal`).
5. Write one certificate for each agency and kind, and clear the notes.

Invariants:
- A certificate is written only after everything was found to be gone; after a crash before it, all is done again.
- A request that was taken less than an hour ago waits for the next run: raw records of an agency that publishes nothing
  more are deleted by their age.
"""

import datetime as dt
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from amana.composition.code_version import code_version
from amana.composition.quarantine_access import opening_keys, quarantine_access
from amana.provisioning import cluster_setup
from amana.site import Site
from connectors.adapters import topic_reading
from connectors.operations import empty_cells, erased_persons, erasure_notes, operator_record, quarantine_entries
from connectors.operations.erasure_notes import ErasureNote
from connectors.operations.removal import Pace, Removal
from schemas import catalogue
from schemas.record_seal import EVIDENCE
from streams.broker import access, topics
from streams.core.counting import erasure, erasure_certificate
from streams.transparency.decision import Decision

__all__ = ["finish", "waiting"]


def waiting(site: Site) -> list[ErasureNote]:
    """Return the requests whose records were not removed yet, in their order."""
    return erasure_notes.read(site.cluster(access.OPERATOR))


def finish(site: Site, pace: Pace | None = None) -> list[Mapping[str, str]]:
    """Remove the records of erased events from the disks, and write the certificates.

    Returns:
        The certificates, by agency and kind.

    Raises:
        TransportError: TRA-172, a stage stands still; TRA-173, the brokers did not delete in time: nothing is
            certified, and the next run goes on.
        ConfigurationError: CFG-005, an agency has refused records, and the folder of the de-identifier is elsewhere.
    """
    pace = pace or Pace()
    ready = [note for note in waiting(site) if time.time() * 1000 - note.at_ms >= pace.idle_ms]
    if not ready:
        return []
    with cluster_setup.admin_of(site) as admin:
        removal = Removal(admin, site.cluster(access.ADMIN).kafka_settings(), pace)
        # 1. Wait.
        passed = removal.wait_passed(site.agencies)
        # 2. Drop.
        _drop_refused(site, ready)
        # 3. Tombstones.
        removal.send(tombstone for note in ready for tombstone in note.tombstones)
        operator, whole = site.cluster(access.OPERATOR), site.cluster(access.ADMIN).kafka_settings()
        removal.send(erased_persons.requests(operator.seal, topic_reading.whole(whole, "state.dedupe")))
        removal.send(empty_cells.requests(operator.seal, topic_reading.whole(whole, "cells"), passed))
        removal.wait_passed(site.agencies)
        # 4. Remove.
        table = {topic.name: topic for topic in cluster_setup.topic_table(site)}
        cut, compacted = _topics_of(ready)
        removal.remove([table[name] for name in cut], [table[name] for name in compacted])
        # 5. Certify.
        certificates = list(_certificates(ready))
        policy = site.policy().digest
        for details in certificates:
            decision = Decision("erasure", access.OPERATOR, policy, code_version(), details=details)
            operator_record.send(site.cluster(access.OPERATOR), decision)
        removal.send((topics.ERASURES, 0, note.key.encode(), None) for note in ready)
    return certificates


def _topics_of(notes: Sequence[ErasureNote]) -> tuple[list[str], list[str]]:
    """Return the names of the topics that are cut off, and of those that are compacted."""
    kinds, agencies = {note.kind for note in notes}, {note.agency for note in notes}
    raw = {topics.raw(note.agency, note.kind) for note in notes}
    kept = {*map(topics.deidentified, kinds), *map(topics.quarantine, agencies)}
    # The topic of the first kind tells dedupe what to forget, whatever the kind.
    kept.add(topics.deidentified(catalogue.KINDS[0]))
    return [*sorted(raw), topics.REPLAY, "deltas"], [*sorted(kept), "state.deidentify", "state.dedupe", "cells"]


def _drop_refused(site: Site, notes: Sequence[ErasureNote]) -> None:
    """Drop the refused records of erased events from quarantine; the audit log records each."""
    operator = quarantine_access(site)
    erased = {note.event for note in notes}
    for agency in sorted({note.agency for note in notes}):
        refused = [one for one in quarantine_entries.entries(operator.cluster, agency=agency) if one.payload]
        if not refused:
            continue
        keys, index = opening_keys(site), operator.cluster.seal.index
        found = []
        for entry in refused:
            event = quarantine_entries.event_of(operator, keys, entry)
            if event is not None and index(EVIDENCE, erasure.event_text(agency, entry.kind, event)) in erased:
                found.append(entry)
        if found:
            quarantine_entries.drop(operator, found)


def _certificates(notes: Sequence[ErasureNote]) -> Iterator[Mapping[str, str]]:
    """Yield the certificate of each agency and kind."""
    groups: defaultdict[tuple[str, str], list[ErasureNote]] = defaultdict(list)
    for note in notes:
        groups[note.agency, note.kind].append(note)
    gone = _hour(time.time())
    for (agency, kind), group in sorted(groups.items()):
        requested = _hour(min(note.at_ms for note in group) / 1000)
        names = [note.digest for note in group]
        yield erasure_certificate.certificate(agency, kind, names, requested=requested, gone=gone)


def _hour(seconds: float) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%dT%H")
