"""`amana attack` and `amana protect` on tables that nobody writes by hand: a code, never a traceback or a formula."""

import csv
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from amana.__main__ import build
from schemas.errors import AmanaError, ContractError

pytestmark = pytest.mark.timeout(60)

ODD_NUMBERS = (
    *("nan", "inf", "-inf", "Infinity", "1e400", "-1e400", "1e99", "9" * 23, "1" + "0" * 300, "1_0", "0x10", "١٢"),
    *(" 12", "12 ", "1e", "--1", "1.5", "-1", "twelve"),
)
FORMULAS = ("=1+1", "+cmd", "-2", "@SUM(A1)", "\uff1d1", "'=1", "'+")


def amana(*words: object) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(build(), [str(word) for word in words])


def published(folder: Path, rows: str, header: str = "country,value,status") -> Path:
    """Write one published table into a folder of its own."""
    folder.mkdir(exist_ok=True)
    (folder / "t.csv").write_text(f"{header}\n{rows}\n", encoding="utf-8")
    return folder


@pytest.mark.parametrize("number", ODD_NUMBERS)
def test_a_value_that_is_no_count_is_refused_with_its_code(tmp_path: Path, number: str) -> None:
    """In the column of values, beside good rows and a total."""
    answer = amana("attack", published(tmp_path / "t", f"LBN,{number},published\nJOR,,suppressed\n_T,30,published"))
    assert isinstance(answer.exception, ContractError), answer.output
    assert answer.exception.code == "CON-084"
    assert number not in str(answer.exception)


@pytest.mark.parametrize("number", [*ODD_NUMBERS[:12], "-1"])
def test_a_deviation_that_is_none_is_refused_with_its_code(tmp_path: Path, number: str) -> None:
    """In the column of standard deviations, where a noisy value may be negative and broken."""
    rows = f"LBN,-2.5,{number}\nJOR,3.25,4.0"
    answer = amana("attack", published(tmp_path / "t", rows, "country,value,sd"))
    assert isinstance(answer.exception, ContractError), answer.output
    assert answer.exception.code == "CON-084"


@pytest.mark.parametrize(
    "text",
    [
        *("", "\n", "value\n", "value\n1\n", "a,a,value\nx,y,1\n", "a,value\n", "a,value\nx\n", "a,value\nx,1,2,3\n"),
        *("a,value\n,1\n", ",value\nx,1\n", "a,value\nx,1\nx,1\n", "a,value\n_T,999999999999\nx,\ny,\n"),
        *("a,value,status\nx,1,counted\n", 'a,value\n"x,1\n', "a,value\nx\0,1\n", "value,value\n1,2\n"),
        "a,value\n" + "x" * 200_000 + ",1\n",
    ],
)
def test_a_table_of_any_other_form_ends_without_a_traceback(tmp_path: Path, text: str) -> None:
    """It is attacked or refused; both have an exit status of their own."""
    (tmp_path / "t.csv").write_text(text, encoding="utf-8")
    answer = amana("attack", tmp_path)
    assert isinstance(answer.exception, AmanaError | SystemExit | None), repr(answer.exception)


@pytest.mark.parametrize("option", ["--k", "--own"])
def test_a_large_number_of_an_option_is_refused_or_taken(tmp_path: Path, option: str) -> None:
    """Also what an insider knows, and the least count."""
    (tmp_path / "own.csv").write_text("country,count\nLBN,99999999999999999999999\n", encoding="utf-8")
    folder = published(tmp_path / "t", "LBN,12,published\nJOR,,suppressed\n_T,15,published")
    answer = amana("attack", folder, option, {"--k": "9" * 23, "--own": tmp_path / "own.csv"}[option])
    assert answer.exit_code != 0
    assert isinstance(answer.exception, AmanaError | SystemExit), repr(answer.exception)


def test_a_protected_table_holds_no_formula_and_is_read_back_as_it_was(tmp_path: Path) -> None:
    """Names of columns and codes; a history finds the same cells again, and the attack on it finds nothing."""
    table, out, history = tmp_path / "table.csv", tmp_path / "out", tmp_path / "history"
    with table.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["=kind", "count"], *([code, 20 + n] for n, code in enumerate(FORMULAS))])
    for _ in range(2):
        answer = amana("protect", table, "--dims", "=kind", "--out", out, "--history", history)
        assert answer.exit_code == 0, (answer.output, answer.exception)
    text = (out / "table.csv").read_text(encoding="utf-8")
    rows = [*csv.reader(text.splitlines(keepends=True))]
    cells = [cell for row in rows for cell in row]
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\uff1d")) for cell in cells)
    assert {row[0] for row in rows} == {"'=kind", "_T", *(f"'{code}" for code in FORMULAS)}
    assert amana("attack", out, "--truth", tmp_path / "truth").exit_code != 0, "there is no truth yet"
    (tmp_path / "truth").mkdir()
    (tmp_path / "truth" / "table.csv").write_bytes(table.read_bytes())
    answer = amana("attack", out, "--truth", tmp_path / "truth")
    assert answer.exit_code == 0, (answer.output, answer.exception)
