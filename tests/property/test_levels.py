"""Laws of levels: random hierarchies are found where they are, and none is found in tables without one."""

import random
from collections.abc import Mapping

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anonymizer.attacks.levels_read import with_levels
from anonymizer.attacks.published_tables import read
from anonymizer.solvers.ortools_engine import ENGINES
from anonymizer.tabular.crosstab import CrossTable
from anonymizer.tabular.levels import recognise
from anonymizer.tabular.standalone import protect_table
from anonymizer.tabular.stated_levels import CountRow, StatedLevels
from schemas.errors import ContractError
from tests.support.tables import RULES, engine

OTHERS = tuple(f"{sex} {age}" for sex in "FM" for age in ("minor", "adult", "unknown"))
Table = dict[tuple[str, ...], int]


@st.composite
def trees(draw: st.DrawFn) -> tuple[Table, dict[str, frozenset[str]]]:
    """Draw a table with two or three levels in its first dimension, and leaves beside them; names say nothing."""
    seed = draw(st.integers(0, 2**32))
    chance = random.Random(seed)
    branches = draw(st.lists(st.integers(2, 4), min_size=1, max_size=3))
    names = iter(chance.sample(range(100_000, 999_999), 40))
    leaves: dict[str, list[int]] = {}
    wholes: dict[str, frozenset[str]] = {}

    def leaf() -> str:
        name = f"code {next(names)}"
        leaves[name] = [chance.randrange(chance.choice((30, 100, 600))) for _ in OTHERS]
        return name

    for branch in branches:
        wholes[f"code {next(names)}"] = frozenset(leaf() for _ in range(branch))
    for _ in range(draw(st.integers(1, 3))):
        leaf()
    if draw(st.booleans()) and len(branches) > 1:
        above = frozenset().union(*list(wholes.values())[:2])
        wholes[f"code {next(names)}"] = above
    sides = {**{name: frozenset({name}) for name in leaves}, **wholes}
    table = {
        (code, other): sum(leaves[name][i] for name in below)
        for code, below in sides.items()
        for i, other in enumerate(OTHERS)
    }
    order = [*table]
    chance.shuffle(order)
    return {key: table[key] for key in order}, wholes


def rows_of(table: Mapping[tuple[str, ...], int]) -> list[CountRow]:
    """Return the rows of a table, the first on line 2."""
    return [CountRow(line, codes, count) for line, (codes, count) in enumerate(table.items(), 2)]


@given(trees())
@settings(max_examples=60, deadline=None)
def test_a_hierarchy_is_found_or_refused_and_never_passed_over(tree: tuple[Table, dict[str, frozenset[str]]]) -> None:
    """With six columns most are certain; where counts are so small that they are not, the table is refused."""
    table, wholes = tree
    try:
        levels = recognise(rows_of(table), ("area", "who"), StatedLevels())
    except ContractError as refusal:
        assert refusal.code == "CON-086"  # noqa: PT017 - either outcome keeps the law
        return
    assert dict(levels.groups["area"]) == wholes


@given(trees(), st.integers(0, 5), st.integers(1, 9))
@settings(max_examples=60, deadline=None)
def test_a_hierarchy_with_one_wrong_row_is_no_longer_that_sum(
    tree: tuple[Table, dict[str, frozenset[str]]], column: int, more: int
) -> None:
    """One person more in one row of a whole: it counts others than its parts."""
    table, wholes = tree
    whole = max(wholes, key=lambda code: len(wholes[code]))
    wrong = table | {(whole, OTHERS[column]): table[whole, OTHERS[column]] + more}
    try:
        levels = recognise(rows_of(wrong), ("area", "who"), StatedLevels())
    except ContractError:
        return
    assert whole not in levels.groups.get("area", {})


@pytest.mark.parametrize("codes", [4, 8, 16])
def test_independent_tables_are_never_merged_and_rarely_refused(codes: int) -> None:
    """Of 200 tables of two to six columns none is merged, and fewer than one in twenty is refused."""
    chance = random.Random(codes)
    refused = 0
    for _ in range(200):
        others = OTHERS[: chance.randrange(2, 7)]
        sizes = [chance.choice((5, 30, 100, 600)) for _ in range(codes)]
        table: Table = {
            (f"code {n}x", other): chance.randrange(size) for n, size in enumerate(sizes) for other in others
        }
        try:
            levels = recognise(rows_of(table), ("area", "who"), StatedLevels())
        except ContractError:
            refused += 1
            continue
        assert levels.groups == {}
    assert refused < 10


@given(trees())
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_nested_table_is_protected_as_its_leaves_with_groups(tree: tuple[Table, dict[str, frozenset[str]]]) -> None:
    """The same cells, the same values: recognised levels and stated ones are one table."""
    table, wholes = tree
    leaves = {key: count for key, count in table.items() if key[0] not in wholes}
    stated = CrossTable(("area", "who"), (frozenset({"area", "who"}),), leaves, {"area": wholes})
    try:
        levels = recognise(rows_of(table), stated.dims, StatedLevels())
    except ContractError:
        return
    found = CrossTable(stated.dims, stated.margins, levels.counts, levels.groups)
    values = [protect_table(one, (), RULES, engine()).values for one in (found, stated)]
    assert values[0] == values[1]


@given(st.integers(0, 2**32))
@settings(max_examples=40, deadline=None)
def test_an_attacker_reads_what_names_and_values_say_and_no_more(seed: int) -> None:
    """Countries with governorates, some hidden; a reading always fits the values of the table."""
    chance = random.Random(seed)
    leaves = {f"C{c}-{g}": chance.randrange(100) for c in range(3) for g in range(chance.randrange(1, 4))}
    sums = {f"C{c}": sum(n for code, n in leaves.items() if code.startswith(f"C{c}-")) for c in range(3)}
    moved = chance.choice([*sums]) if chance.random() < 0.5 else ""
    values = {**leaves, **{code: n - (60 if code == moved and n > 60 else 0) for code, n in sums.items()}}
    rows = [{"area": code, "value": "" if chance.random() < 0.2 else str(n)} for code, n in values.items()]
    tables = read([("t", ["area", "value"], rows)], {})
    (table,), _ = with_levels(tables, (), ENGINES.possible)
    shown = {row["area"]: row["value"] for row in rows if row["value"]}
    for code, value in shown.items():
        below = table.under("area", code)
        known = [shown[leaf] for leaf in below if leaf in shown]
        assert sum(map(int, known)) <= int(value)
