"""`amana worker`: one stage as one process (`amana.composition.stages`).

Purpose: one stage as one process, made by `amana.composition.stages`.
Called by: `amana.commands.lazy`, which imports it when this command runs.

Invariants:
- The schema ids are read before the stage starts, and no registry is asked; a stage that does not exist is refused
  (CFG-050).
"""

from typing import Annotated

import structlog
import typer

from amana import site as sites
from amana.composition import stages
from connectors.adapters import schema_ids
from schemas.errors import ConfigurationError
from streams.broker import access
from streams.runtime import log_lines

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add `worker`."""
    app.command()(worker)


def worker(
    name: Annotated[str, typer.Argument(help="deidentify, dedupe, aggregate or release.")],
    index: Annotated[int, typer.Option(min=0, help="Number of this process among those of its stage, from 0.")] = 0,
) -> None:
    """Run one stage until it is stopped."""
    if name not in access.WORKERS:
        raise ConfigurationError("CFG-050", f"no such stage: choose {', '.join(access.WORKERS)}")
    log_lines.configure()
    site = sites.Site.open()
    log = structlog.get_logger()
    allowed = schema_ids.allow_list(site.schema_ids)
    log.info("started", worker=name, index=index, policy=site.policy().digest[:16], schemas=len(allowed.current))
    if name == "release":
        stages.run_release(site)
    else:
        stages.run(site, allowed, name, index)
    log.info("stopped", worker=name, index=index)
