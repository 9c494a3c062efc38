"""A full disk at the edges: where an agency's journal lies, and where the ledger and the audit log of releases lie."""

import contextlib
import datetime as dt
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from amana.local import runtime
from amana.publisher import Publisher
from amana.site import Site
from connectors.adapters import schema_ids
from connectors.feed.trend_reader import TrendReader
from connectors.operations.calendar_tick import TickAnswer, request
from schemas.errors import ConfigurationError
from streams.broker import access, topics
from streams.transparency import log_verification
from tests.support import disk
from tests.support.release_worker import RELEASES
from tests.support.runtime import consume_all

pytestmark = [pytest.mark.broker, pytest.mark.long, pytest.mark.timeout(600)]

AGENCY = "labour-inspectorate-tur"
ROWS = 8_000
LEFT = {"publish": 32 * 1024, "audit": 8 * 1024, "ledger": 16 * 1024}
MEBIBYTES = 8
DAY = dt.date(2024, 4, 20)


@pytest.fixture
def disks(tmp_path: Path) -> Iterator[dict[str, disk.Disk]]:
    """Mount a small disk for each folder that an edge writes to."""
    with contextlib.ExitStack() as stack:
        yield {name: stack.enter_context(disk.mounted(tmp_path / "site" / name, MEBIBYTES)) for name in LEFT}


@pytest.fixture
def served(tmp_path: Path, disks: dict[str, disk.Disk]) -> Iterator[Site]:
    """Run a broker and a registry of their own on them."""
    assert disks
    with runtime.running(tmp_path / "site", workers=False) as site:
        yield site


def test_a_file_is_published_once_though_the_journal_found_no_room(
    disks: dict[str, disk.Disk], served: Site, tmp_path: Path
) -> None:
    """The publisher ends with CFG-112 in the middle; the same command goes on from there, and no row is there twice."""
    file = tmp_path / "full.csv"
    rows = (f"full-{n},2024-03-05,true,TR,Zarun{n},Tilamba,1991-04-05,ForcedLabour" for n in range(ROWS))
    head = "record_id,event_date,con_Consent,CountryOfExploitation,prs_FirstName,prs_SecondName,prs_Birthdate"
    file.write_text("\n".join([f"{head},vic_TypeOfExploitation", *rows, ""]), encoding="utf-8")
    disks["publish"].fill(but=LEFT["publish"])
    for _ in range(2):
        with pytest.raises(ConfigurationError, match="CFG-112"):
            Publisher(served.agency_profile(AGENCY)).publish(file, "case")
    before = len(consume_all(served, access.ADMIN, topics.raw(AGENCY, "case")))
    assert 0 < before < ROWS
    disks["publish"].give_room()
    summary = Publisher(served.agency_profile(AGENCY)).publish(file, "case")
    keys = Counter(record.key for record in consume_all(served, access.ADMIN, topics.raw(AGENCY, "case")))
    assert (summary.already, summary.accepted, summary.refused) == (before, ROWS - before, 0)
    assert len(keys) == keys.total() == ROWS


@pytest.mark.parametrize(("folder", "code"), [("audit", "INT-130"), ("ledger", "INT-100")])
def test_a_release_that_cannot_be_recorded_waits_for_room(
    disks: dict[str, disk.Disk], served: Site, tmp_path: Path, folder: str, code: str
) -> None:
    """The process says the code and ends with nothing unrecorded on a feed; with room it releases everything once."""
    answers: list[TickAnswer] = []
    disks[folder].fill(but=LEFT[folder])
    threading.Thread(
        target=lambda: answers.append(request(served.cluster("operator"), DAY, patience=200)), daemon=True
    ).start()
    for _ in range(2):
        assert code in _released(served, tmp_path, answers)
        assert _rows(served) == 0
    disks[folder].give_room()
    assert code not in _released(served, tmp_path, answers)
    assert len(answers[0].lines) == RELEASES + 1
    assert _rows(served) > RELEASES
    log_verification.verify(served.path("audit"), served.public("audit"))
    recorded = Counter(
        one.details["release"] for _, one in log_verification.entries(served.path("audit")) if one.action == "release"
    )
    assert len(recorded) == recorded.total() == RELEASES


def _released(site: Site, folder: Path, answers: list[TickAnswer]) -> str:
    """Run the release process until it ends or has answered; return what it said."""
    said = folder / "release.log"
    with said.open("wb") as log:
        command = [sys.executable, "-m", "tests.support.release_worker", str(site.dir)]
        process = subprocess.Popen(command, stderr=log, cwd=Path(__file__).parents[2])
    deadline = time.monotonic() + 120
    while process.poll() is None and not answers and time.monotonic() < deadline:
        time.sleep(0.1)
    process.terminate()
    process.wait(timeout=20)
    return said.read_text(encoding="utf-8")


def _rows(site: Site) -> int:
    """Count the rows that an analyst sees, each of which is there once."""
    with TrendReader(
        site.cluster("analysts").kafka_settings(), schema_ids.allow_list(site.schema_ids, ["trend"]).allowed("trend")
    ) as feed:
        seen = Counter((row.release, row.cell) for row in feed.rows())
    assert len(seen) == seen.total()
    return seen.total()
