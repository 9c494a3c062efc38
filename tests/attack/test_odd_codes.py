"""`amana protect` on names, codes, counts and persons that would be read as something else.

Nothing is written where anything is refused.
"""

import csv
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from amana.__main__ import build
from schemas.errors import AmanaError

pytestmark = pytest.mark.timeout(60)

OUTPUT = ("status", "value", "sd", "display", "lo90", "hi90", "Status", "VALUE", " value", "count", "sta\u200btus")
SPELLINGS = (
    *(("LBN", "lbn"), ("LBN", "LBN\u200b"), ("Nord Liban", "Nord\u00a0Liban"), ("Nord Liban", "Nord  Liban")),
    *(("zone 1", "zone \u0661"), ("zone 1", "zone \u06f1"), ("e\u0301tat", "\u00e9tat"), ("LBN", "\uff2c\uff22\uff2e")),
    *(("إدلب", "ادلب"), ("إدلب", "إدلـب"), ("حلب", "حَلَب"), ("على", "علي"), ("کرکوک", "كركوك"), ("مدرسة", "مدرسه")),
    *(("0-5", "0\u20135"), ("LBN", "\u202aLBN\u202c"), ("Straße", "STRASSE")),
)
ODD_COUNTS = (
    *("nan", "inf", "-inf", "1e400", "1e3", "9" * 23, "-1", "-0", "1.0", "1.5", "1,234", "1.234", "1'234", "1 234"),
    *("1\u00a0234", "1\u202f234", "\u0661\u0662", "\uff11\uff12", "0x10", "1_0", "+5", "", "NA", "=1+1", "12 persons"),
)


def amana(*words: object) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(build(), [str(word) for word in words])


def refused(answer: Result, out: Path) -> str | None:
    """Return the code of a refusal that wrote nothing."""
    assert not out.exists()
    return answer.exception.code if isinstance(answer.exception, AmanaError) else None


def written(folder: Path, *rows: tuple[object, ...], name: str = "t.csv") -> Path:
    """Write a table."""
    with (folder / name).open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    return folder / name


def cells(path: Path, *dims: str) -> dict[tuple[str, ...], str]:
    """Return a published table: codes → value."""
    with path.open(encoding="utf-8", newline="") as file:
        return {tuple(row[dim] for dim in dims): row["value"] for row in csv.DictReader(file)}


@pytest.mark.parametrize("name", OUTPUT)
def test_a_dimension_called_like_a_column_of_the_output_is_refused(tmp_path: Path, name: str) -> None:
    """In any spelling: two columns of one name hid which cells were told."""
    rows = ((name.strip(), "country", "count"), ("Actual", "LBN", 40), ("Possible", "LBN", 4))
    answer = amana("protect", written(tmp_path, *rows), "--dims", f"{name},country", "--out", tmp_path / "out")
    assert refused(answer, tmp_path / "out") == "CFG-085"


def test_a_published_table_with_two_columns_of_one_name_is_refused(tmp_path: Path) -> None:
    """Which a table with the dimension `status` was before."""
    written(tmp_path, ("status", "country", "value", "status"), ("Actual", "LBN", 40, "published"))
    answer = amana("attack", tmp_path)
    assert isinstance(answer.exception, AmanaError)
    assert answer.exception.code == "CON-084"


@pytest.mark.parametrize(("one", "other"), SPELLINGS)
def test_two_spellings_of_one_code_are_refused_or_merged(tmp_path: Path, one: str, other: str) -> None:
    """Apart they are two cells, and the 15 persons of one code are published as 11 and 4, or blanked for nothing."""
    table = written(tmp_path, ("area", "sex", "count"), (one, "F", 11), (other, "F", 4), ("JOR", "F", 30))
    options = ("protect", table, "--dims", "area,sex", "--out", tmp_path / "out")
    answer = amana(*options)
    assert refused(answer, tmp_path / "out") == "CON-085"
    assert "lines 2 and 3" in str(answer.exception)
    assert one not in str(answer.exception)
    assert amana(*options, "--merge").exit_code == 0
    assert cells(tmp_path / "out" / "t.csv", "area", "sex")[one, "F"] == "15"


@pytest.mark.parametrize(
    ("one", "other"), [("Beirut", "Beyrouth"), ("état", "etat"), ("LBN 1", "LBN1"), ("باب", "بان")]
)
def test_two_codes_stay_two(tmp_path: Path, one: str, other: str) -> None:
    """What a reader sees as two is two."""
    table = written(tmp_path, ("area", "count"), (one, 40), (other, 30))
    assert amana("protect", table, "--dims", "area", "--out", tmp_path / "out").exit_code == 0


