"""The command line whose commands are imported when they run, not when they are listed.

Help is plain text: to import Rich's formatter takes longer than all the rest.

Called by: `amana.__main__`.

Invariants:
- Listing the commands imports none of them: the help page shows the index.
- Running a command, or asking for its help, imports that command's module alone.
- A command whose extra is not installed is refused with CFG-024, which names the extra.
"""

import importlib
from collections.abc import Iterator
from typing import Any, TypeAlias

import typer
from typer.core import TyperCommand, TyperGroup

from amana import extras
from amana.commands.index import INDEX, Entry

__all__ = ["CommandLine", "load"]

Command: TypeAlias = Any
"""A Typer command or group, or a context of one: their classes are not public."""


class CommandLine(TyperGroup):
    """The root of the command line: it lists the index and imports the one command that runs."""

    def __init__(self, **settings: Any) -> None:  # noqa: ANN401 - Typer's own
        """Take Typer's settings, and a line of the help page in place of every command."""
        super().__init__(**settings)
        # Stand-ins with a name and a line of help: Click completes, lists and suggests names from them.
        self.commands = {name: TyperCommand(name, short_help=entry.help) for name, entry in INDEX.items()}

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Command, list[str]]:  # noqa: ANN401 - as above
        """Import the command that is to run.

        Raises:
            ConfigurationError: CFG-024, its extra is not installed.
        """
        name, listed, rest = super().resolve_command(ctx, args)
        return name, load(name) if name and listed else None, rest


def load(name: str) -> Command:
    """Import the module of one command and return the command, with its examples.

    Raises:
        ConfigurationError: CFG-024, its extra is not installed.
    """
    entry = INDEX[name]
    app = typer.Typer(rich_markup_mode=None)
    app.callback()(lambda: None)  # Typer turns an app with one command into that command, unless it has a callback
    with extras.needed(entry.extra):
        importlib.import_module(f"{__package__}.{entry.module}").register(app)
    loaded = typer.main.get_group(app).commands[name]
    for path, command in _with_subcommands(loaded, f"amana {name}"):
        _finish(command, entry, path)
    return loaded


def _with_subcommands(command: Command, path: str) -> Iterator[tuple[str, Command]]:
    """Yield a command and its sub-commands, each with the words that call it."""
    yield path, command
    for name, below in command.commands.items() if isinstance(command, TyperGroup) else ():
        yield from _with_subcommands(below, f"{path} {name}")


def _finish(command: Command, entry: Entry, path: str) -> None:
    """Add the examples to the help of one command, and tidy its options."""
    # The space keeps an example of `audit verify-all` from being taken for one of `audit verify`.
    examples = [example for example in entry.examples if f"{example} ".startswith(f"{path} ")]
    # A short help of its own is shown whole; one that Click takes from the help is cut to the line.
    command.short_help = (command.help or "").partition("\n\n")[0]
    # Click keeps the line breaks of a paragraph that begins with a backspace.
    command.epilog = "\b\nExamples:\n" + "\n".join(f"  {example}" for example in examples)
    # A flag has no value, so the help shows no type beside it.
    for option in command.params:
        if getattr(option, "is_flag", False):
            option.metavar = ""
