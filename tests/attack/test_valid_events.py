"""Valid events of one agency: no sequence of them stops a stage, falsifies another's count, or grows without bound.

The attacker is an agency with its own tools, files and `amana publish`. Honest agencies report the same
persons; what is counted of them is read by the operator's commands.
"""

import csv
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from amana.local import runtime as local
from amana.site import Site
from tests.support.valid_attacks import SEQUENCES, Row, honest

pytestmark = [pytest.mark.broker, pytest.mark.timeout(900)]

ATTACKER, HONEST = "hotline-egy", ("shelter-lbn", "police-jor")
WORKERS = {"deidentify": 1, "dedupe": 1, "aggregate": 1, "release": 0}
PERSONS, EVENTS = 40, 120
LONG = {"placeholder": 3_000, "repeated": 300, "withdrawn": 400}
"""Events of the sequences whose bound lies beyond `EVENTS`."""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with local.running(tmp_path_factory.mktemp("valid"), workers=WORKERS) as site:
        yield site


def _amana(site: Site, *arguments: str, status: int = 0) -> str:
    """Run a command; return what it printed."""
    command = [sys.executable, "-P", "-m", "amana", *arguments]
    environment = {**os.environ, "AMANA_DATA": str(site.dir)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=400, check=False)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout


def _publish(
    site: Site, agency: str, name: str, rows: list[Row], kind: str = "case", *, status: int = 0
) -> Mapping[str, Any]:
    """Publish rows as a file of an agency; return the summary. Status 1: some rows were refused at the agency."""
    file = site.dir / f"{agency}-{name}.jsonl"
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    summary: Mapping[str, Any] = json.loads(
        _amana(site, "publish", "--agency", agency, "--kind", kind, "--json", str(file), status=status)
    )
    return summary


def _cells(site: Site) -> Counter[tuple[str, str, str]]:
    """Return the exact counts: (cube, country, status) -> persons."""
    out = site.dir / "cells.csv"
    _amana(site, "cells", "export", "--out", str(out))
    counts: Counter[tuple[str, str, str]] = Counter()
    for row in csv.DictReader(out.read_text(encoding="utf-8").splitlines()):
        values = dict(part.split("=", 1) for part in row["dimensions"].split(";"))
        counts[row["cube"], values["country"], values.get("status", "")] += int(row["count"])
    return counts


def _starts(site: Site) -> dict[str, str]:
    """Return the process id of every worker."""
    return {path.stem: path.read_text(encoding="ascii") for path in site.path("run").glob("worker-*.pid")}


def test_ten_sequences_stop_nothing_and_change_no_count_on_which_two_agree(running: Site) -> None:
    """All ten at once, and the counts that overflowed: the same processes go on, and every honest cell is right."""
    before = _starts(running)
    for agency in HONEST:
        assert _publish(running, agency, "honest", honest(PERSONS))["accepted"] == PERSONS
    rows = [row for name, make in SEQUENCES.items() for row in make(LONG.get(name, EVENTS))]
    assert _publish(running, ATTACKER, "attack", rows)["accepted"]
    largest = [
        {"record_id": f"sum-{n}", "event_date": "2024-03", "CountryOfExploitation": "KWT", "phenomenon": "TIP",
         "indicator": "DocumentsWithheld", "value": value}
        for value, many in ((1_000_000, 600), (2**53 - 1, 600)) for n in range(many)
    ]  # fmt: skip
    largest = [row | {"record_id": f"sum-{n}"} for n, row in enumerate(largest)]
    sums = _publish(running, ATTACKER, "sums", largest, "indicator", status=1)
    assert (sums["accepted"], sums["refused"]) == (600, 600)
    _amana(running, "status", "--wait-idle", "--timeout", "300")
    assert _starts(running) == before, "a worker was started again"
    _check_refusals(running)
    counts = _cells(running)
    for cube in ("profile", "origin", "means", "identification"):
        assert counts[cube, "LBN", "confirmed"] == PERSONS, cube
    print(_amana(running, "status"))
    assert counts["community", "KWT", ""] == 600 * 1_000_000


def _check_refusals(site: Site) -> None:
    """Hold what was refused against the bounds: each beyond it, in the attacker's quarantine, under its code."""
    entries = json.loads(_amana(site, "quarantine", "list", "--json"))
    assert {entry["agency"] for entry in entries} == {ATTACKER}
    codes = Counter(entry["code"] for entry in entries)
    print(f"\nrefused: {dict(sorted(codes.items()))}")
    # One person has 64 events of an agency at most; one event has 256 revisions; years begin with the policy's first.
    assert codes["CON-050"] >= LONG["placeholder"] - 64 * 1
    assert codes["CON-053"] >= LONG["repeated"] - 256
    assert codes["CON-025"] >= sum(1900 + n % 125 < 2000 for n in range(EVENTS))


def test_the_largest_state_of_a_person_is_small(running: Site) -> None:
    """A state value of the placeholder's person-year, as it lies on the broker."""
    sizes = [path.stat().st_size for path in Path(running.dir / "kafka" / "data").glob("state.dedupe-*/*.log")]
    print(f"\nchangelog of dedupe: {sum(sizes)} bytes")
    assert sum(sizes) < 60_000_000
