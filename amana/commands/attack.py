"""`amana attack`: all known attacks against a directory of published tables.

Purpose: decide which attacks apply to the tables that are there, and print what they recover. The attacks are those of
`anonymizer.attacks`.
Called by: `amana.commands.lazy`, which imports it when this command runs.

Invariants:
- Exit status 1 if anything is recovered.
- Tables are attacked in the order of their file names, which must be that of publication.
- Nothing is written but the report, and that only with `--out`.
"""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from anonymizer.attacks import exact, noise_attacks, records
from anonymizer.attacks.attack_result import AttackResult, report
from anonymizer.attacks.feed_tables import feed_tables, periods, with_answers
from anonymizer.attacks.levels_read import with_levels
from anonymizer.attacks.published_tables import Codes, PublishedTable, read
from anonymizer.attacks.spellings import Rows, spelt_once
from anonymizer.solvers.ortools_engine import ENGINES
from anonymizer.tabular.stated_levels import StatedLevels
from connectors.adapters import local_files
from connectors.offline import table_files as files
from connectors.offline.count_rows import MOST_BYTES, OUTPUT
from connectors.offline.publication_history import LEVELS
from schemas import formulas
from schemas.errors import ConfigurationError, ContractError

__all__ = ["Loaded", "attack", "load", "register", "tried"]


def register(app: typer.Typer) -> None:
    """Add `attack`."""
    app.command()(attack)


def attack(  # noqa: PLR0913, PLR0917 - one parameter per option
    folder: Annotated[
        Path, typer.Argument(help="Folder of published tables: CSV files, named in the order of publication.")
    ],
    k: Annotated[int, typer.Option("--k", min=2, max=1_000_000, help="Fewest persons in a published cell.")] = 11,
    groups: Annotated[
        Path | None, typer.Option(metavar="FILE", help="CSV of dimension,group,code: levels, which may overlap.")
    ] = None,
    total: Annotated[list[str] | None, typer.Option(metavar="CODE", help="A code that is a total; repeatable.")] = None,
    flat: Annotated[
        str, typer.Option(metavar="A,B", help="Dimensions whose codes are no sums of others, whatever they look like.")
    ] = "",
    own: Annotated[
        Path | None, typer.Option("--own", metavar="FILE", help="Persons that one agency reported, as CSV.")
    ] = None,
    truth: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of the true tables, to test the attacks.")
    ] = None,
    sensitive: Annotated[
        str, typer.Option(metavar="A,B", help="Sensitive dimensions, which nobody may learn about a person.")
    ] = "",
    log: Annotated[
        Path | None, typer.Option("--log", metavar="FILE", help="A text file in which hashes of values may occur.")
    ] = None,
    guesses: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Values that an attacker would guess, one per line.")
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="File for the report, as JSON.")] = None,
) -> None:
    """Attack published tables; exit status 1 if a suppressed count or a person's presence can be inferred."""
    stated = StatedLevels.of(
        _groups(folder, groups),
        frozenset(total or ()),
        frozenset(name.strip() for name in flat.split(",")),
    )
    loaded = load(folder, stated)
    tables = loaded.tables
    if not tables:
        raise ContractError("CON-080", "the directory holds no table")
    for note in loaded.notes:
        print(note)
    # 1. The tables alone. With the true counts the test is stricter: an interval must also contain 0 and k.
    results = tried(tables, k, _truth(truth, tables, stated))
    # 2. What an insider knows.
    if sensitive:
        results.append(records.homogeneity(tables, sensitive.split(",")))
    if own is not None:
        dims = tables[0].dims
        results.append(exact.insider(tables, k, _counts(own, dims, stated), ENGINES))
    if log is not None and guesses is not None:
        results.append(records.dictionary([_text(log)], _text(guesses).splitlines()))
    # 3. The file holds every recovered value; the terminal shows the same after the table.
    if out is not None:
        summary = {"summary": report(results), "attacks": [asdict(result) for result in results]}
        _write(out, json.dumps(summary, indent=2) + "\n")
    _show(results)
    raise typer.Exit(1 if any(result.recovered for result in results) else 0)


@dataclass(frozen=True, slots=True)
class Loaded:
    """The tables of a folder in the order of their publication, and what is to be said about how they were read."""

    tables: list[PublishedTable]
    notes: list[str]


