"""Laws of the command line: what the help page loads, what it says, and that its examples are command lines."""

import shlex
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata

import pytest
from typer.core import TyperGroup
from typer.testing import CliRunner

from amana.__main__ import build
from amana.commands import lazy
from amana.commands.index import INDEX

LIGHT = {"amana", "annotated_doc", "anonymizer", "schemas", "shellingham", "typer"}
"""Distributions' modules that the front door may load: its own, and Typer with what Typer itself loads."""


def leaves(command: lazy.Command, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], lazy.Command]]:
    """Yield every command without sub-commands, with the words that call it."""
    if not isinstance(command, TyperGroup):
        yield path, command
        return
    for name, below in command.commands.items():
        yield from leaves(below, (*path, name))


COMMANDS = dict(found for name in INDEX for found in leaves(lazy.load(name), (name,)))
EXAMPLES = [example for entry in INDEX.values() for example in entry.examples]


def loaded(program: str) -> set[str]:
    """Return the names of all modules that an interpreter of its own has loaded after a program."""
    script = f"import sys\ntry:\n    {program}\nexcept SystemExit:\n    pass\nprint('\\n'.join(['---', *sys.modules]))"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(run.stdout.partition("---\n")[2].split())


def foreign(names: set[str]) -> set[str]:
    """Return the first names of what is outside the standard library and not loaded by every interpreter here."""
    return {name.partition(".")[0] for name in names - loaded("pass")} - set(sys.stdlib_module_names)


def test_importing_the_front_door_loads_nothing_else() -> None:
    assert foreign(loaded("import amana")) == {"amana", "schemas"}


def test_the_help_page_loads_no_command_and_nothing_heavy() -> None:
    names = loaded("sys.argv = ['amana', '--help']; from amana.__main__ import main; main()")
    assert foreign(names) <= LIGHT
    assert not {f"amana.commands.{entry.module}" for entry in INDEX.values()} & names


def test_the_help_page_shows_every_command_with_its_own_first_line() -> None:
    page = CliRunner().invoke(build(), ["--help"], terminal_width=400).output
    for name, entry in INDEX.items():
        assert (lazy.load(name).help or "").partition("\n\n")[0].replace("\n", " ") == entry.help
        assert f"{name:<10}  {entry.help}" in page


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_help_has_an_example_and_no_type_beside_a_flag(path: tuple[str, ...]) -> None:
    short, long = (CliRunner().invoke(build(), [*path, flag]) for flag in ("-h", "--help"))
    assert (short.exit_code, short.output) == (0, long.output)
    assert f"    amana {' '.join(path)}" in short.output
    assert "<bool>" not in short.output


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_parses(example: str) -> None:
    """The command is found, and every option and value of the line is one that it takes."""
    line = example.partition(" < ")[0]
    words = shlex.split(line)[1:]
    path = next(path for path in COMMANDS if tuple(words[: len(path)]) == path)
    COMMANDS[path].make_context(path[-1], words[len(path) :])


def test_the_version_is_that_of_the_distribution() -> None:
    answer = CliRunner().invoke(build(), ["--version"])
    assert answer.output == f"amana {metadata.version('amana-pipeline')}\n"


def test_a_wrong_name_is_answered_with_the_right_one() -> None:
    answer = CliRunner().invoke(build(), ["publis"])
    assert answer.exit_code == 2
    assert "Did you mean 'publish'?" in answer.output
