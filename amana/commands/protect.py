"""`amana protect`: disclosure control of a statistician's own table, by the rules of the stream.

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
from typing import Annotated, Any, Final, Literal

import typer

from anonymizer.budget.accounting import PPB, epsilon_of
from anonymizer.mechanisms.discrete_gaussian import OpenDP
from anonymizer.noise import noisy_table as noise
from anonymizer.noise.noisy_groups import grouped
from anonymizer.solvers.highs import Highs
from anonymizer.solvers.ortools_engine import OrtoolsAuditor
from anonymizer.suppression_rules import Suppression
from anonymizer.tabular import standalone
from anonymizer.tabular.crosstab import CrossTable
from anonymizer.tabular.earlier_losses import loss_before
from anonymizer.tabular.levels_across import refuse_other_levels
from anonymizer.tabular.linear_program import Engine, WorkLimits
from anonymizer.tabular.stated_levels import StatedLevels
from connectors.offline import count_rows, table_files
from connectors.offline import publication_history as histories
from connectors.offline.count_rows import InputForm
from connectors.offline.publication_history import PublicationHistory
from schemas.errors import ConfigurationError, ContractError, DisclosureError

__all__ = ["protect", "register"]

_Mode = Literal["suppression", "dp"]
_Columns = tuple[tuple[str, ...], Iterable[Sequence[str]]]
"""Header after the dimensions, and the lines."""

_DELTA: Final = 1e-6
_PROGRAMS: Final = 2_000_000  # a statistician waits as long as it takes; the stream has limits of its own


def register(app: typer.Typer) -> None:
    """Add `protect`."""
    app.command()(protect)


def protect(  # noqa: PLR0913, PLR0917 - one parameter per option
    table: Annotated[
        Path,
        typer.Argument(help="Counts of persons: a CSV file with one column per dimension, and `count`."),
    ],
    dims: Annotated[str, typer.Option("--dims", metavar="A,B,C", help="Columns of the file that are dimensions.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the published table.")],
    margins: Annotated[
        str, typer.Option(metavar="'A,B;A,C'", help="Margins to publish; else the whole cross table.")
    ] = "",
    mode: Annotated[
        Literal["suppression", "dp"], typer.Option(help="Suppress unsafe cells, or add noise to all cells.")
    ] = "suppression",
    k: Annotated[int, typer.Option("--k", min=2, max=1_000_000, help="Fewest persons in a published cell.")] = 11,
    rho: Annotated[float, typer.Option("--rho", help="Privacy loss of one draw (rho of zCDP), with --mode dp.")] = 0.0,
    m: Annotated[
        int, typer.Option("--m", min=1, max=1_000, help="Cells of the table in which one person may be counted.")
    ] = 1,
    history: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of the tables published before; this one is added.")
    ] = None,
    groups: Annotated[
        Path | None, typer.Option(metavar="FILE", help="CSV of dimension,group,code: levels, which may overlap.")
    ] = None,
    total: Annotated[list[str] | None, typer.Option(metavar="CODE", help="A code that is a total; repeatable.")] = None,
    flat: Annotated[
        str, typer.Option(metavar="A,B", help="Dimensions whose codes are no sums of others, whatever they look like.")
    ] = "",
    person_column: Annotated[
        str, typer.Option(metavar="NAME", help="Column with the person's id, if a person may have several rows.")
    ] = "",
    *,
    merge: Annotated[bool, typer.Option("--merge", help="Merge codes that differ in spelling alone.")] = False,
    persons: Annotated[bool, typer.Option("--persons", help="Each row is a person, without a count.")] = False,
) -> None:
    """Publish a table of counts under disclosure control, together with all that was published before.

    Rows with equal codes count the same people in every table of a history, and `_T` is the sum over the codes of its
    own table. A table of a year is therefore protected jointly with the tables of its quarters that came before, and a
    second publication of a table as a revision of the first. Every margin is published with its own totals.
    """
    # 1. Read everything before the history is locked.
    names = count_rows.checked_names(dims.split(","))
    stated = StatedLevels.of(
        table_files.groups(groups) if groups else {}, frozenset(total or ()), table_files.flat_of(flat, names)
    )
    if person_column in names:
        raise ConfigurationError("CFG-086", "the column of persons is a dimension: nothing is published", field="dims")
    form = InputForm(persons or bool(person_column), person_column, merge)
    read = table_files.read(table, names, table_files.margins_of(margins, names), stated, form)
    new, rules = read.table, _rules(mode, k, rho, m)
    for note in read.notes:
        print(note)
    if read.cells_of_one > m:
        raise ContractError("CON-088", "a person is in more cells of the table than --m says", field="m")
    # 2. The history.
    with _past(history, rules) as past:
        refuse_other_levels(new, past.tables, stated.flat)
        # 3. A second draw of noise on the same counts would tell more than the first.
        text = past.earlier_text(new, rules) if history and mode == "dp" else None
        if text is not None:
            print("the same table was drawn before: its draw is published again, at no cost")
        else:
            # 4. Suppress or draw.
            noisy = mode == "dp"
            kept = history is not None
            header, lines = _noisy(new, rules, past, kept=kept) if noisy else _suppressed(new, rules, past)
            text = table_files.write(lines, names, header)
            if history is not None:
                past.add(table.stem, text, new, rules)
        # 5. Publish, with the groups of codes: without them, nobody else could attack the table.
        if new.groups:
            histories.save(out / histories.LEVELS / f"{table.stem}.csv", table_files.levels(new.groups))
        histories.save(out / f"{table.stem}.csv", text)


def _rules(mode: _Mode, k: int, rho: float, m: int) -> dict[str, Any]:
    """Return the rules of a publication, as a history keeps them."""
    if mode == "dp":
        if not 0 < rho < math.inf:
            raise ConfigurationError("CFG-084", "--mode dp needs --rho above 0", field="rho")
        # Rounded down to whole parts per billion: the draw never costs more than was allowed.
        return {"mode": mode, "rho": math.floor(rho * PPB), "m": m}
    # Where a person is in up to m cells, k-1 persons make up to m (k-1) of a count.
    return {"mode": mode, "k": k} if m == 1 else {"mode": mode, "k": k, "m": m}


def _suppressed(new: CrossTable, rules: Mapping[str, Any], past: PublicationHistory) -> _Columns:
    """Protect the table by suppression, and print how many cells have which status."""
    fewest = rules.get("m", 1) * (rules["k"] - 1) + 1
    # A table does not say which agency counted whom, so the rules about agencies are switched off.
    suppression = Suppression(k=fewest, min_agencies=1, dominance=1.0)
    engine = Engine(Highs(), OrtoolsAuditor(), past.seed, WorkLimits(programs=_PROGRAMS, rounds=2))
    released = standalone.protect_table(new, past.tables, suppression, engine)
    if not released.values and released.fault is not None:
        raise released.fault
    rows = [*table_files.rows(released)]
    status = Counter(row[-1] for row in rows)
    print(", ".join(f"{status[name]} {name}" for name in ("published", "suppressed", "withheld")))
    if released.fault is not None:
        print(f"withheld: {released.fault}")
    return ("value", "status"), rows


def _noisy(new: CrossTable, rules: Mapping[str, Any], past: PublicationHistory, *, kept: bool) -> _Columns:
    """Draw noise for every cell of the universe, and print the cost of this draw and of those that were kept before."""
    # Losses on the same people add up; tables that share no one with this one cost them nothing.
    earlier = [(table, terms["rho"]) for table, terms in zip(past.tables, past.rules, strict=True)]
    spent = loss_before(new, earlier, rules["m"])
    before = f"{spent / PPB:g} was spent on the same people before" if kept else "what was spent before is not known"
    epsilon = epsilon_of(rules["rho"] + spent, _DELTA)
    print(f"rho {rules['rho'] / PPB:g} for this draw; {before}; together epsilon {epsilon:.2f} at delta {_DELTA:g}")
    # Cells without persons get noise too: a cell that is left out would say for certain that nobody is in it.
    counts = dict.fromkeys(product(*(new.codes[d] for d in new.dims)), 0) | dict(new.counts)
    margins = [tuple(d for d in new.dims if d in margin) for margin in new.margins]
    draw = noise.measure(counts, new.dims, margins, rules["rho"], 1, OpenDP(), rules["m"])
    lines = []
    for row in (*noise.read(draw), *grouped(draw, new.groups)):
        numbers = (f"{number:.6f}" for number in (row.value, row.sd, row.lo90, row.hi90))
        lines.append((*row.codes, *numbers, "" if row.display is None else str(row.display)))
    return ("value", "sd", "lo90", "hi90", "display"), lines


@contextmanager
def _past(folder: Path | None, rules: dict[str, Any]) -> Iterator[PublicationHistory]:
    """Open the history, or an empty one if no folder is named.

    Raises:
        DisclosureError: DIS-028, an earlier table was published by other rules.
    """
    if folder is None:
        # No seed is kept, so the choice between equally good suppressions differs from run to run.
        yield PublicationHistory(Path(), (), (), secrets.token_bytes(32))
        return
    with histories.opened(folder) as past:
        # The protection of each table counts on the rules of the others: one smaller k would undo all of them.
        if any(earlier != rules for earlier in past.rules):
            raise DisclosureError(
                "DIS-028", "the tables of this history were published by other rules: publish by the same rules"
            )
        yield past
