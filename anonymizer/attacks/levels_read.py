"""Levels that an attacker reads into published tables: totals by their names, countries above their governorates.

Purpose: it decides which codes an attacker takes for the sums of others. Names say it, or published values do; no
published value may speak against it.
Called by: `amana attack`, between reading the tables and attacking them.

Invariants:
- Nothing is shared with the recognition that protects (`anonymizer.tabular.levels`) but what names mean
  (`schemas.code_names`).
- Levels under which a table is impossible are not read; a table that is impossible under all is refused.
- Noisy tables are left as they are.
"""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, islice

from anonymizer.attacks.knowledge import Possible, gather
from anonymizer.attacks.published_tables import Codes, PublishedTable
from schemas.code_names import REST, strength_within, total_strength
from schemas.errors import ContractError
from schemas.trend import TOTAL

__all__ = ["with_levels"]

_SURE = 20.0  # bits by which values alone tell a sum
_TRIED = 50_000
_MOST_PARTS = 5

Levels = dict[str, dict[str, frozenset[str]]]
"""Dimension → code → the codes that it is the sum of."""

Values = dict[tuple[str, Codes], float | None]
"""Code of one dimension, and codes of the others → value, None where it is hidden."""


def with_levels(
    tables: Sequence[PublishedTable], flat: Collection[str], possible: Possible
) -> tuple[list[PublishedTable], list[str]]:
    """Return the tables with the levels that an attacker reads into them, and a note for each.

    Args:
        tables: as read, in the order of publication.
        flat: dimensions without levels.
        possible: tells whether equations can hold.

    Raises:
        ContractError: CON-091, the values of a table do not fit each other, whatever its levels.
    """
    notes: dict[str, None] = {}
    readers: dict[frozenset[str], list[Levels]] = {}
    read = []
    for table in tables:
        if table.noisy:
            read.append(table)
            continue
        family = frozenset(table.dims)
        if family not in readers:
            alike = [t for t in tables if frozenset(t.dims) == family and not t.noisy]
            searched = {dim: _Reader.of(alike, dim) for dim in table.dims if dim not in flat}
            # What values tell as well comes first, then all that names say.
            found = [{dim: reader.wholes(bold=bold) for dim, reader in searched.items()} for bold in (False, True)]
            readers[family] = [{dim: wholes for dim, wholes in one.items() if wholes} for one in found]
        told, fitting = _fitting(table, readers[family], possible)
        read.append(fitting)
        for dim, wholes in told.items():
            for whole, parts in wholes.items():
                notes[f"{table.name}: reads {whole} of {dim} as the sum of {', '.join(sorted(parts))}"] = None
    return read, [*notes]


def _fitting(table: PublishedTable, levels: Sequence[Levels], possible: Possible) -> tuple[Levels, PublishedTable]:
    """Return the first levels under which a table is possible, and the table so read.

    Raises:
        ContractError: CON-091, its values do not fit each other under any.
    """
    for found in (*levels, {}):
        # A total may count every leaf once, or every code that the table shows: also the sums among them.
        for repeated in (frozenset[str](), frozenset(found)):
            read = _leveled(table, found, repeated) if found else table
            known = gather([read], possible)
            if possible(known.variables, known.equations):
                return found, read
    raise ContractError(
        "CON-091",
        f"{table.name} has values that do not fit each other: state its levels with --groups, --total or --flat",
    )


def _leveled(
    table: PublishedTable, found: Mapping[str, Mapping[str, frozenset[str]]], repeated: frozenset[str]
) -> PublishedTable:
    """Return a table with its codes resolved to leaves."""
    groups = {dim: dict(names) for dim, names in table.groups.items()}
    universe = dict(table.universe)
    for dim, wholes in found.items():
        leaves = {whole: frozenset(_leaves(whole, wholes)) for whole in wholes}
        groups[dim] = {
            name: frozenset(c for code in codes for c in leaves.get(code, {code}))
            for name, codes in groups.get(dim, {}).items()
        } | leaves
        universe[dim] = tuple(sorted({c for code in table.universe[dim] for c in leaves.get(code, {code})}))
    shown = {dim: tuple(table.universe[dim]) for dim in repeated}
    return replace(table, groups=groups, universe=universe, repeated=shown)