def test_two_spellings_of_a_column_or_of_a_code_in_a_history_are_refused(tmp_path: Path) -> None:
    """Else the second table would be taken for one about other people."""
    options = ("--history", tmp_path / "history", "--out", tmp_path / "out")
    first = written(tmp_path, ("area", "count"), ("LBN", 40), ("JOR", 30))
    assert amana("protect", first, "--dims", "area", *options).exit_code == 0
    for header, code in (("area", "lbn"), ("Area", "LBN")):
        table = written(tmp_path, (header, "count"), (code, 43), ("JOR", 30), name="again.csv")
        answer = amana("protect", table, "--dims", header, *options)
        assert isinstance(answer.exception, AmanaError)
        assert answer.exception.code == "CON-085"
    assert not (tmp_path / "out" / "again.csv").exists()


@pytest.mark.parametrize("number", ODD_COUNTS)
@pytest.mark.parametrize("mode", [("--mode", "suppression"), ("--mode", "dp", "--rho", 1)])
def test_a_count_in_any_other_form_is_refused(tmp_path: Path, number: str, mode: tuple[object, ...]) -> None:
    """Separators, other digits, signs, fractions, words; the message holds the line alone."""
    table = written(tmp_path, ("area", "count"), ("LBN", number), ("JOR", 30))
    answer = amana("protect", table, "--dims", "area", "--out", tmp_path / "out", *mode)
    assert refused(answer, tmp_path / "out") == "CON-081"
    assert str(answer.exception) == "CON-081: line 2 has a count that is no whole number of persons, 0 or more"


@pytest.mark.parametrize(
    "options",
    [
        *(("--k", "1"), ("--k", "9" * 23), ("--k", "1.5"), ("--m", "0"), ("--m", "9" * 23)),
        *(("--mode", "dp", "--rho", number) for number in ("nan", "inf", "-1", "0", "1e-400", "1,5")),
    ],
)
def test_an_odd_number_of_an_option_is_refused(tmp_path: Path, options: tuple[str, ...]) -> None:
    """With an exit status of 2, before anything is written."""
    table = written(tmp_path, ("area", "count"), ("LBN", 40), ("JOR", 30))
    answer = amana("protect", table, "--dims", "area", "--out", tmp_path / "out", *options)
    assert answer.exit_code != 0
    assert not (tmp_path / "out").exists()
    assert isinstance(answer.exception, AmanaError | SystemExit), repr(answer.exception)


@pytest.mark.parametrize("command", ["protect", "attack"])
def test_a_file_without_an_end_is_refused_before_it_fills_the_memory(tmp_path: Path, command: str) -> None:
    """A sparse file of 10 GB."""
    huge = tmp_path / "huge.csv"
    with huge.open("wb") as file:
        file.write(b"area,count\n")
        file.truncate(10 * 1024**3)
    words = (
        ("protect", huge, "--dims", "area", "--out", tmp_path / "out") if command == "protect" else ("attack", tmp_path)
    )
    assert refused(amana(*words), tmp_path / "out") == "CON-080"


PERSONS = (
    ("id", "area", "service"),
    *((f"p{n}", "LBN", "legal") for n in range(12)),
    *((f"P{n}", "LBN", "medical") for n in range(12)),
    *((f"q{n}", "JOR", "legal") for n in range(30)),
    ("q0", "JOR", "legal"),
)


def test_rows_of_persons_are_counted_once_a_cell(tmp_path: Path) -> None:
    """Twelve persons with two services each: `_T` counts them twice, so k counts rows of two."""
    table = written(tmp_path, *PERSONS)
    options = ("protect", table, "--dims", "area,service", "--person-column", "id", "--out", tmp_path / "out")
    assert refused(amana(*options), tmp_path / "out") == "CON-088"
    assert amana(*options, "--m", "2").exit_code == 0
    values = cells(tmp_path / "out" / "t.csv", "area", "service")
    assert values["JOR", "legal"] == "30"
    assert values["LBN", "legal"] == "", "a sum of 20 rows may be one of 10 persons, so fewer than 21 are unsafe"


def test_a_person_without_an_id_is_refused(tmp_path: Path) -> None:
    table = written(tmp_path, *PERSONS, ("", "JOR", "legal"))
    answer = amana("protect", table, "--dims", "area", "--person-column", "id", "--out", tmp_path / "out")
    assert refused(answer, tmp_path / "out") == "CON-088"


def test_the_persons_ids_are_never_a_dimension(tmp_path: Path) -> None:
    answer = amana(
        "protect", written(tmp_path, *PERSONS), "--dims", "id", "--person-column", "id", "--out", tmp_path / "o"
    )
    assert refused(answer, tmp_path / "o") == "CFG-086"


