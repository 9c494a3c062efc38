"""Levels of a table: which codes are totals or sums, by names and counts; which are refused; what a user states."""

from collections.abc import Mapping

import numpy as np
import pytest

from anonymizer.tabular.code_balance import balanced_codes
from anonymizer.tabular.code_sums import SumSearch
from anonymizer.tabular.crosstab import CrossTable
from anonymizer.tabular.levels import RecognisedLevels, recognise
from anonymizer.tabular.levels_across import refuse_other_levels
from anonymizer.tabular.stated_levels import CountRow, StatedLevels
from schemas.errors import AmanaError

Table = Mapping[tuple[str, ...], int]

AREAS: dict[tuple[str, ...], int] = {
    ("Levant", "F"): 223, ("Levant", "M"): 131,
    ("LBN", "F"): 90, ("LBN", "M"): 34, ("JOR", "F"): 133, ("JOR", "M"): 97,
    ("LBN-Beirut", "F"): 60, ("LBN-Beirut", "M"): 30, ("LBN-North", "F"): 30, ("LBN-North", "M"): 4,
}  # fmt: skip
LEAVES = {"LBN-Beirut", "LBN-North", "JOR"}


def found(table: Table, stated: StatedLevels | None = None) -> RecognisedLevels:
    """Recognise a table of areas and sexes, the first row on line 2."""
    rows = [CountRow(line, codes, count) for line, (codes, count) in enumerate(table.items(), 2)]
    return recognise(rows, ("area", "sex"), stated or StatedLevels())


def refusal(table: Table, stated: StatedLevels | None = None) -> AmanaError:
    """Return the refusal of a table."""
    with pytest.raises(AmanaError) as caught:
        found(table, stated)
    return caught.value


def test_a_region_over_a_country_over_governorates_is_refused_until_it_is_stated() -> None:
    """Names tell the country; two columns of counts are too little evidence for the region."""
    assert refusal(AREAS).code == "CON-086"
    assert "lines 2, 6, 8, 10" in str(refusal(AREAS))
    levels = found(AREAS, StatedLevels.of({"area": {"Levant": frozenset({"LBN", "JOR"})}}))
    assert set(levels.groups["area"]) == {"Levant", "LBN"}
    assert levels.groups["area"]["Levant"] == LEAVES
    assert {codes[0] for codes in levels.counts} == LEAVES


def test_groups_of_groups_are_resolved_to_leaves() -> None:
    stated = StatedLevels.of(
        {"area": {"Levant": frozenset({"LBN", "JOR"}), "LBN": frozenset({"LBN-Beirut", "LBN-North"})}}
    )
    assert found(AREAS, stated).groups["area"]["Levant"] == LEAVES


def test_a_stated_group_without_a_row_is_resolved_to_leaves_too() -> None:
    """Levant is no row of the table: it sums the leaves of LBN, which is one."""
    table = {codes: count for codes, count in AREAS.items() if codes[0] != "Levant"}
    stated = StatedLevels.of({"area": {"Levant": frozenset({"LBN", "JOR"})}})
    assert found(table, stated).groups["area"] == {"Levant": LEAVES, "LBN": LEAVES - {"JOR"}}


def test_a_group_that_holds_itself_is_refused() -> None:
    with pytest.raises(AmanaError) as caught:
        StatedLevels.of({"area": {"a": frozenset({"b"}), "b": frozenset({"a"})}})
    assert caught.value.code == "CFG-082"


def test_a_stated_sum_that_is_none_is_refused_with_its_line() -> None:
    wrong = AREAS | {("Levant", "M"): 130}
    stated = StatedLevels.of({"area": {"Levant": frozenset({"LBN", "JOR"})}})
    assert (refusal(wrong, stated).code, "line 3" in str(refusal(wrong, stated))) == ("CON-083", True)


def test_a_stated_total_has_any_name() -> None:
    table: Table = {("Gesamtheit", "F"): 223, ("LBN", "F"): 90, ("JOR", "F"): 133}
    assert {codes[0] for codes in found(table, StatedLevels(totals=frozenset({"Gesamtheit"}))).counts} == {"LBN", "JOR"}


def test_what_is_stated_to_be_flat_is_not_searched() -> None:
    levels = found(AREAS, StatedLevels(flat=frozenset({"area"})))
    assert (levels.groups, len(levels.counts)) == ({}, len(AREAS))


