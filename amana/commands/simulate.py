"""`amana simulate`: files of invented events, of any size, with their answer key.

Purpose: the options of `amana.demo.simulation.generator`.
Called by: `amana.commands.lazy`, which imports it when this command runs.

Invariants:
- The same options give the same bytes.
"""

from pathlib import Path
from typing import Annotated

import typer

from amana.demo.simulation.generator import KEY_FOLDER, simulate

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add `simulate`."""
    app.command(name="simulate")(run)


def run(
    events: Annotated[int, typer.Option("--events", help="Number of rows, all files together.", show_default=False)],
    out: Annotated[Path, typer.Option("--out", help="Folder for the files.", show_default=False)],
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same bytes.")] = 1,
    *,
    no_narratives: Annotated[bool, typer.Option("--no-narratives", help="Leave out free text.")] = False,
) -> None:
    """Write reproducible events of six invented agencies, one file per agency and kind."""
    counts = simulate(events, seed, out, narratives=not no_narratives)
    print(", ".join(f"{name} {count}" for name, count in counts.items()))
    print(f"files: {out}; answer key: {out / KEY_FOLDER}")
