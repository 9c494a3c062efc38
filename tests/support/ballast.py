"""Cells that no event counts in, by which aggregate's changelog grows, and what the broker says of its compaction."""

import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from kafka import KafkaAdminClient
from kafka import admin as kafka_admin

from amana.site import Site
from schemas.identifiers import CubeKey
from schemas.record_seal import RecordSeal
from streams.broker import topics
from streams.broker.partitions import partition_of
from streams.core.counting import aggregate as rules
from streams.core.counting import state_value
from streams.runtime import outbox
from streams.runtime.stage import Output
from streams.stages import aggregate
from tests.support import flow

__all__ = ["cells", "compact_at_once", "compacted", "key", "members", "send"]

_ADMIN: Final = "admin"
_PART: Final = 20_000
YEAR: Final = "2024"


def key(n: int) -> str:
    """Return the key of cell `n`: as long as others, of a population that there is not."""
    return f"ballast|profile|TIP|possible|LBN|2024-{1 + n % 12:02}|F|18--20|forced-labour-{n}"


def cells(seal: RecordSeal, first: int, end: int, epoch: str = "0" * 16) -> Iterator[Output]:
    """Make the changelog entries of the cells from `first` to `end`, as an incarnation `epoch` would have left them."""
    for n in range(first, end):
        counts = dict.fromkeys(flow.AGENCIES[: 1 + n % 3], 1 + n % 7)
        marks = {f"case/{source}": (n % 1000, 0) for source in range(topics.PARTITIONS)}
        cell, place = rules.Cell(CubeKey(key(n)), counts, marks, 0), seal.index(YEAR, key(n))
        value = state_value.prefixed(cell.through, seal.write("cell", YEAR, cell.as_record(), aggregate.CELLS, place))
        entry = place.encode() + rules.SEPARATOR.encode() + epoch.encode()
        yield Output(aggregate.CELLS, partition_of(key(n).encode(), topics.PARTITIONS), entry, value)


async def send(site: Site, outputs: Iterator[Output]) -> None:
    """Write `outputs`, part by part."""
    box = await outbox.Outbox(site.cluster(_ADMIN).kafka_settings(), "ballast").start()
    try:
        while part := list(itertools.islice(outputs, _PART)):
            await box.send(part)
    finally:
        await box.stop()


def compact_at_once(site: Site) -> None:
    """Let the broker compact the topic `cells` whenever anything of it could be."""
    often = {
        "segment.ms": "1000",
        "segment.bytes": "4194304",
        "min.cleanable.dirty.ratio": "0.01",
        "delete.retention.ms": "0",
        "max.compaction.lag.ms": "1000",
    }
    admin = KafkaAdminClient(**site.cluster(_ADMIN).kafka_settings())
    try:
        admin.alter_configs([kafka_admin.ConfigResource("TOPIC", aggregate.CELLS, configs=often)])
    finally:
        admin.close()


def compacted(site: Site) -> Mapping[int, tuple[int, int]]:
    """Return, by partition of `cells`, up to which offset the broker has compacted, and the bytes of its segments."""
    data = site.path("kafka", "data")
    lines = (data / "cleaner-offset-checkpoint").read_text(encoding="ascii").splitlines()[2:]
    reached = {int(n): int(at) for topic, n, at in map(str.split, lines) if topic == aggregate.CELLS}
    return {n: (reached.get(n, 0), _bytes(data / f"{aggregate.CELLS}-{n}")) for n in range(topics.PARTITIONS)}


def _bytes(folder: Path) -> int:
    return sum(one.stat().st_size for one in folder.glob("*.log"))


def members(site: Site, group: str) -> Mapping[str, frozenset[int]]:
    """Return a group's members by id, a process that begins anew under another, each with its partitions of deltas."""
    admin = KafkaAdminClient(**site.cluster(_ADMIN).kafka_settings())
    try:
        found = admin.describe_groups([group])[group]["members"]
    finally:
        admin.close()
    return {one["member_id"]: _deltas(one["member_assignment"]) for one in found}


def _deltas(assignment: Any) -> frozenset[int]:  # noqa: ANN401 - kafka-python has no type for it
    assigned = assignment["assigned_partitions"] if assignment else ()
    return frozenset(n for one in assigned if one["topic"] == "deltas" for n in one["partitions"])
