"""`amana attack` on what `amana feed export` writes: related by region, period and revision, or refused with a code."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from amana.__main__ import build
from connectors.feed import export
from schemas.errors import AmanaError
from schemas.trend import TrendRow
from tests.support.feed import a_feed_row, a_region

pytestmark = pytest.mark.timeout(60)


def attack(folder: Path, *options: object) -> Result:
    """Run `amana attack` in this process."""
    return CliRunner().invoke(build(), ["attack", str(folder), *map(str, options)])


def code_of(answer: Result) -> str | None:
    """Return the code of a refusal."""
    return answer.exception.code if isinstance(answer.exception, AmanaError) else None


def countries(values: Mapping[str, int | None], **changed: object) -> list[TrendRow]:
    """Return the rows of one region and period by country."""
    return [
        a_feed_row(value, dimensions={"phenomenon": "TIP", "status": "confirmed", "country": code}, **changed)
        for code, value in values.items()
    ]


def exported(folder: Path, rows: Sequence[TrendRow]) -> Path:
    """Export rows as the feed does."""
    export.write(rows, folder, ["csv"])
    return folder


def test_an_export_that_tells_nothing_is_attacked_in_vain(tmp_path: Path) -> None:
    """Several regions, periods and tables, with every cell of 1 to 10 blank, and what would tell them too."""
    rows = [
        *countries({"_T": 90, "LBN": 40, "JOR": 50, "KWT": 0}),
        *countries({"_T": 70, "LBN": None, "JOR": None, "KWT": 0}, period="2024-Q2", as_of="2024-07-20"),
    ]
    answer = attack(exported(tmp_path, rows))
    assert answer.exit_code == 0, (answer.output, answer.exception)
    assert "CON-084" not in answer.output


def test_a_suppressed_country_is_told_by_its_region(tmp_path: Path) -> None:
    answer = attack(exported(tmp_path, countries({"_T": 44, "LBN": 40, "JOR": None})))
    assert answer.exit_code == 1, answer.exception
    assert "margins: totals pave 2024-Q1, revision 0" in answer.output


def test_a_suppressed_country_is_told_by_another_region(tmp_path: Path) -> None:
    """The same country is published there: equal codes are the same people."""
    rows = [
        *countries({"_T": 100, "LBN": 40, "JOR": None, "KWT": None}),
        *countries({"_T": 72, "LBN": 40, "EGY": 28, "JOR": None}, scheme="levant", region="levant"),
    ]
    answer = attack(exported(tmp_path, rows))
    assert answer.exit_code == 1, answer.exception
    assert "history: totals" in answer.output


def test_a_year_may_have_more_than_its_quarters(tmp_path: Path) -> None:
    """Events without a month are in the year alone: four less than the year may be a quarter's, or of no month."""
    quarters = {f"2024-Q{q}": n for q, n in ((1, 40), (2, 30), (3, 20), (4, None))}
    rows = [row for period, n in quarters.items() for row in countries({"LBN": n}, period=period)]
    year = countries({"LBN": 110}, period="2024", as_of="2025-01-20")
    assert attack(exported(tmp_path / "wide", [*rows, *year])).exit_code == 0
    year = countries({"LBN": 94}, period="2024", as_of="2025-01-20")
    answer = attack(exported(tmp_path / "narrow", [*rows, *year]))
    assert answer.exit_code == 0, answer.output
    told = attack(exported(tmp_path / "told", [*rows[:3], *countries({"LBN": 4}, period="2024-Q4"), *year]), "--k", 3)
    assert told.exit_code == 0, told.output


def test_latecomers_are_told_by_a_revision(tmp_path: Path) -> None:
    first = countries({"_T": 90, "LBN": 40, "JOR": 50})
    later = countries({"_T": 93, "LBN": 43, "JOR": 50}, revision=1, as_of="2025-01-20")
    answer = attack(exported(tmp_path, [*later, *first]))
    assert answer.exit_code == 1
    assert "revisions: totals pave 2024-Q1, revision 1" in answer.output


