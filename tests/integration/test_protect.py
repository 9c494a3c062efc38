"""`amana protect` as a statistician uses it: files in, files out, refusals without a trace."""

import csv
import subprocess
import sys
from pathlib import Path

import pytest

ASSISTED = "country,gender,count\nLBN,F,85\nLBN,M,3\nLBN,X,1\nJOR,F,40\nJOR,M,22\nJOR,X,12\n"


def amana(*arguments: object, status: int = 0) -> str:
    """Run the command; return what it says."""
    command = [sys.executable, "-m", "amana", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == status, done.stderr + done.stdout
    return done.stderr if status else done.stdout


def cells(path: Path) -> dict[tuple[str, ...], str]:
    """Return a published table: codes → value."""
    with path.open(encoding="utf-8", newline="") as file:
        return {
            tuple(row[name] for name in row if name not in {"value", "status"}): row["value"]
            for row in csv.DictReader(file)
        }


def table(folder: Path, text: str = ASSISTED, name: str = "assisted.csv") -> Path:
    """Write a table."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_small_counts_and_what_would_tell_them_are_blank(tmp_path: Path) -> None:
    out = tmp_path / "out"
    amana("protect", table(tmp_path), "--dims", "country,gender", "--out", out)
    told = cells(out / "assisted.csv")
    assert told["LBN", "_T"] == "89"
    assert told["LBN", "M"] == told["LBN", "X"] == told["LBN", "F"] == ""
    amana("attack", out)


def test_a_history_keeps_its_exact_counts_inside_and_is_attacked_in_vain(tmp_path: Path) -> None:
    """The revision brings two more men of Jordan; nothing says so."""
    history, out = tmp_path / "history", tmp_path / "out"
    amana("protect", table(tmp_path), "--dims", "country,gender", "--history", history, "--out", out)
    revised = table(tmp_path, ASSISTED.replace("JOR,M,22", "JOR,M,24"), "revised.csv")
    amana("protect", revised, "--dims", "country,gender", "--history", history, "--out", out)
    first, second = (cells(history / name) for name in ("0001-assisted.csv", "0002-revised.csv"))
    assert {second[key] for key in first if "JOR" in key and "M" in key} == {""}
    assert [path.name for path in sorted(history.glob("*"))] == ["0001-assisted.csv", "0002-revised.csv", "internal"]
    assert {path.stat().st_mode & 0o077 for path in (history / "internal").glob("*.json")} == {0}
    amana("attack", history)


def test_the_same_seed_gives_the_same_bytes_whatever_the_order_of_rows(tmp_path: Path) -> None:
    """A second print that changes nothing says nothing new."""
    history, out = tmp_path / "history", tmp_path / "out"
    head, *rows = ASSISTED.splitlines()
    shuffled = table(tmp_path, "\n".join([head, *reversed(rows)]) + "\n", "again.csv")
    for path in (table(tmp_path), shuffled):
        amana("protect", path, "--dims", "country,gender", "--history", history, "--out", out)
    assert (out / "assisted.csv").read_bytes() == (out / "again.csv").read_bytes()


@pytest.mark.parametrize(
    ("text", "options", "code"),
    [
        (ASSISTED.replace("85", "-85"), [], "CON-081"),
        (ASSISTED.replace("85", "8.5"), [], "CON-081"),
        (ASSISTED.replace("85", ""), [], "CON-081"),
        (ASSISTED + "LBN,F,85\n", [], "CON-082"),
        (ASSISTED.replace("LBN,X", "LBN,"), [], "CON-082"),
        (ASSISTED + "LBN,_T,90\n", [], "CON-083"),
        ("country,gender,count\n", [], "CON-080"),
        (ASSISTED.replace(",count", ",persons"), [], "CON-080"),
        (ASSISTED + "LBN\n", [], "CON-080"),
        (ASSISTED, ["--margins", "country,age"], "CFG-080"),
        (ASSISTED, ["--margins", "country,country"], "CFG-081"),
    ],
)
def test_bad_input_is_refused_with_a_code_and_nothing_is_published(
    tmp_path: Path, text: str, options: list[str], code: str
) -> None:
    out = tmp_path / "out"
    status = 2 if code.startswith("CFG") else 1
    said = amana("protect", table(tmp_path, text), "--dims", "country,gender", "--out", out, *options, status=status)
    assert said.startswith(code)
    assert not out.exists()


def test_totals_that_are_the_sums_are_taken_for_what_they_are(tmp_path: Path) -> None:
    with_totals = table(tmp_path, ASSISTED + "LBN,_T,89\n_T,_T,163\n", "totals.csv")
    amana("protect", with_totals, "--dims", "country,gender", "--out", tmp_path)
    assert cells(tmp_path / "totals.csv")["_T", "_T"] == "163"


def test_rules_cannot_change_once_something_is_out(tmp_path: Path) -> None:
    options = ["--dims", "country,gender", "--history", tmp_path / "history", "--out", tmp_path / "out"]
    amana("protect", table(tmp_path), *options)
    assert "DIS-028" in amana("protect", table(tmp_path), *options, "--k", 5, status=1)


def test_a_history_that_was_tampered_with_stops_everything(tmp_path: Path) -> None:
    options = ["--dims", "country,gender", "--history", tmp_path / "history", "--out", tmp_path / "out"]
    amana("protect", table(tmp_path), *options)
    (tmp_path / "history" / "internal" / "0001-assisted.json").unlink()
    assert "INT-161" in amana("protect", table(tmp_path), *options, status=1)


def test_groups_of_countries_may_overlap(tmp_path: Path) -> None:
    """Two groups that differ by one country of three people do not tell the three."""
    counts = "country,gender,count\nIRQ,F,60\nLBN,F,70\nEGY,F,3\n"
    groups = table(
        tmp_path,
        "dimension,group,code\n"
        + "".join(
            f"country,{g},{c}\n"
            for g, c in (("inner", "IRQ"), ("inner", "LBN"), ("outer", "IRQ"), ("outer", "LBN"), ("outer", "EGY"))
        ),
        "groups.csv",
    )
    out = tmp_path / "out"
    amana("protect", table(tmp_path, counts, "t.csv"), "--dims", "country,gender", "--groups", groups, "--out", out)
    told = cells(out / "t.csv")
    assert "" in {told["inner", "_T"], told["outer", "_T"]}
    amana("attack", out, "--groups", groups)


def test_a_planted_table_is_caught_with_exit_status_1(tmp_path: Path) -> None:
    folder = tmp_path / "published"
    folder.mkdir()
    table(folder, "country,gender,value,status\nLBN,F,85,published\nLBN,M,,suppressed\nLBN,_T,88,published\n")
    amana("attack", folder, status=1)
    assert "CON-084" in amana("attack", _broken(tmp_path), status=1)


def _broken(folder: Path) -> Path:
    broken = folder / "broken"
    broken.mkdir()
    table(broken, "country,gender,value,status\nLBN,F,8.5,published\n")
    return broken


def test_noise_is_drawn_once_and_says_how_sure_it_is(tmp_path: Path) -> None:
    """The same table by the same rules is the same draw; a history of noise takes no suppressed table."""
    history, out = tmp_path / "history", tmp_path / "out"
    options = ["--dims", "country,gender", "--history", history]
    for folder in (out, tmp_path / "again"):
        amana("protect", table(tmp_path), *options, "--mode", "dp", "--rho", "0.0244", "--out", folder)
    text = (out / "assisted.csv").read_text(encoding="utf-8")
    assert text == (tmp_path / "again" / "assisted.csv").read_text(encoding="utf-8")
    assert text.splitlines()[0] == "country,gender,value,sd,lo90,hi90,display"
    for row in csv.DictReader(text.splitlines()):
        assert float(row["lo90"]) < float(row["value"]) < float(row["hi90"])
    assert "CFG-084" in amana("protect", table(tmp_path), *options, "--mode", "dp", "--out", out, status=2)
    assert "DIS-028" in amana("protect", table(tmp_path), *options, "--out", out, status=1)
    amana("attack", history)
