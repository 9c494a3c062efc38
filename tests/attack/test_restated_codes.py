"""One code in two spellings, in what a user states and in several tables: taken for one, or refused."""

import csv
import os
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from amana.__main__ import build
from anonymizer.attacks.spellings import spelt_once
from connectors.offline import table_files
from schemas.errors import AmanaError

pytestmark = pytest.mark.timeout(60)

AREAS = (("area", "sex", "count"), ("LBN", "F", 90), ("LBN", "M", 34), ("JOR", "F", 50), ("JOR", "M", 40))


def amana(*words: object) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(build(), [str(word) for word in words])


def code_of(answer: Result) -> str | None:
    """Return the code of a refusal."""
    return answer.exception.code if isinstance(answer.exception, AmanaError) else None


def written(path: Path, *rows: tuple[object, ...]) -> Path:
    """Write a CSV file."""
    path.parent.mkdir(exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def cells(path: Path, *dims: str) -> dict[tuple[str, ...], str]:
    """Return a published table: codes → value."""
    with path.open(encoding="utf-8", newline="") as file:
        return {tuple(row[dim] for dim in dims): row["value"] for row in csv.DictReader(file)}


@pytest.mark.parametrize(("one", "other"), [*product(("LBN", "lbn", "LBN\u200b"), ("JOR", "Jor", "\uff2aOR"))])
def test_a_group_holds_its_codes_in_any_spelling(tmp_path: Path, one: str, other: str) -> None:
    """Levant had 74 persons of 164 where the groups spelt Jordan otherwise, without a word."""
    groups = written(
        tmp_path / "g.csv", ("dimension", "group", "code"), ("area", "Levant", one), ("area", "Levant", other)
    )
    table = written(tmp_path / "t.csv", *AREAS)
    answer = amana("protect", table, "--dims", "area,sex", "--groups", groups, "--out", tmp_path / "out")
    assert answer.exit_code == 0, answer.exception
    assert cells(tmp_path / "out" / "t.csv", "area", "sex")["Levant", "_T"] == "214"


def test_a_group_that_is_a_row_is_found_in_any_spelling(tmp_path: Path) -> None:
    """And so is its rest, which is published under the spelling of the table."""
    table = written(tmp_path / "t.csv", *AREAS, ("LBN-B", "F", 60), ("LBN-B", "M", 20))
    rows = (("area", "lbn", "lbn-b"), ("area", "Lbn", "_O"))
    groups = written(tmp_path / "g.csv", ("dimension", "group", "code"), *rows)
    answer = amana("protect", table, "--dims", "area,sex", "--groups", groups, "--out", tmp_path / "out")
    assert answer.exit_code == 0, answer.exception
    values = cells(tmp_path / "out" / "t.csv", "area", "sex")
    assert values["_T", "_T"] == "214"
    assert ("LBN:_O", "F") in values


def test_a_row_of_the_rest_is_a_code_like_the_others(tmp_path: Path) -> None:
    """Computed beside the row that the table has, the rest would be there twice, and one of the two lost."""
    rows = (("LBN-B", "F", 60), ("LBN-B", "M", 20), ("LBN:_O", "F", 30), ("LBN:_O", "M", 14))
    groups = written(
        tmp_path / "g.csv", ("dimension", "group", "code"), ("area", "LBN", "LBN-B"), ("area", "LBN", "_O")
    )
    options = ("--dims", "area,sex", "--groups", groups, "--out", tmp_path / "out")
    assert amana("protect", written(tmp_path / "t.csv", *AREAS, *rows), *options).exit_code == 0
    assert cells(tmp_path / "out" / "t.csv", "area", "sex")["_T", "_T"] == "214"
    wrong = written(tmp_path / "wrong.csv", *AREAS, *rows[:-1], ("LBN:_O", "M", 15))
    assert code_of(amana("protect", wrong, *options)) == "CON-083"


def test_a_total_that_the_table_does_not_have_is_refused(tmp_path: Path) -> None:
    """A mistyped name was passed over; in another spelling it is the code that is meant."""
    rows = (("Gesamtheit", "F", 140), ("Gesamtheit", "M", 74))
    table = written(tmp_path / "t.csv", *AREAS, *rows)
    options = ("protect", table, "--dims", "area,sex", "--out", tmp_path / "out", "--total")
    assert code_of(amana(*options, "Gesamheit")) == "CFG-087"
    assert not (tmp_path / "out").exists()
    answer = amana(*options, "GESAMTHEIT")
    assert answer.exit_code == 0, answer.exception
    assert cells(tmp_path / "out" / "t.csv", "area", "sex")["_T", "_T"] == "214"
    assert code_of(amana("attack", tmp_path / "out", "--total", "Gesamheit")) == "CFG-087"


@pytest.mark.parametrize(
    ("one", "other"), [("1", "01"), ("1", "1.0"), ("01", "1.00"), ("1", "\u0660\u0661"), ("007", "7")]
)
def test_two_spellings_of_one_number_are_refused_or_merged(tmp_path: Path, one: str, other: str) -> None:
    """A spreadsheet makes one of them: 15 persons would be published as 11, or as a blank."""
    table = written(tmp_path / "t.csv", ("camp", "count"), (one, 11), (other, 4), ("12", 30))
    options = ("protect", table, "--dims", "camp", "--out", tmp_path / "out")
    assert code_of(amana(*options)) == "CON-085"
    assert not (tmp_path / "out").exists()
    assert amana(*options, "--merge").exit_code == 0
    assert cells(tmp_path / "out" / "t.csv", "camp")[one,] == "15"


@pytest.mark.parametrize("codes", [("1", "12", "10"), ("LB01", "LB1"), ("2.5", "1.5"), ("0", "00x"), ("-1", "1")])
def test_numbers_that_are_two_stay_two_codes(tmp_path: Path, codes: tuple[str, ...]) -> None:
    """Nor is 12 a part of 1; and a minus in front is no formula when it is read again."""
    table = written(tmp_path / "t.csv", ("camp", "count"), *((code, 40 + 7 * i) for i, code in enumerate(codes)))
    answer = amana("protect", table, "--dims", "camp", "--out", tmp_path / "out")
    assert answer.exit_code == 0, answer.exception
    known = table_files.unguarded
    with (tmp_path / "out" / "t.csv").open(encoding="utf-8", newline="") as file:
        assert {known(row)["camp"] for row in csv.DictReader(file)} == {*codes, "_T"}
    assert amana("attack", tmp_path / "out").exit_code == 0


def test_the_number_of_a_camp_in_a_history_is_one_in_any_spelling(tmp_path: Path) -> None:
    """Else the next table would be taken for one about other people."""
    options = ("--dims", "camp", "--history", tmp_path / "history", "--out", tmp_path / "out")
    first = written(tmp_path / "1.csv", ("camp", "count"), ("01", 40), ("02", 30))
    assert amana("protect", first, *options).exit_code == 0
    again = written(tmp_path / "2.csv", ("camp", "count"), ("1", 43), ("2", 30))
    assert code_of(amana("protect", again, *options)) == "CON-085"


@pytest.mark.parametrize(
    ("area", "codes"), [("area", ("lbn", "jor")), ("Area", ("LBN", "JOR")), ("AREA", ("Lbn", "jor"))]
)
def test_the_attack_takes_two_spellings_of_two_tables_for_one_code(
    tmp_path: Path, area: str, codes: tuple[str, str]
) -> None:
    """What one table hides, the other shows with the total."""
    written(tmp_path / "1.csv", ("area", "value"), ("LBN", 90), ("JOR", ""), ("EGY", ""), ("_T", 125))
    written(tmp_path / "2.csv", (area, "value"), (codes[0], 90), (codes[1], 31))
    answer = amana("attack", tmp_path)
    assert answer.exit_code == 1, answer.output
    assert "history: " in answer.output


def test_two_spellings_in_one_table_stay_two_cells_to_the_attack(tmp_path: Path) -> None:
    """Whoever published both has two cells; the table is attacked, not refused as one with a line twice."""
    written(tmp_path / "1.csv", ("area", "value"), ("LBN", 90), ("lbn", 40), ("_T", 130))
    assert amana("attack", tmp_path).exit_code == 0


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), min_size=1, max_size=6).filter(str.strip)