def _leaves(code: str, wholes: Mapping[str, frozenset[str]]) -> Iterator[str]:
    if code not in wholes:
        yield code
    for part in sorted(wholes.get(code, ())):
        yield from _leaves(part, wholes)


@dataclass(frozen=True, slots=True)
class _Reader:
    """One dimension of tables with the same dimensions: its codes, and all values by code."""

    codes: tuple[str, ...]
    values: Values
    columns: tuple[Codes, ...]

    @classmethod
    def of(cls, tables: Sequence[PublishedTable], dim: str) -> "_Reader":
        """Collect the values of a dimension; of several publications the first counts."""
        values: Values = {}
        grouped = {name for table in tables for name in table.groups.get(dim, {})}
        for table in tables:
            place = table.dims.index(dim)
            others = sorted((d, i) for i, d in enumerate(table.dims) if d != dim)
            for cell in table.cells:
                if cell.codes[place] not in grouped:
                    values.setdefault((cell.codes[place], tuple(cell.codes[i] for _, i in others)), cell.value)
        codes = sorted({code for code, _ in values} - {TOTAL})
        return cls(tuple(codes), values, tuple(dict.fromkeys(column for _, column in values)))

    def wholes(self, *, bold: bool) -> dict[str, frozenset[str]]:
        """Return the codes that are sums, with their parts; if `bold`, also by a name that says it weakly."""
        found: dict[str, frozenset[str]] = {}
        totals = [code for code in self.codes if total_strength(code)]
        parts_of_total = [code for code in self.codes if code not in totals]
        for code in parts_of_total:
            within = {c: s for c in self.codes if c != code and (s := strength_within(c, code))}
            for least in (2, 1):
                named = [c for c, s in within.items() if s >= least]
                highest = [c for c in named if not any(strength_within(c, other) for other in named if other != c)]
                if code not in found and (parts := self._read(code, highest, sure=bold or least > 1)):
                    found[code] = parts
        for code in parts_of_total:
            if code not in found and (told := self._told(code, found)):
                found[code] = told
        leaves = [code for code in parts_of_total if code not in found]
        rests = [f"{code}:{REST}" for code, parts in found.items() if f"{code}:{REST}" in parts]
        for code in totals:
            if parts := self._read(code, leaves, sure=bold or total_strength(code) > 1, rests=rests):
                found[code] = parts
        return found

    def _read(
        self, whole: str, parts: Sequence[str], *, sure: bool, rests: Sequence[str] = ()
    ) -> frozenset[str] | None:
        """Return the parts of a code, with its rest if it has more persons than they; None if values speak against it.

        What is not sure by its name must be told by one column at least.
        """
        told, more = 0, False
        for column in self.columns:
            total = self.values.get((whole, column))
            if total is None:
                continue
            known = [self.values.get((part, column)) for part in parts]
            left = total - sum(value for value in known if value is not None)
            if left < 0:
                return None
            if None not in known and not rests:
                told, more = told + (left == 0 and total > 0), more or left > 0
        if not parts or (not sure and (not told or more)):
            return None
        return frozenset(parts) | frozenset(rests) | (frozenset({f"{whole}:{REST}"}) if more else frozenset())

    def _told(self, whole: str, found: Mapping[str, frozenset[str]]) -> frozenset[str] | None:
        """Return the few codes whose values add up to a code's in every column, if that is no chance."""
        columns = [c for c in self.columns if self.values.get((whole, c)) is not None]
        target = [self.values[whole, c] or 0.0 for c in columns]
        vectors = {
            code: [self.values.get((code, c)) for c in columns]
            for code in self.codes
            if code not in {whole, *found} and not total_strength(code)
        }
        able = {
            code: [float(v) for v in vector if v is not None]
            for code, vector in vectors.items()
            if None not in vector and any(vector) and all((v or 0) <= t for v, t in zip(vector, target, strict=True))
        }
        bits = sum(math.log2(1 + t) for t in target)
        tried = (c for n in range(2, _MOST_PARTS + 1) for c in combinations(able, n))
        for number, chosen in enumerate(islice(tried, _TRIED), 1):
            if bits - math.log2(number) < _SURE:
                return None
            if all(sum(able[c][i] for c in chosen) == t for i, t in enumerate(target)):
                return frozenset(chosen)
        return None