def test_several_codes_a_person_are_questions_and_no_parts(tmp_path: Path) -> None:
    """Both codes of one person: their sum is above the known, and nothing is told; a code of all but three is told."""

    def means(values: Mapping[str, int | None]) -> list[TrendRow]:
        return [a_feed_row(value, table="means", dimensions={"means": code}) for code, value in values.items()]

    sound = means({"_T": 60, "known": 50, "unknown": None, "force": 40, "debt": 30, "threats": None})
    assert attack(exported(tmp_path / "sound", sound)).exit_code == 1, "unknown is 10"
    sound = means({"_T": 80, "known": 50, "unknown": 30, "force": 39, "debt": 30, "threats": None})
    answer = attack(exported(tmp_path / "more", sound))
    assert answer.exit_code == 0, (answer.output, answer.exception)


def test_regions_without_countries_are_related_by_stated_groups(tmp_path: Path) -> None:
    """Two regions that differ by one country of three women."""
    rows = [
        a_feed_row(n, table="forms", dimensions={"gender": "F"}, scheme=region, region=region)
        for region, n in (("pave", 93), ("levant", 90))
    ]
    folder = exported(tmp_path / "out", rows)
    assert attack(folder).exit_code == 0
    groups = tmp_path / "groups.csv"
    codes = [("levant", "LBN"), ("levant", "JOR"), ("pave", "LBN"), ("pave", "JOR"), ("pave", "KWT")]
    groups.write_text("dimension,group,code\n" + "".join(f"region,{g},{c}\n" for g, c in codes), encoding="utf-8")
    assert attack(folder, "--groups", groups).exit_code == 1


def test_noise_is_attacked_as_noise_and_the_report_says_so(tmp_path: Path) -> None:
    rows = [a_feed_row(n, sd=7.4, lo90=n - 12.2, hi90=n + 12.2, k=0, period=f"2024-Q{n % 4 + 1}") for n in (40, 57)]
    answer = attack(exported(tmp_path, rows))
    assert answer.exit_code == 0, answer.exception
    assert "2 of 2 tables have noise" in answer.output


def test_a_withheld_table_has_no_cell(tmp_path: Path) -> None:
    rows = [*countries({"_T": 90, "LBN": 40, "JOR": 50}), a_feed_row(None, status="withheld", period="2024-Q2")]
    assert attack(exported(tmp_path, rows)).exit_code == 0


def test_the_whole_export_of_a_region_is_read(tmp_path: Path) -> None:
    """Every table that the feed has, in one folder, as `amana feed export` leaves it: nothing is refused."""
    export.write([*a_region(), *a_region(period="2024-Q2", seed=2)], tmp_path, ["csv", "parquet"])
    answer = attack(tmp_path)
    assert answer.exit_code == 1, "the invented numbers fit each other only by chance"
    assert code_of(answer) is None


@pytest.mark.parametrize("lost", ["population", "scheme", "region", "period", "cell_status", "as_of", "sd", "revision"])
def test_an_export_without_a_column_is_refused_by_name(tmp_path: Path, lost: str) -> None:
    exported(tmp_path, countries({"_T": 90, "LBN": 40, "JOR": 50}))
    with (tmp_path / "totals.csv").open(encoding="utf-8", newline="") as file:
        rows = [*csv.DictReader(file)]
    with (tmp_path / "totals.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [name for name in rows[0] if name != lost], extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    answer = attack(tmp_path)
    assert code_of(answer) == "CON-090"
    assert lost in str(answer.exception)


def test_what_is_no_csv_export_is_refused(tmp_path: Path) -> None:
    """Parquet alone, and several tables in one file."""
    export.write(countries({"_T": 90}), tmp_path / "parquet", ["parquet"])
    assert code_of(attack(tmp_path / "parquet")) == "CON-090"
    exported(tmp_path / "two", countries({"_T": 90}))
    path = tmp_path / "two" / "totals.csv"
    text = path.read_text(encoding="utf-8")
    path.write_text(text + text.splitlines()[1].replace("totals", "other") + "\n", encoding="utf-8")
    assert code_of(attack(tmp_path / "two")) == "CON-090"
