"""`amana schemas`: list the contracts, lint one, and compare a new version with an old one.

Purpose: decide what is printed. The rules are those of `schemas.lint` and `schemas.evolution`.
Called by: `amana.commands.lazy`, which imports it when this command runs.

Invariants:
- Exit status 1 where a change is refused, with one line per violation.
"""

from pathlib import Path
from typing import Annotated

import typer

from connectors.adapters import local_files
from schemas import catalogue, evolution
from schemas.errors import ConfigurationError, ContractError
from schemas.roles import FieldRole

__all__ = ["register"]

_ENDING = ".avsc"

OldPath = Annotated[Path, typer.Argument(metavar="OLD", help="A schema file, or a directory of them.")]
NewPath = Annotated[
    Path, typer.Argument(metavar="NEW", help="Its next version, or the directory of the next versions.")
]
SchemaPath = Annotated[Path, typer.Argument(metavar="FILE", help="A schema file, or a directory of them.")]


def register(app: typer.Typer) -> None:
    """Add the sub-commands `schemas check`, `schemas lint` and `schemas list`."""
    group = typer.Typer(help="The contracts: list them, lint one, check a change.", no_args_is_help=True)
    group.command("check")(check)
    group.command("lint")(lint)
    group.command("list")(show)
    app.add_typer(group, name="schemas")


def check(old: OldPath, new: NewPath) -> None:
    """Check that NEW may replace OLD: each reads the other's records, and no privacy role is weakened."""
    before, after = _read(old), _read(new)
    # Two files are two versions of one schema, whatever they are called.
    if old.is_file() and new.is_file():
        before = {new.name: before[old.name]}
    lines = [
        f"{name}: schema: was removed, but its topics still hold records" for name in sorted(before.keys() - after)
    ]
    for name, text in sorted(after.items()):
        try:
            lines += [f"{name}: {violation}" for violation in evolution.violations(before.get(name), text)]
        except ContractError as error:
            # Only the old version raises: a fault of the new one is a violation.
            raise ConfigurationError("CFG-040", f"the old version is not an Avro schema: {old / name}") from error
    _end(lines, f"{len(after)} schemas, every change is allowed")


def lint(file: SchemaPath) -> None:
    """Check that a schema is safe to decode with and gives every field its privacy role."""
    texts = _read(file)
    lines = [
        f"{name}: {violation}" for name, text in sorted(texts.items()) for violation in evolution.violations(None, text)
    ]
    _end(lines, f"{len(texts)} schemas, no violation")


def show() -> None:
    """List the shipped schemas: subject, number of fields, of direct identifiers, and how its records are sealed."""
    for schema in map(catalogue.load, catalogue.STEMS):
        naming = len(schema.by_role(FieldRole.DIRECT_IDENTIFIER))
        print(f"{schema.subject:32} {len(schema.fields):3} fields {schema.sealed or 'in clear':9} {naming:3} direct")


def _read(path: Path) -> dict[str, str]:
    """Return file name → text, of one schema file or of all schema files in a directory."""
    try:
        files = sorted(path.glob(f"*{_ENDING}")) if path.is_dir() else [path]
        texts = {file.name: local_files.read_text(file) for file in files}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError("CFG-040", f"the schema file cannot be read: {path}") from error
    # Fail closed: a mistyped folder would otherwise pass every check.
    if not texts:
        raise ConfigurationError("CFG-040", f"the directory holds no {_ENDING} file: {path}")
    return texts


def _end(lines: list[str], passed: str) -> None:
    """Print the violations and end with exit status 1, or print `passed` if there are none."""
    for line in lines:
        print(line)
    if lines:
        raise typer.Exit(1)
    print(passed)
