"""A reader of everything that a site holds, with all keys of all parties: files as they lie, and every record opened.

Segments are read from the broker's disk, deleted ones included that are still there; what is sealed is opened with
every key that fits, again and again, until nothing sealed is left.
"""

import contextlib
import os
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from kafka.record.memory_records import MemoryRecords

from amana.keys import parties
from amana.site import Site
from connectors.adapters import schema_ids
from schemas import codec, limits, sealing
from schemas.errors import AmanaError
from schemas.opening import Opener
from schemas.record_seal import RecordSeal
from streams.broker import topics

__all__ = ["Scanner"]

_HEADS = (0, 8, 12)
"""Bytes before the sealed part of a record: none, `through`, `through` and revision."""

_LEAST = 8
_DISK = "disk"


class Scanner:
    """Reads a site.

    Args:
        site: the site.
        needles: names, and the bytes that are looked for under them.
        short: as `needles`, too short to be looked for in ciphertext, where they stand by chance.
    """

    def __init__(self, site: Site, needles: Mapping[str, bytes], short: Mapping[str, bytes]) -> None:
        self._site, self._needles, self._short = site, needles, short
        folders = [site.party(party) for party in parties.PARTIES if party != parties.AGENCY_PARTY]
        folders += [site.party(parties.AGENCY_PARTY, agency) for agency in site.agencies]
        scopes = {name: keys for folder in folders for name, keys in folder.scopes().items()}
        self._seal = RecordSeal(scopes, os.urandom)
        self._opener = Opener(site.party("deidentify").sealing_keys())
        self._envelopes = schema_ids.allow_list(site.schema_ids, ["envelope"]).allowed("envelope")

    def found(self) -> Counter[str]:
        """Count what is found, by place and needle: `deidentified.case: token`."""
        hits: Counter[str] = Counter()
        for place, data in self.everything():
            looked_for = self._needles if place == _DISK else {**self._needles, **self._short}
            for name, needle in looked_for.items():
                if needle in data:
                    hits[f"{place}: {name}"] += 1
        return hits

    def everything(self) -> Iterator[tuple[str, bytes]]:
        """Yield the place and the bytes of all there is: files, and in segments every record and what is in it."""
        for path in sorted(self._site.dir.rglob("*")):
            if not path.is_file() or path.is_relative_to(self._site.path("parties")):
                continue
            with contextlib.suppress(FileNotFoundError):  # the broker deletes files meanwhile
                if not path.stat().st_blocks:
                    continue  # an index that the broker has made room for, and not written to
                data = path.read_bytes()
                yield _DISK, data
                if ".log" in path.suffixes and "kafka" in path.parts:
                    yield from self._records(path, data)

    def _records(self, path: Path, data: bytes) -> Iterator[tuple[str, bytes]]:
        topic = path.parent.name.rpartition("-")[0]
        if path.parent.name.startswith("__"):
            return
        batches = MemoryRecords(data)
        while batches.has_next():
            batch = batches.next_batch()
            if batch.is_control_batch:
                continue
            for record in batch:
                for one in self._opened(topic, record.key or b"", record.value or b""):
                    yield topic, one

    def _opened(self, topic: str, key: bytes, value: bytes) -> Iterator[bytes]:
        yield key
        plain = key.partition(b"\0")[0].decode(errors="replace")
        if topics.is_raw(topic):
            yield from self._event(topic, value)
        for head in _HEADS:
            with contextlib.suppress(AmanaError):
                data = self._seal.open(value[head:], topic, plain)
                yield data
                with contextlib.suppress(zlib.error):
                    yield zlib.decompress(data)
                if topic.startswith("quarantine."):
                    yield from self._refused(key, data)
                if topic == topics.REPLAY:
                    yield from self._replayed(key, data)

    def _refused(self, key: bytes, data: bytes) -> Iterator[bytes]:
        entry = codec.decode_inner(data, "quarantine")
        if len(entry["payload"]) > _LEAST:
            payload = self._seal.open(entry["payload"], topics.REPLAY, key.decode())
            yield payload
            yield from self._replayed(key, payload)

    def _replayed(self, key: bytes, payload: bytes) -> Iterator[bytes]:
        agency, kind, *_ = key.decode().split("/")
        yield from self._event(topics.raw(agency, kind), payload)

    def _event(self, topic: str, value: bytes) -> Iterator[bytes]:
        with contextlib.suppress(AmanaError):
            outer = codec.decode(value, self._envelopes, limits.ENVELOPE)
            bound = sealing.bound(topic, outer["event_id"], outer["revision"], outer["schema"])
            yield self._opener.open(outer["key_id"], outer["sealed"], bound)
