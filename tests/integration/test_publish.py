"""`amana publish` on the real broker: once, whatever happens, and nothing of a person in what it writes."""

import csv
import json
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from amana.publisher import Publisher
from amana.site import Site
from schemas.errors import ConfigurationError, ContractError
from streams.broker import topics
from tests.support import runtime

pytestmark = pytest.mark.broker

AGENCY = "labour-inspectorate-tur"
HEADER = ("record_id", "event_date", "con_Consent", "CountryOfExploitation", "prs_FirstName", "prs_SecondName",
          "prs_Birthdate", "vic_TypeOfExploitation")  # fmt: skip


def a_file(path: Path, rows: int, *, changes: dict[int, tuple[str, str]] | None = None) -> Path:
    """Write a CSV of `rows` invented persons; `changes`: row → (column, value)."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, HEADER)
        writer.writeheader()
        for number in range(rows):
            row = {
                "record_id": f"{path.stem}-{number}",
                "event_date": "2024-03-05",
                "con_Consent": "true",
                "CountryOfExploitation": "TR",
                "prs_FirstName": f"Zarun{number}",
                "prs_SecondName": "Tilamba",
                "prs_Birthdate": "1991-04-05",
                "vic_TypeOfExploitation": "ForcedLabour|SexualExploitation",
            }
            column, value = (changes or {}).get(number, ("", ""))
            writer.writerow(row | ({column: value} if column else {}))
    return path


def raw_keys(site: Site, kind: str = "case") -> Counter[bytes | None]:
    return Counter(record.key for record in runtime.consume_all(site, "admin", topics.raw(AGENCY, kind)))


def command(site: Site, file: Path, kind: str = "case") -> list[str]:
    return [sys.executable, "-m", "amana", "publish", "--agency", AGENCY, "--kind", kind, "--data", str(site.dir),
            "--json", str(file)]  # fmt: skip


def killed_in_the_middle(site: Site, file: Path, random: Random) -> bool:
    """Start a publication and kill it at a random growth of its journal; tell whether it was still running."""

    def written() -> int:
        return sum(path.stat().st_size for path in site.path("publish").glob("*.journal"))

    goal = written() + random.randint(1, 28_000)
    with subprocess.Popen(command(site, file), stdout=subprocess.DEVNULL) as process:
        while process.poll() is None and written() < goal:
            time.sleep(0.001)
        time.sleep(random.uniform(0, 0.05))
        running = process.poll() is None
        process.kill()
    return running


def test_a_file_is_published_once_however_often_its_publisher_is_killed(site: Site, tmp_path: Path) -> None:
    rows, random = 8_000, Random(11)
    file = a_file(tmp_path / "killed.csv", rows)
    before = raw_keys(site)
    kills = sum(killed_in_the_middle(site, file, random) for _ in range(3))
    summary = Publisher(site.agency_profile(AGENCY)).publish(file, "case")
    published = raw_keys(site) - before
    assert kills >= 2
    assert summary.already + summary.accepted == rows
    assert summary.complete
    assert len(published) == rows
    assert set(published.values()) == {1}


def test_running_it_twice_publishes_nothing_twice(site: Site, tmp_path: Path) -> None:
    file = a_file(tmp_path / "twice.csv", 50)
    publisher = Publisher(site.agency_profile(AGENCY))
    first = publisher.publish(file, "case")
    after = raw_keys(site)
    again = publisher.publish(file, "case")
    assert (first.accepted, again.accepted, again.already) == (50, 0, 50)
    assert raw_keys(site) == after


def test_a_refused_row_is_reported_without_its_value_and_the_rest_goes_through(site: Site, tmp_path: Path) -> None:
    bad = {
        2: ("vic_TypeOfExploitation", "Mariambad"),
        4: ("event_date", "2199-12-24"),
        6: ("con_Consent", "false"),
        8: ("CountryOfExploitation", "Zarunland"),
        9: ("record_id", ""),
    }
    file = a_file(tmp_path / "refused.csv", 10, changes=bad)
    done = subprocess.run(command(site, file), capture_output=True, text=True, check=False)
    summary = json.loads(done.stdout)
    report = Path(summary["report"]).read_text(encoding="utf-8")
    entries = [json.loads(line) for line in report.splitlines()]
    assert done.returncode == 1
    assert (summary["accepted"], summary["refused"]) == (5, 5)
    assert [(one["line"], one["field"], one["code"]) for one in entries if one["status"] == "refused"] == [
        (4, "vic_TypeOfExploitation.0", "CON-011"),
        (6, "event_date", "CON-013"),
        (8, "con_Consent", "CON-106"),
        (10, "CountryOfExploitation", "CON-011"),
        (11, "record_id", "CON-010"),
    ]
    said = report + done.stdout + done.stderr
    assert not [value for _, value in bad.values() if value not in ("", "false") and value in said]
    assert "Zarun" not in said


def test_all_rows_gone_through_is_exit_0(site: Site, tmp_path: Path) -> None:
    done = subprocess.run(command(site, a_file(tmp_path / "well.csv", 3)), capture_output=True, text=True, check=False)
    assert (done.returncode, json.loads(done.stdout)["accepted"]) == (0, 3)


def test_nothing_of_a_person_lies_in_clear_on_the_topic(site: Site, tmp_path: Path) -> None:
    Publisher(site.agency_profile(AGENCY)).publish(a_file(tmp_path / "clear.csv", 5), "case")
    records = runtime.consume_all(site, "admin", topics.raw(AGENCY, "case"))
    together = b"".join(bytes(record.key) + bytes(record.value) for record in records)
    assert b"Zarun" not in together
    assert b"Tilamba" not in together
    assert b"1991-04-05" not in together
    assert b"clear-" not in together  # the agency's own record ids stay with it


@pytest.mark.parametrize(
    ("content", "code", "status"),
    [(None, "CFG-100", 2), (b"", "CFG-101", 2), (b"record_id,event_date,shoe_size\n1,2024,38\n", "CON-104", 1),
     ("record_id,prs_FirstName\n1,\u0645\n".encode("cp1256"), "CON-100", 1)],
)  # fmt: skip
def test_a_file_that_cannot_be_taken_says_so_with_a_code(
    site: Site, tmp_path: Path, content: bytes | None, code: str, status: int
) -> None:
    """A directory, an empty file, an unknown column, a wrong encoding: one line, an exit status, nothing published."""
    file = tmp_path / "given"
    file.mkdir() if content is None else file.write_bytes(content)
    done = subprocess.run(command(site, file), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.splitlines()[-1][:7]) == (status, code)
    assert "Traceback" not in done.stderr


def test_an_agency_or_kind_that_the_site_does_not_have_is_refused(site: Site, tmp_path: Path) -> None:
    file = a_file(tmp_path / "who.csv", 1)
    with pytest.raises(ConfigurationError, match="CFG-102"):
        Publisher(site.agency_profile("nobody"))
    with pytest.raises(ConfigurationError, match="CFG-102"):
        Publisher(site.agency_profile(AGENCY)).publish(file, "rumour")


def test_an_unknown_column_publishes_nothing_of_the_file(site: Site, tmp_path: Path) -> None:
    before = raw_keys(site)
    file = tmp_path / "column.csv"
    file.write_text("record_id,event_date,con_Consent,shoe_size\n1,2024,true,38\n", encoding="utf-8")
    with pytest.raises(ContractError, match="shoe_size"):
        Publisher(site.agency_profile(AGENCY)).publish(file, "case")
    assert raw_keys(site) == before
