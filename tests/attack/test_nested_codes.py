"""Tables whose codes are sums of other codes: no small count is told by what lies above it."""

import csv
import random
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from amana.__main__ import build
from anonymizer.tabular.code_columns import CodeColumns
from schemas.errors import AmanaError
from tests.support.outsider import Outsider

pytestmark = pytest.mark.timeout(120)

K = 11
Table = dict[tuple[str, ...], int]
TOTALS = (
    *(
        "Total",
        "total",
        "TOTAL",
        "All",
        "ALL",
        "Overall",
        "Grand Total",
        "T",
        "Both sexes",
        "Total général",
        "Ensemble",
    ),
    *(
        "المجموع",
        "الإجمالي",
        "مجموع",
        "Toplam",
        "Genel Toplam",
        "سەرجەم",
        "جمع کل",
        "Σύνολο",
        'סה"כ',
        "_t",
        "\uff34\uff4f\uff54\uff41\uff4c",
    ),
)

AREAS = {"LBN": ["LBN-Beirut", "LBN-North", "LBN-South"], "JOR": ["JOR-Amman", "JOR-Mafraq"]}
SMALL = {
    "LBN-Beirut": (60, 30), "LBN-North": (27, 4), "LBN-South": (3, 0), "JOR-Amman": (47, 38), "JOR-Mafraq": (3, 2)
}  # fmt: skip


def amana(*words: object) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(build(), [str(word) for word in words])


def code_of(answer: Result) -> str | None:
    """Return the code of a refusal."""
    return answer.exception.code if isinstance(answer.exception, AmanaError) else None