def test_a_rest_is_what_the_parts_leave_over() -> None:
    """Of three levels: what a country and a region have beyond their parts."""
    table = AREAS | {("Levant", "F"): 230, ("LBN", "F"): 95}
    groups = {"Levant": frozenset({"LBN", "JOR", "_O"}), "LBN": frozenset({"LBN-Beirut", "LBN-North", "_O"})}
    counts = found(table, StatedLevels.of({"area": groups})).counts
    assert (counts["LBN:_O", "F"], counts["LBN:_O", "M"]) == (5, 0)
    assert (counts["Levant:_O", "F"], counts["Levant:_O", "M"]) == (2, 0)
    assert sum(counts.values()) == 230 + 131


def test_a_negative_rest_is_refused() -> None:
    stated = StatedLevels.of({"area": {"LBN": frozenset({"LBN-Beirut", "LBN-North", "_O"})}})
    assert refusal(AREAS | {("LBN", "F"): 80}, stated).code == "CON-087"


def test_names_of_parts_are_passed_over_where_a_part_is_larger() -> None:
    """A town called North, and a larger one called North-East."""
    table: Table = {("North", "F"): 20, ("North", "M"): 30, ("North-East", "F"): 60, ("North-East", "M"): 10}
    assert found(table).groups == {}


def test_rows_that_are_zero_belong_to_the_level_that_their_names_say() -> None:
    levels = found(AREAS | {("LBN-South", "F"): 0, ("Levant", "F"): 0, ("Levant", "M"): 0})
    assert levels.groups["area"]["LBN"] == {"LBN-Beirut", "LBN-North", "LBN-South"}


def test_a_sum_is_found_step_by_step_and_by_what_it_lacks() -> None:
    """Two parts of forty, and all of forty but two."""
    draw = np.random.default_rng(3)
    vectors = draw.integers(20, 900, (40, 14))
    few, most = vectors[:2].sum(axis=0), vectors[2:].sum(axis=0)
    search = SumSearch(np.vstack([vectors, few, most]))
    assert [one.parts for one in search.parts_of(40, range(40), 5.0)] == [(0, 1)]
    assert [one.parts for one in search.parts_of(41, range(40), 5.0)] == [tuple(range(2, 40))]
    assert search.complete


def test_a_search_that_is_too_long_ends_and_says_so() -> None:
    draw = np.random.default_rng(4)
    vectors = draw.integers(0, 3, (200, 60)) + np.eye(200, 60, dtype=np.int64)
    search = SumSearch(np.vstack([vectors, vectors[:20].sum(axis=0)]))
    search._steps = 50
    search.parts_of(200, range(200), 5.0)
    assert not search.complete


def test_one_group_of_persons_cut_in_two_ways_is_found() -> None:
    vectors = np.array([[310, 144], [95, 61], [287, 133], [118, 72]])
    assert balanced_codes(vectors, 5.0) == ((0, 1), (2, 3))
    assert balanced_codes(vectors + np.array([[1, 0], [0, 0], [0, 0], [0, 0]]), 5.0) is None


def areas(
    codes: Mapping[str, int], groups: Mapping[str, frozenset[str]] | None = None, dim: str = "area"
) -> CrossTable:
    """Return a table of one dimension."""
    return CrossTable((dim,), (frozenset({dim}),), {(c,): n for c, n in codes.items()}, {dim: groups} if groups else {})


@pytest.mark.parametrize(
    ("earlier", "new", "code"),
    [
        (areas({"LBN": 90}), areas({"LBN-Beirut": 60}), "CON-089"),
        (areas({"LBN-Beirut": 60}), areas({"LBN": 90}), "CON-089"),
        (areas({"a": 60, "b": 30}, {"Levant": frozenset("ab")}), areas({"Levant": 90}), "CON-089"),
        (areas({"Levant": 90}), areas({"a": 60, "b": 30}, {"Levant": frozenset("ab")}), "CON-089"),
        (areas({"0-17": 90}), areas({"15-24": 60}), "CON-089"),
        (areas({"LBN": 90}), areas({"lbn": 60}), "CON-085"),
        (areas({"LBN": 90}), areas({"LBN": 60}, dim="Area"), "CON-085"),
        (areas({"LBN": 90}), areas({"JOR": 60}), None),
        (areas({"2024-Q1": 90}), areas({"2024-Q2": 60}), None),
    ],
)
def test_another_level_or_spelling_in_a_history_is_refused(
    earlier: CrossTable, new: CrossTable, code: str | None
) -> None:
    if code is None:
        refuse_other_levels(new, [earlier], ())
        return
    with pytest.raises(AmanaError) as caught:
        refuse_other_levels(new, [earlier], ())
    assert caught.value.code == code