def test_rows_without_ids_are_a_person_each(tmp_path: Path) -> None:
    """And names of levels mean nothing where nobody is in two rows."""
    rows = [("LBN",)] * 20 + [("LBN-Beirut",)] * 15 + [("Total",)] * 11
    table = written(tmp_path, ("area",), *rows)
    assert amana("protect", table, "--dims", "area", "--persons", "--out", tmp_path / "out").exit_code == 0
    assert cells(tmp_path / "out" / "t.csv", "area") == {
        ("LBN",): "20", ("LBN-Beirut",): "15", ("Total",): "11", ("_T",): "46"
    }  # fmt: skip


def test_noise_on_nested_codes_counts_everybody_once(tmp_path: Path) -> None:
    """The sums are sums of the draw, which cost nothing; with next to no noise, the total is that of the leaves."""
    rows = [("LBN", 94), ("LBN-Beirut", 60), ("LBN-North", 34), ("JOR", 41), ("Total", 135)]
    table = written(tmp_path, ("area", "count"), *rows)
    options = ("--dims", "area", "--mode", "dp", "--rho", 1000, "--out", tmp_path / "out")
    answer = amana("protect", table, *options)
    assert answer.exit_code == 0, answer.exception
    values = {codes: round(float(value)) for codes, value in cells(tmp_path / "out" / "t.csv", "area").items()}
    assert values == {("_T",): 135, ("LBN",): 94, ("LBN-Beirut",): 60, ("LBN-North",): 34, ("JOR",): 41}


def test_noise_on_several_rows_a_person_is_larger_where_they_are_added(tmp_path: Path) -> None:
    """Two services are two cells, at twice the variance of one; in the margin of areas, one cell at four times."""
    table = written(tmp_path, *PERSONS)
    sd = {}
    for m, margin in ((2, "area"), (2, "area,service"), (4, "area,service")):
        options = ("--margins", margin, "--mode", "dp", "--rho", "0.1", "--m", m, "--person-column", "id")
        out = tmp_path / f"{m}{margin}"
        assert amana("protect", table, "--dims", "area,service", *options, "--out", out).exit_code == 0
        cell = ("LBN", "_T" if margin == "area" else "legal")
        with (out / "t.csv").open(encoding="utf-8", newline="") as file:
            sd[m, margin] = {(row["area"], row["service"]): float(row["sd"]) for row in csv.DictReader(file)}[cell]
    assert sd[2, "area"] / sd[2, "area,service"] == pytest.approx(2**0.5, rel=1e-4)
    assert sd[4, "area,service"] / sd[2, "area,service"] == pytest.approx(2**0.5, rel=1e-4)


def test_draws_of_a_history_add_up_for_whoever_is_in_them(tmp_path: Path) -> None:
    """Two quarters and their half-year cost a person two draws, a table of other dimensions a third; nothing is free.

    The same table again is the same draw, at no cost. Nested codes are one cell a person, not two.
    """
    options = ("--mode", "dp", "--rho", 0.02, "--history", tmp_path / "history", "--out", tmp_path / "out")
    counts = zip(("2024-Q1", "2024-Q1", "2024-Q2", "2024-Q2"), ("LBN", "JOR") * 2, (40, 57, 43, 71), strict=True)
    quarters = [*counts]
    tables = (
        ("quarter,area", quarters[:2], "0 was spent"),
        ("quarter,area", quarters[2:], "0 was spent"),
        ("quarter,area", quarters, "0.02 was spent"),
        ("quarter,sex", [("2024-Q1", "F", 61), ("2024-Q1", "M", 36), ("2024-Q1", "Total", 97)], "0.04 was spent"),
        ("quarter,area", quarters[2:], "at no cost"),
        ("quarter,area", [("2024", "LBN", 83), ("2024-Q1", "LBN", 40), ("2024-Q2", "LBN", 43)], "0.06 was spent"),
    )
    for number, (dims, rows, words) in enumerate(tables):
        table = written(tmp_path, (*dims.split(","), "count"), *rows, name=f"{number}.csv")
        answer = amana("protect", table, "--dims", dims, *options)
        assert answer.exit_code == 0, answer.exception
        assert words in answer.output
    assert (tmp_path / "out" / "1.csv").read_bytes() == (tmp_path / "out" / "4.csv").read_bytes()


def test_without_a_history_the_cost_of_earlier_draws_is_not_known(tmp_path: Path) -> None:
    """The command must not say that nothing was spent."""
    table = written(tmp_path, ("area", "count"), ("LBN", 40), ("JOR", 30))
    answer = amana("protect", table, "--dims", "area", "--mode", "dp", "--rho", 0.0244, "--out", tmp_path / "out")
    assert "what was spent before is not known; together epsilon 1.00 at delta 1e-06" in answer.output
