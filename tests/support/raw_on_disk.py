"""Raw records on a copy of a broker's disk, and how many of them the keys in some folders open.

It reads segments with the client's own parser, and tries every private key, whatever its file is called.
"""

import contextlib
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from kafka.record import MemoryRecords

from amana.site import Site
from schemas import catalogue, codec, sealing
from schemas.errors import ContractError
from schemas.opening import Opener

__all__ = ["Copy"]

_WIRE_HEADER = 5


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy of a site's raw topics and of the folders of all parties, as they were at one moment."""

    home: Path

    @classmethod
    def of(cls, site: Site, home: Path) -> Self:
        """Copy; segments may be appended to meanwhile."""
        for folder in site.path("kafka", "data").glob("raw.*"):
            shutil.copytree(folder, home / "data" / folder.name, ignore=shutil.ignore_patterns("*index"))
        shutil.copytree(site.path("parties"), home / "parties")
        return cls(home)

    def key_ids(self) -> set[str]:
        """Return the id of every key that a record was sealed to."""
        return {outer["key_id"] for _, outer in self._envelopes()}

    def records(self, key_id: str) -> list[tuple[str, dict[str, Any]]]:
        """Return topic and envelope of every record that was sealed to a key."""
        return [(topic, outer) for topic, outer in self._envelopes() if outer["key_id"] == key_id]

    def privates(self) -> list[bytes]:
        """Return every private key that could open one, from every file of every party."""
        found = []
        for path in self.home.joinpath("parties").rglob("*"):
            if path.is_file():
                with contextlib.suppress(ValueError):
                    key = bytes.fromhex(path.read_text(encoding="ascii"))
                    found += [key] if len(key) == sealing.PRIVATE_BYTES else []
        return found

    def opened(self, records: Sequence[tuple[str, dict[str, Any]]]) -> int:
        """Return how many of the records any of the keys opens."""
        openers = {sealing.key_id_of(sealing.public_key_of(key)): Opener([key]) for key in self.privates()}
        return sum(any(_opens(*one, *record) for one in openers.items()) for record in records)

    def _envelopes(self) -> Iterator[tuple[str, dict[str, Any]]]:
        schema = catalogue.load("envelope")
        for segment in sorted(self.home.joinpath("data").glob("raw.*/*.log")):
            topic = segment.parent.name.rpartition("-")[0]
            batches = MemoryRecords(segment.read_bytes())
            while (batch := batches.next_batch()) is not None:
                for record in batch:
                    if record.value:
                        yield topic, codec.decode_body(record.value[_WIRE_HEADER:], schema.parsed)


def _opens(own: str, opener: Opener, topic: str, outer: dict[str, Any]) -> bool:
    """Tell whether a private key opens a record, taken for the key that it was sealed to."""
    bound = sealing.bound(topic, outer["event_id"], outer["revision"], outer["schema"])
    with contextlib.suppress(ContractError):
        return bool(opener.open(own, outer["sealed"], bound))
    return False
