"""The `amana` command: entry point of the command line, and exit statuses of typed faults.

Purpose: the exit statuses. Each command decides in its own module what it does.
Called by: the entry point `amana` of the distribution, and `python -m amana`.

Invariants:
- Exit status 0 if all is well, 1 if something was refused or is not as it should be, 2 for configuration or usage.
- Only the module of the command that runs is imported, so that a worker starts quickly.
- A typed fault is one line on standard error, without a traceback.
"""

import sys
from typing import Annotated

import typer

from amana import extras
from amana.commands.lazy import CommandLine
from amana.composition import private_members
from anonymizer.sandbox import core_dumps
from schemas.errors import AmanaError, ConfigurationError

__all__ = ["build", "main"]


def build() -> typer.Typer:
    """Return the command line; a command is imported when it runs."""
    app = typer.Typer(
        name="amana",
        cls=CommandLine,
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"]},
        rich_markup_mode=None,
        pretty_exceptions_enable=False,  # a traceback with locals could print a person's record
    )
    app.callback(epilog="Help on a command, with examples: amana COMMAND -h")(_root)
    return app


def _version(asked: bool) -> None:  # noqa: FBT001 - Typer calls it so
    """Print the version of the distribution and end, if the option was given."""
    from importlib import metadata  # noqa: PLC0415 - it loads the parser of e-mail

    if asked:
        print(f"amana {metadata.version('amana-pipeline')}")
        raise typer.Exit


def _root(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, metavar="", help="Print the version and exit."),
    ] = False,
) -> None:
    """Regional trafficking trends from many agencies, without anyone sharing a name."""


def main() -> None:
    """Run the command line; print a typed fault as one line on standard error."""
    # Before anything is read: the memory will hold keys and, at the agency and in the de-identifier, texts in clear.
    core_dumps.forbid()
    command = sys.argv[1] if len(sys.argv) > 1 else ""
    try:
        with extras.needed():
            private_members.check(*private_members.OF_COMMAND.get(command, ()))
            build()()
    except AmanaError as error:
        field = f" ({error.field})" if error.field else ""
        print(f"{error}{field}", file=sys.stderr)
        # The supervisor stops at 2, because a restart would not help, and restarts a worker that ends with 1.
        sys.exit(2 if isinstance(error, ConfigurationError) else 1)


if __name__ == "__main__":
    main()
