"""`amana protect`: a statistician's own table through the same disclosure control as the stream's.

Purpose: the options, and the order of reading, protecting and writing. `anonymizer.tabular.standalone` decides what may
be shown, `anonymizer.noise.noisy_table` draws noise.
Called by: `amana.commands.lazy`, which imports it when this command runs.

Invariants:
- Nothing is written where anything is refused.
- Beside a history, the draw of the very same table by the same rules is taken from it, never made again.
"""

import math
import secrets
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from anonymizer.budget.accounting import PPB
from anonymizer.mechanisms.discrete_gaussian import OpenDP
from anonymizer.noise import noisy_table as noise
from anonymizer.policy import Suppression
from anonymizer.solvers.highs import Highs
from anonymizer.solvers.ortools_engine import OrtoolsAuditor
from anonymizer.tabular import standalone
from anonymizer.tabular.crosstab import CrossTable
from anonymizer.tabular.linear_program import Engine, WorkLimits
from anonymizer.tabular.standalone import overlapping_tables
from connectors.offline import publication_history as histories
from connectors.offline import table_files
from connectors.offline.publication_history import PublicationHistory
from schemas.errors import ConfigurationError, DisclosureError

__all__ = ["protect", "register"]

_Mode = Literal["suppression", "dp"]
_Made = tuple[tuple[str, ...], Iterable[Sequence[str]]]

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
    mode: Annotated[
        Literal["suppression", "dp"], typer.Option(help="Blank cells, or noise on all of them.")
    ] = "suppression",
    k: Annotated[int, typer.Option("--k", min=2, help="Fewest persons in a published cell.")] = 11,
    rho: Annotated[
        float, typer.Option("--rho", help="What a draw may cost a person-year (zCDP), with --mode dp.")
    ] = 0.0,
    m: Annotated[int, typer.Option("--m", min=1, help="In how many cells of a margin one person may be counted.")] = 1,
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
    grouped = table_files.groups(groups) if groups else {}
    new = table_files.read(table, names, table_files.margins_of(margins, names), grouped)
    rules = {"mode": mode, "k": k} if mode == "suppression" else {"mode": mode, "rho": _parts(rho), "m": m}
    with _past(history, rules) as past:
        text = past.earlier_text(new, rules) if history and mode == "dp" else None
        if text is None:
            header, lines = _noisy(new, rules, past) if mode == "dp" else _suppressed(new, k, past)
            text = table_files.write(lines, (*names, *header))
            if history is not None:
                past.add(table.stem, text, new, rules)
        histories.save(out / f"{table.stem}.csv", text)


def _suppressed(new: CrossTable, k: int, past: PublicationHistory) -> _Made:
    released = standalone.protect_table(new, past.tables, _suppression(k), _engine(past.seed))
    if not released.values and released.fault is not None:
        raise released.fault
    _tell(released)
    return ("value", "status"), table_files.rows(released)


def _noisy(new: CrossTable, rules: Mapping[str, Any], past: PublicationHistory) -> _Made:
    """Draw once; the draw of the very same table by the same rules is never made again."""
    if new.groups:
        raise ConfigurationError("CFG-084", "groups are for suppression: sum a draw's rows instead", field="groups")
    spent = sum(
        earlier["rho"] for t, earlier in zip(past.tables, past.rules, strict=True) if overlapping_tables(new, [t])
    )
    print(f"rho {rules['rho'] / PPB:g} for this draw; {spent / PPB:g} was spent on the same people before")
    counts = dict.fromkeys(product(*(new.codes[d] for d in new.dims)), 0) | dict(new.counts)
    margins = [tuple(d for d in new.dims if d in margin) for margin in new.margins]

    rows = noise.release(counts, new.dims, margins, rules["rho"], rules["m"], OpenDP())
    return ("value", "sd", "lo90", "hi90", "display"), map(_spelt, rows)


def _spelt(row: noise.NoisyRow) -> tuple[str, ...]:
    numbers = (f"{number:.6f}" for number in (row.value, row.sd, row.lo90, row.hi90))
    return (*row.codes, *numbers, "" if row.display is None else str(row.display))


def _parts(rho: float) -> int:
    if not 0 < rho < math.inf:
        raise ConfigurationError("CFG-084", "--mode dp needs --rho above 0", field="rho")
    return math.floor(rho * PPB)


def _suppression(k: int) -> Suppression:
    return Suppression(k=k, min_agencies=1, dominance=1.0)


def _engine(seed: bytes) -> Engine:
    return Engine(Highs(), OrtoolsAuditor(), seed, WorkLimits(programs=_PROGRAMS, rounds=2))


@contextmanager
def _past(folder: Path | None, rules: dict[str, Any]) -> Iterator[PublicationHistory]:
    """Open the history, if there is one; its rules cannot change."""
    if folder is None:
        yield PublicationHistory(Path(), (), (), secrets.token_bytes(32))
        return
    with histories.opened(folder) as past:
        if any(earlier != rules for earlier in past.rules):
            raise DisclosureError("DIS-028", "this history was published by other rules: what is out cannot be undone")
        yield past


def _tell(released: standalone.ReleasedTable) -> None:
    status = Counter(row[-1] for row in table_files.rows(released))
    print(", ".join(f"{status[name]} {name}" for name in ("published", "suppressed", "withheld")))
    if released.fault is not None:
        print(f"withheld: {released.fault}")
