"""Export of released rows: one CSV or Parquet file per table.

Purpose: decide columns, order and types of the files. The caller decides which rows there are.
Called by: `amana.trend_feed`, `amana.demo.demo_outputs`, `amana feed get`.

Invariants:
- Two exports of the same rows are the same bytes: columns and rows have a fixed order.
- A suppressed value is empty, never 0.
- A spreadsheet runs no text of a CSV file as a formula. Parquet keeps the texts as they are.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import polars as pl

from schemas import formulas
from schemas.errors import IntegrityError
from schemas.trend import TrendRow

__all__ = ["Format", "frames", "guarded", "write"]

Format = Literal["csv", "parquet"]

_BEFORE = ("population", "table", "scheme", "region", "period")
_NOISY = ("estimate", "sd", "lo90", "hi90", "certainty", "known", "missing", "agencies")
_AFTER = ("value", *_NOISY, "cell_status", "k", "release", "as_of", "revision", "policy")


def frames(rows: Iterable[TrendRow]) -> Mapping[str, pl.DataFrame]:
    """Return a frame per table: place and period, a column per dimension, value, what is known of noise, and origin.

    The column `cell_status` holds published, suppressed or withheld; the name `status` belongs to a dimension.
    """
    tables: dict[str, list[TrendRow]] = {}
    for row in rows:
        tables.setdefault(row.table, []).append(row)
    return {table: _frame(tables[table]) for table in sorted(tables)}


def write(rows: Iterable[TrendRow], directory: Path, formats: Sequence[Format]) -> tuple[Path, ...]:
    """Write `<table>.<format>` for every table and return the paths; each file is whole or not there.

    Raises:
        IntegrityError: INT-150, the disk refuses.
    """
    written = []
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for table, frame in frames(rows).items():
            for form in formats:
                # Written beside and renamed: a reader never sees half a table.
                path = directory / f"{table}.{form}"
                temporary = path.with_suffix(f".{form}.part")
                if form == "parquet":
                    frame.write_parquet(temporary)
                else:
                    # A CSV file is opened by a double click, and a spreadsheet runs what looks like a formula.
                    guarded(frame).write_csv(temporary)
                temporary.replace(path)
                written.append(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
        raise IntegrityError("INT-150", f"{directory} cannot be written: {reason}") from error
    return tuple(written)


def _frame(rows: Sequence[TrendRow]) -> pl.DataFrame:
    names = sorted({name for row in rows for name in row.dimensions})
    fields = {name: name for name in (*_BEFORE, *_AFTER)} | {"cell_status": "status"}
    columns = {name: [getattr(row, field) for row in rows] for name, field in fields.items()}
    # A dimension that a row does not have stays empty: the code of a total would say something else.
    dimensions = {name: [row.dimensions.get(name) for row in rows] for name in names}
    # Types are given: a column without a value would get none, and files of two releases would not fit together.
    frame = pl.DataFrame(
        {**{n: columns[n] for n in _BEFORE}, **dimensions, **{n: columns[n] for n in _AFTER}},
        schema_overrides={"value": pl.Int64, "k": pl.Int32, "revision": pl.Int32, "agencies": pl.Int32}
        | dict.fromkeys(("estimate", "sd", "lo90", "hi90", "known", "missing"), pl.Float64)
        | {"certainty": pl.String}
        | dict.fromkeys(names, pl.String),
    )
    return frame.sort([*_BEFORE, *names, "revision", "release"], nulls_last=True)


def guarded(frame: pl.DataFrame) -> pl.DataFrame:
    """Guard every text as `schemas.formulas` does."""
    columns = []
    for name in (name for name, kind in frame.schema.items() if kind == pl.String):
        text = pl.col(name)
        columns.append(
            pl.when(text.str.contains(formulas.FORMULA))
            .then(pl.concat_str(pl.lit("'"), text))
            .otherwise(text)
            .alias(name)
        )
    return frame.with_columns(columns)
