"""Exact counts by cell, for the operator alone.

Purpose: read the topic `cells` and write it as CSV.
Called by: `amana cells`, the demonstration (`amana.demo.run`), tests.

Invariants:
- Two exports of the same cells are the same bytes: rows are sorted.
- The export is disclosive, as it comes before disclosure control: it belongs in `internal/` and nowhere else.
"""

import csv
import io
from collections.abc import Mapping

from kafka.errors import KafkaError

from anonymizer.governance.policy_timeline import PolicyTimeline
from connectors.adapters import cells_topic, topic_reading
from connectors.adapters.cluster import Cluster
from schemas.errors import TransportError
from schemas.identifiers import CubeKey
from streams.core.counting import aggregate, cube

__all__ = ["COLUMNS", "by_agency", "export_text", "read"]

COLUMNS = ("population", "cube", "dimensions", "count")


def read(cluster: Cluster) -> dict[str, int]:
    """Return persons by cell key, from the topic `cells` as it is now.

    Raises:
        TransportError: TRA-030, the broker is out of reach.
        IntegrityError: INT-026 or INT-027, a cell does not open.
    """
    return aggregate.totals(_held(cluster))


def by_agency(cluster: Cluster) -> dict[str, Mapping[str, int]]:
    """Return persons by cell key and agency, from the topic `cells` as it is now; raises as `read`."""
    return {key: cell.counts for key, cell in _held(cluster).items() if cell.counts}


def _held(cluster: Cluster) -> Mapping[CubeKey, aggregate.Cell]:
    """Return the cells that hold, by key."""
    try:
        records = topic_reading.whole(cluster.kafka_settings(), "cells")
        return cells_topic.cells(cluster.seal, records)
    except KafkaError as error:
        raise TransportError("TRA-030", "the broker is out of reach") from error


def export_text(totals: dict[str, int], policies: PolicyTimeline) -> str:
    """Return the CSV: a row per cell, sorted, with the dimensions as `name=value;...` in the policy's order.

    A cell of zero persons is not in `totals` and so not in the CSV.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(sorted(_row(cell, count, policies) for cell, count in totals.items()))
    return text.getvalue()


def _row(cell: str, count: int, policies: PolicyTimeline) -> tuple[str, str, str, int]:
    population, name, values = cube.dimensions_of(cell, policies)
    return population, name, ";".join(f"{dimension}={value}" for dimension, value in values.items()), count