def load(folder: Path, stated: StatedLevels) -> Loaded:
    """Read every CSV file of a directory, in the order of their names; exports of the feed in that of their releases.

    Raises:
        ContractError: CON-080, CON-082, CON-084, CON-090, CON-091.
        ConfigurationError: CFG-087.
    """
    own, exported = [], []
    for path in sorted(folder.glob("*.csv")):
        parsed = _parsed(path)
        tables = feed_tables(*parsed)
        (own.append(parsed) if tables is None else exported.extend(tables))
    if not own and not exported and any(folder.glob("*.parquet")):
        raise ContractError("CON-090", "the folder holds Parquet files alone: export the feed with --format csv")
    spelt = spelt_once(own, OUTPUT)
    named = _codes(spelt)
    stated.demand_totals(code for codes in named.values() for code in codes)
    stated = stated.spelt_as(named)
    groups = {dim: dict(names) for dim, names in stated.groups.items()}
    published = read(spelt, groups)
    for dim in {dim for table in published for dim in table.dims}:
        # A code that the user calls a total is a group of all others, whatever its name.
        codes = {code for table in published for code in table.universe.get(dim, ())}
        for name in stated.totals & codes:
            groups.setdefault(dim, {})[name] = frozenset(codes - stated.totals)
    published, notes = with_levels(read(spelt, groups), stated.flat, ENGINES.possible)
    of_feed = read(exported, {**groups, **periods(exported)})
    headers = [header for _, header, _ in exported]
    published += [with_answers(table, header) for table, header in zip(of_feed, headers, strict=True)]
    if noisy := sum(table.noisy for table in published):
        notes.append(f"{noisy} of {len(published)} tables have noise: the attacks on exact values pass them over")
    return Loaded(published, notes)


def _codes(tables: Sequence[Rows]) -> dict[str, set[str]]:
    """Return dimension → codes, over all tables."""
    codes: dict[str, set[str]] = {}
    for _, header, rows in tables:
        for dim in set(header) - OUTPUT:
            codes.setdefault(dim, set()).update(row.get(dim) or "" for row in rows)
    return codes


def _groups(folder: Path, named: Path | None) -> dict[str, dict[str, frozenset[str]]]:
    """Return the groups that the user names, and those that were published beside the tables."""
    together: dict[str, dict[str, frozenset[str]]] = {}
    for path in (*sorted((folder / LEVELS).glob("*.csv")), *([named] if named else [])):
        for dim, names in files.groups(path).items():
            known = together.setdefault(dim, {})
            known |= {name: known.get(name, frozenset()) | codes for name, codes in names.items()}
    return together


def _parsed(path: Path) -> tuple[str, list[str], list[dict[str, str]]]:
    """Return the name, the header and the rows of a file."""
    try:
        # utf-8-sig: spreadsheet programs put a byte order mark in front of the first column
        text = local_files.read_text(path, "utf-8-sig", most=MOST_BYTES)
        reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        lines = [files.unguarded(row) for row in reader]
        return path.stem, [formulas.unguarded(name) for name in reader.fieldnames or ()], lines
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ContractError("CON-080", f"{path.name} cannot be read as CSV of at most 64 MiB") from error


def tried(tables: list[PublishedTable], k: int, truth: exact.Truth | None = None) -> list[AttackResult]:
    """Run every attack that needs nothing but the tables; `truth` holds the true counts, for a self-test."""
    return [
        exact.margins(tables, k, ENGINES, truth),
        exact.history(tables, k, ENGINES, truth),
        exact.revisions(tables, k, ENGINES),
        exact.integers(tables, k, ENGINES),
        exact.membership(tables, k, ENGINES),
        noise_attacks.averaging(tables),
        noise_attacks.rounding(tables),
        noise_attacks.untouched(tables),
    ]


def _counts(path: Path, dims: Codes, stated: StatedLevels) -> Mapping[Codes, int]:
    """Read exact counts, of the levels that the user states or that are found."""
    own = StatedLevels(
        {dim: names for dim, names in stated.groups.items() if dim in dims}, stated.totals, stated.flat & set(dims)
    )
    return files.read(path, dims, (frozenset(dims),), own, demanding=False).table.counts


def _truth(
    folder: Path | None, tables: list[PublishedTable], stated: StatedLevels
) -> dict[tuple[str, Codes], int] | None:
    if folder is None:
        return None
    true_counts: dict[tuple[str, Codes], int] = {}
    for table in tables:
        path = folder / f"{table.name}.csv"
        for codes, count in _counts(path, table.dims, stated).items():
            true_counts[table.name, tuple(codes)] = count
    return true_counts


def _text(path: Path) -> str:
    try:
        # A log may hold any bytes; hashes are ASCII, so replaced characters lose nothing that is searched for.
        return local_files.read_text(path, errors="replace")
    except OSError as error:
        raise ConfigurationError("CFG-083", "a file that an option names cannot be read") from error


def _write(path: Path, text: str) -> None:
    try:
        local_files.write_regular(path, text)
    except OSError as error:
        raise ConfigurationError("CFG-254", f"{path} cannot be written: {error.strerror}") from error


def _show(results: list[AttackResult]) -> None:
    table = Table("attack", title_justify="left")
    for name in ("attacked", "recovered"):
        table.add_column(name, justify="right")
    for result in results:
        table.add_row(result.attack, str(result.attacked), str(result.recovered))
    Console().print(table)
    for result in results:
        if not result.complete:
            print(f"{result.attack}: stopped at its limit of work")
        for recovered in result.found:
            print(f"{result.attack}: {recovered}")
