"""Exact counts by cell, for the operator alone.

Purpose: read the topic `cells` and write it as CSV.
Called by: `amana cells`, the demonstration (`amana.demo.run`), tests.

Invariants:
- Two exports of the same cells are the same bytes: rows are sorted.
- The export is disclosive, as it comes before disclosure control: it belongs in `internal/` and nowhere else.
"""

import csv
import io

from kafka.errors import KafkaError

from anonymizer.policy import Policy
from connectors.adapters import schema_ids, topic_reading
from connectors.adapters.cluster import Cluster
from schemas import codec, limits
from schemas.errors import TransportError
from streams.core.counting import aggregate, cube

__all__ = ["COLUMNS", "export_text", "read"]

COLUMNS = ("population", "cube", "dimensions", "count")


def read(cluster: Cluster) -> dict[str, int]:
    """Return persons by cell key, from the topic `cells` as it is now.

    Raises:
        TransportError: TRA-030, the broker is out of reach.
    """
    readable = schema_ids.allow_list(cluster.schema_ids, ["cell"]).allowed("cell")
    entries = []
    try:
        # Several workers may have written the same cell, each under its own epoch: `merge` takes the value that
        # includes the most deltas.
        for record in topic_reading.whole(cluster.kafka_settings(), "cells"):
            cell = None if record.value is None else codec.decode(record.value, readable, limits.INTERNAL)
            entries.append((record.key.decode(), None if cell is None else aggregate.Cell.from_record(cell)))
    except KafkaError as error:
        raise TransportError("TRA-030", "the broker is out of reach") from error
    return aggregate.totals(aggregate.merge(entries))


def export_text(totals: dict[str, int], policy: Policy) -> str:
    """Return the CSV: a row per cell, sorted, with the dimensions as `name=value;...` in the policy's order.

    A cell of zero persons is not in `totals` and so not in the CSV.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(sorted(_row(cell, count, policy) for cell, count in totals.items()))
    return text.getvalue()


def _row(cell: str, count: int, policy: Policy) -> tuple[str, str, str, int]:
    population, name, values = cube.dimensions_of(cell, policy)
    return population, name, ";".join(f"{dimension}={value}" for dimension, value in values.items()), count
