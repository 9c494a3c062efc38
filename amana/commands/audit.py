"""`amana audit`: verify the audit log, show its entries, prove one of them, reconcile the records.

Purpose: decide what is printed. The checks are those of `streams.transparency.log_verification`, behind
`amana.audit_log`.
Called by: `amana.commands.lazy`, which imports it when this command runs.

Invariants:
- `verify`, `show` and `prove` need no broker; `reconcile` alone imports a client of one, when the command is run.
"""

import base64
import json
from collections import deque
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from amana.audit_log import AuditLog
from connectors.adapters import local_files
from connectors.console.trusted_log import proof_document
from schemas.errors import ConfigurationError

__all__ = ["register"]

Log = Annotated[Path | None, typer.Argument(metavar="[DIR]", help="Folder of the log or of a site; else AMANA_DATA.")]
Key = Annotated[
    Path | None, typer.Option("--key", metavar="FILE", help="Public key to trust; else the key of the site.")
]
Seen = Annotated[Path | None, typer.Option("--seen", metavar="FILE", help="A signed checkpoint that you kept.")]
Last = Annotated[int, typer.Option("--last", min=1, help="Number of entries, counted from the end.")]
Index = Annotated[int, typer.Argument(min=0, help="Index of the entry, from 0.")]
At = Annotated[
    Path | None, typer.Option("--log", metavar="DIR", help="Folder of the log or of a site; else AMANA_DATA.")
]


def register(app: typer.Typer) -> None:
    """Add the sub-commands `audit verify`, `audit show`, `audit prove` and `audit reconcile`."""
    from amana.commands.reconcile import reconcile  # noqa: PLC0415 - it alone needs a broker's client

    group = typer.Typer(
        help="The audit log: verify it, show it, prove an entry; reconcile what was published.",
        no_args_is_help=True,
    )
    for command in (verify, show, prove, reconcile):
        group.command()(command)
    app.add_typer(group, name="audit")


def verify(log: Log = None, key: Key = None, seen: Seen = None) -> None:
    """Check every entry, leaf hash, checkpoint and signature; name the first that is wrong."""
    # A checkpoint is a signed note (C2SP), whose bytes end with exactly one line break. A file that was copied from a
    # terminal or an e-mail often ends with none or with two.
    try:
        note = local_files.read_text(seen).removesuffix("\n\n") if seen else ""
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError("CFG-133", f"{seen} cannot be read") from error
    verified = AuditLog(log, key=key).verify_live(seen=f"{note.rstrip()}\n" if note else "")
    root = base64.b64encode(verified.head.root).decode()
    typer.echo(f"The audit log is whole: {verified.entries} entries, {verified.checkpoints} checkpoints, root {root}")


def show(last: Last = 20, log: At = None) -> None:
    """Print the last entries, one JSON object per line."""
    opened = AuditLog(log)
    # A log may be long; the deque holds no more than the entries that are printed.
    for index, decision in deque(opened.entries(), maxlen=last):
        typer.echo(json.dumps({"index": index, **asdict(decision)}, ensure_ascii=False))


def prove(index: Index, log: At = None) -> None:
    """Print the inclusion proof of an entry: its bytes, its path to the root, and the signed checkpoint."""
    typer.echo(json.dumps(proof_document(AuditLog(log).prove(index)), indent=1, ensure_ascii=False))
