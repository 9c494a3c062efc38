"""`amana cells`: the exact counts, for the operator alone.

Decides the form of the export: sorted, so that two runs on the same input give the same bytes. Does not decide what a
cell is. What is exported is disclosive: it belongs in `internal/` and nowhere else.
"""

import csv
import io
import sys
from pathlib import Path
from typing import Annotated

import typer
from kafka.errors import KafkaError

from amana import site as sites
from amana.standing import PRINCIPAL
from anonymizer.policy import Policy
from connectors.adapters import reading, registry
from schemas import codec, limits
from schemas.errors import ConfigurationError, TransportError
from streams.core import aggregate, cube

__all__ = ["COLUMNS", "export_text", "read", "register"]

COLUMNS = ("population", "cube", "dimensions", "count")


def register(app: typer.Typer) -> None:
    """Add `cells`."""
    group = typer.Typer(help="Exact counts (operators only).", no_args_is_help=True)
    group.callback()(_group)
    group.command()(export)
    app.add_typer(group, name="cells")


def _group() -> None:
    """Exact counts (operators only)."""


def export(
    out: Annotated[Path | None, typer.Option("--out", help="File to write; else standard output.")] = None,
) -> None:
    """Write the exact counts as CSV: population, cube, dimensions, count."""
    site = sites.Site.open()
    text = export_text(read(site), site.policy())
    if out is None:
        sys.stdout.write(text)
        return
    try:
        out.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise ConfigurationError("CFG-051", f"{out} cannot be written: {error.strerror}") from error


def read(site: sites.Site) -> dict[str, int]:
    """Read persons by cell key from the topic `cells` as it is now.

    Raises:
        TransportError: TRA-030, the broker is out of reach.
    """
    readable = registry.ids(site.registry, ["cell"]).allowed("cell")
    entries = []
    try:
        for record in reading.whole(site.kafka_settings(PRINCIPAL), "cells"):
            cell = None if record.value is None else codec.decode(record.value, readable, limits.INTERNAL)
            entries.append((record.key.decode(), None if cell is None else aggregate.Cell.from_record(cell)))
    except KafkaError as error:
        raise TransportError("TRA-030", "the broker is out of reach") from error
    return aggregate.totals(aggregate.merge(entries))


def export_text(totals: dict[str, int], policy: Policy) -> str:
    """Return the CSV: rows sorted, cells of zero left out, dimensions as `name=value;…` in the policy's order."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(sorted(_row(cell, count, policy) for cell, count in totals.items()))
    return text.getvalue()


def _row(cell: str, count: int, policy: Policy) -> tuple[str, str, str, int]:
    population, name, values = cube.dimensions_of(cell, policy)
    return population, name, ";".join(f"{dimension}={value}" for dimension, value in values.items()), count