def written(path: Path, dims: Sequence[str], counts: Mapping[tuple[str, ...], int]) -> Path:
    """Write a table of counts."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([[*dims, "count"], *([*codes, count] for codes, count in counts.items())])
    return path


def nested(
    leaves: Mapping[str, Sequence[int]], wholes: Mapping[str, Sequence[str]], others: Sequence[str]
) -> dict[tuple[str, ...], int]:
    """Return a table of leaves and of the sums of leaves, in that of one other dimension."""
    counts: Table = {(leaf, other): n for leaf, row in leaves.items() for other, n in zip(others, row, strict=True)}
    sums: Table = {
        (whole, other): sum(counts[leaf, other] for leaf in below)
        for whole, below in wholes.items()
        for other in others
    }
    return {**sums, **counts}


def below(leaves: Sequence[str], wholes: Mapping[str, Sequence[str]]) -> dict[str, Sequence[str]]:
    """Return code → leaves."""
    return {**{leaf: [leaf] for leaf in leaves}, **wholes}


def renamed(names: Mapping[str, str]) -> tuple[dict[str, tuple[int, int]], dict[str, list[str]]]:
    """Return the areas and their counts under other names."""
    return (
        {names[code]: row for code, row in SMALL.items()},
        {names[whole]: [names[code] for code in parts] for whole, parts in AREAS.items()},
    )


def times(*names: str) -> dict[str, str]:
    """Return other names for the codes of the areas, in their order."""
    return dict(zip(("LBN", *AREAS["LBN"], "JOR", *AREAS["JOR"]), names, strict=True))


LEVELS = {
    "governorates": times("LBN", "LBN-Beirut", "LBN-North", "LBN-South", "JOR", "JOR-Amman", "JOR-Mafraq"),
    "p-codes": times("LB", "LB01", "LB02", "LB03", "JO", "JO01", "JO02"),
    "paths": times("LBN", "LBN / Beirut", "LBN / North", "LBN / South", "JOR", "JOR / Amman", "JOR / Mafraq"),
    "quarters": times("2024", "2024-Q1", "2024-Q2", "2024-Q3", "2023", "2023-Q1", "2023-Q2"),
    "quarters, French": times("2024", "T1 2024", "T2 2024", "T3 2024", "2023", "T3 2023", "T4 2023"),
    "months": times("2024-Q1", "2024-01", "2024-02", "2024-03", "2024-H2", "2024-Q3", "2024-Q4"),
    "Arabic digits": times("٢٠٢٤", "٢٠٢٤-Q1", "٢٠٢٤-Q2", "٢٠٢٤-Q3", "٢٠٢٣", "٢٠٢٣-Q1", "٢٠٢٣-Q2"),
    "ages": times("<18", "0-5", "6-11", "12-17", "18+", "18-39", "40+"),
}


@pytest.mark.parametrize("names", LEVELS.values(), ids=LEVELS)
def test_a_small_leaf_is_not_told_by_the_sum_above_it(tmp_path: Path, names: Mapping[str, str]) -> None:
    """Geography, time and ages, recognised by names and counts; everybody is counted once in the total."""
    leaves, wholes = renamed(names)
    counts = nested(leaves, wholes, ("women", "men"))
    table = written(tmp_path / "t.csv", ("level", "who"), counts)
    answer = amana("protect", table, "--dims", "level,who", "--out", tmp_path / "out")
    assert answer.exit_code == 0, answer.exception
    known = Outsider(
        tmp_path / "out" / "t.csv",
        ("level", "who"),
        {"level": below(list(leaves), wholes), "who": {"women": ["women"], "men": ["men"]}},
    )
    assert known.published["_T", "_T"] == sum(map(sum, leaves.values()))
    assert known.recovered(counts, K) == []
    assert amana("attack", tmp_path / "out").exit_code == 0


@pytest.mark.parametrize("total", TOTALS)
def test_a_total_in_any_language_is_one(tmp_path: Path, total: str) -> None:
    """It is published as `_T`, and counts nobody twice."""
    counts = nested({"women": (85, 30), "men": (3, 19)}, {total: ["women", "men"]}, ("shelter", "training"))
    table = written(tmp_path / "t.csv", ("who", "place"), counts)
    answer = amana("protect", table, "--dims", "who,place", "--out", tmp_path / "out")
    assert answer.exit_code == 0, answer.exception
    identity = {"who": below(["women", "men"], {}), "place": below(["shelter", "training"], {})}
    known = Outsider(tmp_path / "out" / "t.csv", ("who", "place"), identity)
    assert known.published["_T", "_T"] == 137
    assert known.recovered(counts, K) == []


def test_totals_of_both_dimensions_and_a_grand_total(tmp_path: Path) -> None:
    """Rows of totals that stand only where another row is one, too."""
    leaves: Table = {("Beirut", "F"): 60, ("Beirut", "M"): 20, ("North", "F"): 30, ("North", "M"): 4}
    sums: Table = {("Total", "F"): 90, ("Total", "M"): 24, ("Beirut", "All"): 80, ("Total", "All"): 114}
    table = written(tmp_path / "t.csv", ("place", "sex"), leaves | sums)
    answer = amana("protect", table, "--dims", "place,sex", "--out", tmp_path / "out")
    assert answer.exit_code == 0, answer.exception
    identity = {"place": below(["Beirut", "North"], {}), "sex": below(["F", "M"], {})}
    known = Outsider(tmp_path / "out" / "t.csv", ("place", "sex"), identity)
    assert known.published["_T", "_T"] == 114
    assert known.recovered(leaves, K) == []


def three_levels(seed: int) -> tuple[dict[tuple[str, ...], int], dict[str, list[str]]]:
    """Return a table over two nested dimensions, with names that say nothing in the first."""
    draw = random.Random(seed)
    districts = {f"{r}{c}{d}": (r, f"{r}{c}") for r in "XY" for c in "PQ" for d in "uvw"}
    names = {code: f"place {draw.randrange(10**6):06}" for code in (*districts, *"XY", "XP", "XQ", "YP", "YQ")}
    sizes = {district: draw.choice((4, 12, 60, 200)) for district in districts}
    people = ("F minor", "F adult", "M minor", "M adult")
    periods = {"2024": ("2024-Q1", "2024-Q2")}
    leaf: Table = {
        (names[d], q, p): draw.randrange(sizes[d] + 1) for d in districts for q in periods["2024"] for p in people
    }
    wholes = {
        names[w]: [names[d] for d, above in districts.items() if w in above] for w in ("X", "Y", "XP", "XQ", "YP", "YQ")
    }
    sides = {**{names[d]: [names[d]] for d in districts}, **wholes}
    spans = {"2024-Q1": ["2024-Q1"], "2024-Q2": ["2024-Q2"], "2024": ["2024-Q1", "2024-Q2"]}
    counts: Table = {
        (place, period, p): sum(leaf[d, q, p] for d in sides[place] for q in spans[period])
        for place in sides
        for period in spans
        for p in people
    }
    return counts, wholes


@pytest.mark.parametrize("seed", range(3))
def test_three_levels_without_telling_names_are_found_by_their_counts(tmp_path: Path, seed: int) -> None:
    """Two nested dimensions at once; the outsider knows all levels, and each cell of 1 to 10 may be 0 or 11 to them."""
    counts, wholes = three_levels(seed)
    table = written(tmp_path / "t.csv", ("place", "period", "sex"), counts)
    answer = amana("protect", table, "--dims", "place,period,sex", "--out", tmp_path / "out")
    assert answer.exit_code == 0, answer.exception
    leaves = [code for code in {codes[0] for codes in counts} if code not in wholes]
    known = Outsider(
        tmp_path / "out" / "t.csv",
        ("place", "period", "sex"),
        {
            "place": below(leaves, wholes),
            "period": below(["2024-Q1", "2024-Q2"], {"2024": ["2024-Q1", "2024-Q2"]}),
            "sex": below(["F minor", "F adult", "M minor", "M adult"], {}),
        },
    )
    assert known.recovered(counts, K) == []


REFUSED = {
    "a year with more than its quarters": ({"2024": (99, 40), "2024-Q1": (60, 30), "2024-Q2": (27, 4)}, "CON-086"),
    "a year with fewer than its quarters": ({"2024": (80, 30), "2024-Q1": (60, 30), "2024-Q2": (27, 4)}, "CON-086"),
    "a country with more than its parts": ({"LBN": (99, 40), "LBN-Beirut": (60, 30), "LBN-North": (27, 4)}, "CON-086"),
    "ages that overlap": ({"0-17": (60, 30), "15-24": (27, 4), "25+": (80, 90)}, "CON-086"),
    "a total that is none": ({"Total": (99, 40), "women": (60, 30), "men": (27, 4)}, "CON-083"),
    "a total without a row": ({"المجموع": (99, 40), "women": (60, 30)}, "CON-083"),
    "two ways to cut": (
        {"women": (310, 144), "men": (95, 61), "adults": (287, 133), "minors": (118, 72)}, "CON-086",
    ),
    "two names of one": ({"Beirut": (310, 144), "Bayrut": (310, 144), "North": (95, 61)}, "CON-086"),
    "a sum by its counts, not surely": ({"Levant": (405, 205), "LBN": (310, 144), "JOR": (95, 61)}, "CON-086"),
}  # fmt: skip


@pytest.mark.parametrize(("rows", "code"), REFUSED.values(), ids=REFUSED)
def test_what_may_be_nested_and_is_not_certain_is_refused(
    tmp_path: Path, rows: Mapping[str, Sequence[int]], code: str
) -> None:
    """With the dimension and the lines, without a count; nothing is written, and `--flat` states that nothing is."""
    table = written(tmp_path / "t.csv", ("level", "who"), nested(rows, {}, ("a", "b")))
    answer = amana("protect", table, "--dims", "level,who", "--out", tmp_path / "out")
    assert code_of(answer) == code
    assert "level" in str(answer.exception)
    assert not any(str(n) in str(answer.exception) for row in rows.values() for n in row if n > 30)
    assert not (tmp_path / "out").exists()
    assert amana("protect", table, "--dims", "level,who", "--flat", "level", "--out", tmp_path / "out").exit_code == 0


def test_a_stated_rest_is_a_leaf_and_no_small_rest_is_told(tmp_path: Path) -> None:
    """Three women of the country are in none of its listed governorates."""
    counts: Table = {("LBN", "F"): 90, ("LBN", "M"): 34, ("LBN-Beirut", "F"): 60, ("LBN-Beirut", "M"): 20}
    counts |= {("LBN-North", "F"): 27, ("LBN-North", "M"): 14}
    table = written(tmp_path / "t.csv", ("area", "sex"), counts)
    groups = tmp_path / "groups.csv"
    groups.write_text("dimension,group,code\narea,LBN,LBN-Beirut\narea,LBN,LBN-North\narea,LBN,_O\n", encoding="utf-8")
    answer = amana("protect", table, "--dims", "area,sex", "--groups", groups, "--out", tmp_path / "out")
    assert answer.exit_code == 0, answer.exception
    parts = ["LBN-Beirut", "LBN-North", "LBN:_O"]
    known = Outsider(
        tmp_path / "out" / "t.csv",
        ("area", "sex"),
        {"area": below(parts, {"LBN": parts}), "sex": below(["F", "M"], {})},
    )
    rest: Table = {("LBN:_O", "F"): 3, ("LBN:_O", "M"): 0}
    assert known.recovered(counts | rest, K) == []
    assert amana("attack", tmp_path / "out", "--groups", groups).exit_code == 0


@pytest.mark.parametrize("order", [0, 1])
def test_levels_in_two_tables_of_a_history_are_refused(tmp_path: Path, order: int) -> None:
    """Countries first and their governorates then, or the other way: apart, each would be protected as other people."""
    fine = written(tmp_path / "fine.csv", ("area", "who"), nested(SMALL, {}, ("women", "men")))
    coarse_counts = {key: n for key, n in nested(SMALL, AREAS, ("women", "men")).items() if key[0] in AREAS}
    coarse = written(tmp_path / "coarse.csv", ("area", "who"), coarse_counts)
    first, second = (fine, coarse)[:: 1 - 2 * order]
    options = ["--dims", "area,who", "--history", tmp_path / "history", "--out", tmp_path / "out"]
    assert amana("protect", first, *options).exit_code == 0
    assert code_of(amana("protect", second, *options)) == "CON-089"
    assert [path.name for path in (tmp_path / "out").iterdir()] == [first.name]


def test_regions_in_two_tables_of_a_history_are_refused_by_their_counts(tmp_path: Path) -> None:
    """Names that say nothing; the counts of the region are those of its countries."""
    draw = random.Random(5)
    people = [f"{sex} {age}" for sex, age in product("FM", ("minor", "adult", "unknown"))]
    leaves = {code: [draw.randrange(200) for _ in people] for code in ("SYR", "IRQ", "KWT", "EGY", "TUR")}
    region: Table = {
        ("Mashriq", p): leaves["SYR"][i] + leaves["IRQ"][i] + leaves["EGY"][i] for i, p in enumerate(people)
    }
    options = ["--dims", "area,who", "--history", tmp_path / "history", "--out", tmp_path / "out"]
    first = written(tmp_path / "fine.csv", ("area", "who"), nested(leaves, {}, people))
    assert amana("protect", first, *options).exit_code == 0
    second = written(tmp_path / "coarse.csv", ("area", "who"), region)
    assert code_of(amana("protect", second, *options)) == "CON-089"


DOUBLED = """LBN,women,90
LBN-Beirut,women,60
LBN-North,women,27
LBN-South,women,
_T,women,180
LBN,men,34
LBN-Beirut,men,30
LBN-North,men,
LBN-South,men,0
_T,men,68"""


@pytest.mark.parametrize(
    "rows",
    [
        "LBN,women,90\nLBN-Beirut,women,60\nLBN-North,women,27\nLBN-South,women,",
        "2024,women,90\n2024-Q1,women,60\n2024-Q2,women,27\n2024-Q3,women,",
        "Beirut,women,85\nBeirut,men,\nBeirut,Total,88",
        "Beirut,women,85\nBeirut,men,\nBeirut,المجموع,88",
        "<18,women,90\n0-5,women,60\n6-11,women,27\n12-17,women,",
        DOUBLED,
    ],
)
def test_the_attack_reads_levels_in_a_table_that_a_threshold_alone_made(tmp_path: Path, rows: str) -> None:
    """Also where the total counts everybody twice, as it did before levels were recognised."""
    (tmp_path / "t.csv").write_text(f"level,who,value\n{rows}\n", encoding="utf-8")
    answer = amana("attack", tmp_path)
    assert answer.exit_code == 1, answer.exception
    assert "t: reads " in answer.output
    assert "margins: t: " in answer.output


def test_the_attack_relates_the_levels_of_two_tables(tmp_path: Path) -> None:
    """A table of countries beside one of governorates."""
    (tmp_path / "1.csv").write_text("area,who,value\nLBN,women,90\nLBN,men,34\n", encoding="utf-8")
    (tmp_path / "2.csv").write_text(
        "area,who,value\nLBN-Beirut,women,60\nLBN-North,women,27\nLBN-South,women,\n", "utf-8"
    )
    answer = amana("attack", tmp_path)
    assert answer.exit_code == 1
    assert "history: 2: LBN-South, women" in answer.output


def test_levels_that_the_counts_rule_out_are_not_read(tmp_path: Path) -> None:
    """And the report says so where only all equations together rule them out."""
    rows = "North,women,20\nNorth-East,women,60\nSouth,women,30\n_T,women,110"
    (tmp_path / "t.csv").write_text(f"level,who,value\n{rows}\n", encoding="utf-8")
    answer = amana("attack", tmp_path)
    assert answer.exit_code == 0, answer.output
    assert "reads" not in answer.output


def test_recognition_switched_off_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted fault: names of parts are not looked at, and sums are not searched."""
    monkeypatch.setattr(CodeColumns, "take_named", lambda _self: None)
    monkeypatch.setattr(CodeColumns, "take_sums", lambda _self: None)
    counts = nested(SMALL, AREAS, ("women", "men"))
    table = written(tmp_path / "t.csv", ("area", "who"), counts)
    assert amana("protect", table, "--dims", "area,who", "--out", tmp_path / "out").exit_code == 0
    assert amana("attack", tmp_path / "out").exit_code == 1
