"""The feed's own export, read as published tables.

Purpose: it decides what a file of released rows says to an attacker: one table for each region, period and revision.
Rows with equal codes are the same people, so a country in two regions relates these, and quarters lie in their year.
Called by: `amana attack`.

Invariants:
- A file is read as an export if it has all columns of one, refused if it has some of those that only an export has, and
  left to others if it has none of them.
- Rows of withheld tables show no cell and are left out.
- In a dimension in which one person may have several codes, each code is a question among those with a known answer.

| column | read as |
|---|---|
| `period` | a dimension: a year is the group of its quarters and of a rest, the events without a month |
| `country` and others | dimensions, `status` as `victims`; a country's row is the same in every region |
| `region` | a dimension where the table has no countries: name the countries of each region with `--groups` |
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from anonymizer.attacks.published_tables import Groups, PublishedTable
from anonymizer.released_dimensions import KNOWN, UNKNOWN
from schemas.code_names import REST
from schemas.errors import ContractError
from schemas.trend import TOTAL, region_id

__all__ = ["ParsedTable", "feed_tables", "periods", "with_answers"]

ParsedTable = tuple[str, Sequence[str], Iterable[Mapping[str, str]]]
"""Name, header, rows."""

_ONLY = frozenset({"cell_status", "release", "as_of", "revision", "policy", "scheme"})
_BEFORE = frozenset({"population", "table", "scheme", "region", "period"})
_AFTER = frozenset({"value", "sd", "lo90", "hi90", "cell_status", "k", "release", "as_of", "revision", "policy"})
_NOISY = frozenset({"estimate", "certainty", "known", "missing", "agencies"})  # which older exports lack
_REST_OF_YEAR = "quarter"  # the one dimension that most rows of a table lack: they are of the whole period
_RENAMED = {"status": "victims"}  # in a published table, `status` is that of the cell
_QUARTERS = ("Q1", "Q2", "Q3", "Q4")
_KNOWN = (KNOWN, UNKNOWN)


def feed_tables(name: str, header: Sequence[str], rows: Sequence[Mapping[str, str]]) -> list[ParsedTable] | None:
    """Return the tables of an export in the order of their publication, None for a file that is none.

    Raises:
        ContractError: CON-090, the file looks like an export, and cannot be read as one.
    """
    if not _ONLY & set(header):
        return None
    missing = sorted((_BEFORE | _AFTER) - set(header))
    if missing or len(set(header)) < len(header):
        what = f"lacks {', '.join(missing)}" if missing else "has two columns of one name"
        raise ContractError("CON-090", f"{name} looks like an export of the feed, but {what}: export it again")
    dims = [column for column in header if column not in _BEFORE | _AFTER | _NOISY]
    needed = {*dims, *_BEFORE, "as_of", "revision"} - {_REST_OF_YEAR}
    shown = [row for row in rows if row.get("cell_status") != "withheld"]
    if len({(row.get("population"), row.get("table")) for row in shown}) > 1:
        raise ContractError("CON-090", f"{name} holds several tables: export each table to a file of its own")
    if any(not row.get(column) for row in shown for column in needed):
        raise ContractError("CON-090", f"{name} has a row without a code: export it again")
    asked = [dim for dim in dims if any(row[dim] == KNOWN for row in shown)]
    place = [] if "country" in dims else ["region"]
    columns = ["period", *place, *(_RENAMED.get(dim, dim) for dim in dims), *_questions(asked, shown)]
    tables: dict[tuple[str, ...], list[Mapping[str, str]]] = {}
    for row in sorted(shown, key=_order):
        tables.setdefault((*_order(row)[:2], row["period"], _region(row)), []).append(_cell(row, columns, asked))
    return [
        (f"{name} {region} {period}, revision {revision}", [*columns, "value", "sd", "status"], cells)
        for (_, revision, period, region), cells in tables.items()
    ]


def with_answers(table: PublishedTable, header: Sequence[str]) -> PublishedTable:
    """Return a table of an export with all answers to its questions: yes and no, known and unknown."""
    questions = [column for column in header if "=" in column and column.partition("=")[0] in header]
    answers = dict.fromkeys(questions, ("no", "yes"))
    answers |= {question.partition("=")[0]: _KNOWN for question in questions}
    return replace(table, universe={**table.universe, **answers})


def periods(headers: Iterable[ParsedTable]) -> Groups:
    """Return the years in parsed exports as groups of their quarters and a rest."""
    found = {row["period"] for _, header, rows in headers if "period" in header for row in rows}
    years = {period for period in found if period.isdigit()}
    return {"period": {y: frozenset({*(f"{y}-{q}" for q in _QUARTERS), f"{y}:{REST}"}) for y in sorted(years)}}


def _order(row: Mapping[str, str]) -> tuple[str, str, str]:
    return row["as_of"], row["revision"], row.get("release", "")


def _region(row: Mapping[str, str]) -> str:
    return region_id(row["scheme"], row["region"])


def _questions(asked: Sequence[str], rows: Sequence[Mapping[str, str]]) -> Iterator[str]:
    for dim in asked:
        yield from (f"{dim}={code}" for code in sorted({row[dim] for row in rows} - {TOTAL, *_KNOWN}))


def _cell(row: Mapping[str, str], columns: Sequence[str], asked: Sequence[str]) -> Mapping[str, str]:
    """Return a row as one of a published table."""
    codes = {_RENAMED.get(column, column): code for column, code in row.items()} | {"region": _region(row)}
    for dim in asked:
        if row[dim] not in {TOTAL, *_KNOWN}:
            codes |= {dim: KNOWN, f"{dim}={row[dim]}": "yes"}
    cell = {column: codes.get(column) or TOTAL for column in columns}
    # Of a noisy value an attacker takes what was not rounded.
    return {**cell, "value": row.get("estimate") or row["value"], "sd": row["sd"], "status": row["cell_status"]}
