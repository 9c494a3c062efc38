"""`amana protect`: a statistician's own table through the same disclosure control as the stream's.

Decides the options, and that nothing is written where anything is refused. Does not decide what may be shown:
`anonymizer.tabular.standalone` does.
"""

import secrets
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from amana.offline import history as histories
from amana.offline import tables
from amana.offline.history import History
from anonymizer.engines.solver import Highs
from anonymizer.policy import Suppression
from anonymizer.tabular import standalone
from anonymizer.tabular.program import Engine, Limits
from schemas.errors import ConfigurationError, DisclosureError

__all__ = ["protect", "register"]

_PROGRAMS = 2_000_000  # a statistician waits as long as it takes; the stream has limits of its own


def register(app: typer.Typer) -> None:
    """Add `protect`."""
    app.command()(protect)


def protect(  # noqa: PLR0913, PLR0917 - one parameter per option
    table: Annotated[Path, typer.Argument(help="Counts of persons: a CSV file with the dimensions and `count`.")],
    dims: Annotated[str, typer.Option("--dims", metavar="A,B,C", help="The columns that are dimensions.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the published table goes.")],
    margins: Annotated[
        str, typer.Option(metavar="'A,B;A,C'", help="What to publish; the whole cross if not given.")
    ] = "",
    k: Annotated[int, typer.Option("--k", min=2, help="Fewest persons in a published cell.")] = 11,
    history: Annotated[
        Path | None, typer.Option(metavar="DIR", help="What was published before; collects this.")
    ] = None,
    groups: Annotated[
        Path | None, typer.Option(metavar="FILE", help="CSV of dimension,group,code; may overlap.")
    ] = None,
) -> None:
    """Publish the cells of a table that no one can turn back into people, beside all that was published before.

    Rows with equal codes are the same people in every table of a history, and `_T` is the sum over the codes of that
    run's table: a year's table given after its quarters is protected jointly with them, a second print of the same
    table as a revision of the first. Every margin is published with its own totals.
    """
    names = tuple(name.strip() for name in dims.split(","))
    if not all(names) or len(set(names)) < len(names):
        raise ConfigurationError("CFG-081", "--dims names a dimension twice, or none", field="dims")
    grouped = tables.groups(groups) if groups else {}
    new = tables.read(table, names, tables.margins_of(margins, names), grouped)
    rules = {"mode": "suppression", "k": k}
    with _past(history, rules) as past:
        released = standalone.protect(new, past.tables, _suppression(k), _engine(past.seed))
        if not released.values and released.fault is not None:
            raise released.fault
        text = tables.write(tables.rows(released), (*names, "value", "status"))
        if history is not None:
            past.add(table.stem, text, new, rules)
        histories.save(out / f"{table.stem}.csv", text)
    _tell(released)


def _suppression(k: int) -> Suppression:
    return Suppression(k=k, min_agencies=1, dominance=1.0)


def _engine(seed: bytes) -> Engine:
    return Engine(Highs(), seed, Limits(programs=_PROGRAMS))


@contextmanager
def _past(folder: Path | None, rules: dict[str, Any]) -> Iterator[History]:
    """Open the history, if there is one; its rules cannot change."""
    if folder is None:
        yield History(Path(), (), (), secrets.token_bytes(32))
        return
    with histories.opened(folder) as past:
        if any(earlier != rules for earlier in past.rules):
            raise DisclosureError("DIS-028", "this history was published by other rules: what is out cannot be undone")
        yield past


def _tell(released: standalone.Released) -> None:
    status = Counter(row[-1] for row in tables.rows(released))
    print(", ".join(f"{status[name]} {name}" for name in ("published", "suppressed", "withheld")))
    if released.fault is not None:
        print(f"withheld: {released.fault}")
