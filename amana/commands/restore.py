"""`amana restore`: lost or outdated files of the release process, rebuilt equal to what is out, or refused.

Purpose: the options. `connectors.operations.release_restore` decides what can be rebuilt.
Called by: `amana.commands.lazy`, which imports it when this command runs.

Invariants:
- The release process does not work meanwhile: the command takes its lock and its fence.
"""

import datetime as dt
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from amana.commands.site_options import Data
from amana.composition.code_version import code_version
from amana.composition.release_connection import connect
from amana.site import Site
from connectors.operations.release_backup import open_backup
from connectors.operations.release_restore import Restorer
from streams.broker import access
from streams.transparency.decision import Decision

__all__ = ["register"]

From = Annotated[Path | None, typer.Argument(metavar="[DIR]", help="A folder that `amana backup` made.")]


def register(app: typer.Typer) -> None:
    """Add `restore`."""
    app.command()(restore)


def restore(source: From = None, data: Data = None) -> None:
    """Rebuild lost files of the release process, from backup DIR and the topics, or say why not."""
    site = Site.open(data)
    key, public = site.party("release").key("audit-signing"), site.public("audit")
    backup = open_backup(source.absolute(), public) if source else None
    hour = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H")
    record = Decision("restore", access.OPERATOR, site.policy().digest, code_version(), at=hour)
    with closing(connect(site)) as bus:
        done = Restorer(site.dir, key, public, bus, record).restore(backup)
    for sentence in done or ("Nothing was lost: ledger, audit log, budget and topics agree.",):
        print(f"restored: {sentence}" if done else sentence)