@given(st.lists(NAMES, min_size=1, max_size=6, unique=True), st.lists(NAMES, min_size=1, max_size=6, unique=True))
@settings(deadline=None)
def test_no_cell_is_lost_or_merged_by_spelling_tables_once(one: list[str], other: list[str]) -> None:
    """In each table as many codes as before, with the same values in the same order."""
    tables = [
        (name, ["area", "value"], [{"area": code, "value": str(i)} for i, code in enumerate(codes)])
        for name, codes in (("1", one), ("2", other))
    ]
    for (_, _, before), (_, _, after) in zip(tables, spelt_once(tables, ["value"]), strict=True):
        assert [row["value"] for row in after] == [row["value"] for row in before]
        dim = next(name for name in after[0] if name != "value")
        assert len({row[dim] for row in after}) == len(before)


@pytest.fixture
def pipe(tmp_path: Path) -> Iterator[Path]:
    """Make a named pipe that nobody writes to."""
    path = tmp_path / "pipe.csv"
    os.mkfifo(path)
    yield path
    path.unlink()


def test_no_file_of_a_command_is_waited_for(tmp_path: Path, pipe: Path) -> None:
    """Table, groups, what an insider knows, a table in the folder, levels beside it: refused at once, with a code."""
    table = written(tmp_path / "tables" / "t.csv", ("area", "value"), ("LBN", 90))
    counts = written(tmp_path / "c.csv", ("area", "count"), ("LBN", 90))
    out = ("--dims", "area", "--out", tmp_path / "out")
    assert code_of(amana("protect", pipe, *out)) == "CON-080"
    assert code_of(amana("protect", counts, *out, "--groups", pipe)) == "CON-080"
    assert code_of(amana("attack", table.parent, "--groups", pipe)) == "CON-080"
    assert code_of(amana("attack", table.parent, "--own", pipe)) == "CON-080"
    assert code_of(amana("attack", table.parent, "--log", pipe, "--guesses", counts)) == "CFG-083"
    (table.parent / "levels").mkdir()
    os.mkfifo(table.parent / "levels" / "t.csv")
    assert code_of(amana("attack", table.parent)) == "CON-080"
    (table.parent / "levels" / "t.csv").unlink()
    os.mkfifo(table.parent / "u.csv")
    assert code_of(amana("attack", table.parent)) == "CON-080"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("link", [False, True])
def test_what_lies_in_the_place_of_a_half_written_file_is_replaced(tmp_path: Path, *, link: bool) -> None:
    """A named pipe there kept the command waiting; a link would have sent the table elsewhere."""
    table = written(tmp_path / "t.csv", *AREAS)
    (tmp_path / "out").mkdir()
    part = tmp_path / "out" / ".t.csv.part"
    if link:
        part.symlink_to(tmp_path / "elsewhere.csv")
    else:
        os.mkfifo(part)
    answer = amana("protect", table, "--dims", "area,sex", "--out", tmp_path / "out")
    assert answer.exit_code == 0, answer.exception
    assert (tmp_path / "out" / "t.csv").is_file()
    assert not (tmp_path / "elsewhere.csv").exists()
