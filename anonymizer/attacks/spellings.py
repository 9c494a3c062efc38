"""One spelling for every code and dimension of published tables.

Purpose: it decides which codes of several tables an attacker takes for one: `LBN` and `lbn`, `01` and `1`. A reader
takes them for the same persons, whatever their spelling.
Called by: `amana attack`, between the files and `published_tables`.

Invariants:
- Two codes of one table stay two: whoever published both shows two cells.
- The first spelling is kept, in the order of the tables.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from schemas.code_names import folded, same_code

__all__ = ["Rows", "spelt_once"]

Rows = tuple[str, Sequence[str], Sequence[Mapping[str, str]]]
"""Name, header and rows of one table."""


def spelt_once(tables: Sequence[Rows], columns: Iterable[str]) -> list[Rows]:
    """Return tables in which equal codes of all of them are spelt equally.

    Args:
        tables: as parsed, before anything is made of a row.
        columns: the columns that are no dimensions.
    """
    kept = frozenset(columns)
    dims = _First()
    codes: dict[str, _First] = {}
    spelt: list[Rows] = []
    for name, header, rows in tables:
        renamed = dims.of([dim for dim in header if dim not in kept], folded)
        own = {
            dim: codes.setdefault(first, _First()).of(_codes(rows, dim), same_code) for dim, first in renamed.items()
        }
        spelt.append((name, [renamed.get(dim, dim) for dim in header], [*_rows(rows, renamed, own)]))
    return spelt


def _codes(rows: Sequence[Mapping[str, str]], dim: str) -> list[str]:
    # A row that is too short or too long has none here: `published_tables` refuses it.
    return [*dict.fromkeys(code for row in rows if isinstance(code := row.get(dim), str))]


def _rows(
    rows: Sequence[Mapping[str, str]], renamed: Mapping[str, str], own: Mapping[str, Mapping[str, str]]
) -> Iterator[Mapping[str, str]]:
    for row in rows:
        yield {renamed.get(dim, dim): own[dim].get(code, code) if dim in own else code for dim, code in row.items()}


class _First:
    """The first spelling of each code."""

    def __init__(self) -> None:
        self._first: dict[str, str] = {}

    def of(self, names: Sequence[str], key: Callable[[str], str]) -> dict[str, str]:
        """Return the first spelling of each name; its own where another of these names has the same."""
        times: dict[str, int] = {}
        for name in names:
            times[key(name)] = times.get(key(name), 0) + 1
        return {name: self._first.setdefault(key(name), name) if times[key(name)] == 1 else name for name in names}
