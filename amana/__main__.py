"""The `amana` command: finds the module of the command that was asked for, and turns typed faults into exit statuses.

Decides the exit statuses: 0 all is well, 1 something was refused or is not as it should be, 2 configuration or usage.
Does not decide what any command does. Only the module that is needed is imported, so that a worker starts quickly.
"""

import importlib
import sys

import typer

from amana.composition import private_members
from anonymizer.sandbox import core_dumps
from schemas.errors import AmanaError, ConfigurationError

__all__ = ["main"]

COMMANDS = {
    "demo": "demo",
    "up": "up",
    "provision": "provision",
    "worker": "worker",
    "simulate": "simulate",
    "publish": "publish",
    "redact": "redact",
    "evaluate": "evaluate",
    "train": "train",
    "release": "release",
    "protect": "protect",
    "attack": "attack",
    "feed": "feed",
    "audit": "audit",
    "budget": "budget",
    "schemas": "schemas",
    "cells": "cells",
    "quarantine": "quarantine",
    "status": "status",
    "check": "check",
}
"""Command → module of `amana.commands`, in the order of the help page."""


def build(asked: str | None) -> typer.Typer:
    """Return the command line with the command that was asked for, or with all of them for the help page."""
    app = typer.Typer(
        name="amana",
        help="Regional trafficking trends from many agencies, without anyone sharing a name.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,  # a traceback with locals could print a person's record
    )
    app.callback()(_root)
    names = [asked] if asked in COMMANDS else list(COMMANDS)
    for name in names:
        importlib.import_module(f"amana.commands.{COMMANDS[name]}").register(app)
    return app


def _root() -> None:
    """Regional trafficking trends from many agencies, without anyone sharing a name."""


def main() -> None:
    """Run the command line; print a typed fault as one line on standard error."""
    core_dumps.forbid()  # keys, and texts in clear at the agency and in the de-identifier
    asked = sys.argv[1] if len(sys.argv) > 1 else None
    try:
        private_members.check(*private_members.OF_COMMAND.get(asked or "", ()))
        build(asked)()
    except AmanaError as error:
        where = f" ({error.field})" if error.field else ""
        print(f"{error}{where}", file=sys.stderr)
        sys.exit(2 if isinstance(error, ConfigurationError) else 1)


if __name__ == "__main__":
    main()
