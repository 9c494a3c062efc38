"""Faults of every stage, from sealed rows to exact cells, change no count and lose no record."""

import json
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from amana.demo.simulation.generator import KEY_FOLDER, simulate
from amana.local import runtime
from amana.publisher import Publisher
from amana.site import Site
from connectors.operations import pipeline_status
from streams.runtime.app import SESSION_SECONDS
from tests.support import demo, faults

pytestmark = [pytest.mark.broker, pytest.mark.slow, pytest.mark.timeout(900)]

EVENTS = 15_000
STAGES = ("deidentify", "dedupe", "aggregate")
PATIENCE_SECONDS = 500
NOT_OUTCOMES = {"rows", "refused", "published"}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Run a system of its own with every worker; a new site has no date, so that nothing is late."""
    with runtime.running(tmp_path_factory.mktemp("whole")) as site:
        yield site


def test_a_kill_of_every_stage_changes_no_count(whole: Site, tmp_path: Path) -> None:
    """Difference 0, cell by cell and outcome by outcome, against the answer key of the published files."""
    counts = simulate(EVENTS, 7, tmp_path, narratives=False)
    killed = []
    for number, file in enumerate(_largest_first(tmp_path)):
        _publish(whole, [file])
        if number < len(STAGES):
            killed.append(_kill(whole, f"worker-{STAGES[number]}-0"))
    _check_outcomes(whole, counts)
    _check_cells(whole, tmp_path)
    assert all(faults.pid(whole, f"worker-{stage}-0") != pid for stage, pid in zip(STAGES, killed, strict=True))


@pytest.mark.long
def test_faults_of_two_deidentifiers_change_no_count(tmp_path: Path) -> None:
    """Killed as they work, and frozen until others have their partitions, eight times in all."""
    home, rows = tmp_path / "site", tmp_path / "rows"
    counts = simulate(4 * EVENTS, 8, rows)
    workers = {"deidentify": 2, "dedupe": 1, "aggregate": 1, "release": 0}
    with runtime.running(home, workers=workers) as site:
        feed = threading.Thread(target=_publish, args=(site, _largest_first(rows)), daemon=True)
        feed.start()
        with faults.Group(site, "deidentify") as group:
            group.wait_for(1, 60)
            for number in range(8):
                worker = f"worker-deidentify-{number // 2 % 2}"
                if number % 2:
                    _kill(site, worker)
                else:
                    _freeze(site, worker)
                time.sleep(2)
                assert sum(group.ends().values()) > sum(group.committed().values()), "nothing was left to do"
        feed.join()
        _check_outcomes(site, counts)
        _check_cells(site, rows)


def _largest_first(folder: Path) -> Sequence[Path]:
    return sorted(folder.glob("*.jsonl"), key=lambda one: -one.stat().st_size)


def _publish(site: Site, files: Sequence[Path]) -> None:
    for file in files:
        agency, kind, _ = file.name.split(".")
        Publisher(site.agency_profile(agency)).publish(file, kind)


def _check_outcomes(site: Site, counts: Mapping[str, int]) -> None:
    """Every published record has the outcome that it has to have."""
    found = pipeline_status.wait_idle(site.cluster("operator"), PATIENCE_SECONDS)
    assert found.is_idle, found.held
    outcomes: Counter[str] = Counter()
    for one in found.outcomes.values():
        outcomes.update(one)
    assert +outcomes == Counter({outcome: count for outcome, count in counts.items() if outcome not in NOT_OUTCOMES})
    assert sum(found.published.values()) == sum(outcomes.values()) == counts["published"]


def _check_cells(site: Site, folder: Path) -> None:
    """Compare by the commands that an operator has."""
    environment = {**os.environ, "AMANA_DATA": str(site.dir)}
    assert demo.amana("cells", "export", "--out", folder / "cells.csv", environment=environment).returncode == 0
    counted, expected = demo.counted_cells(folder / "cells.csv"), demo.expected_cells(folder / KEY_FOLDER)
    assert sum(expected.values()) > EVENTS
    assert counted - expected == expected - counted == Counter()
    status = demo.amana("status", "--json", environment=environment)
    assert status.returncode == 0, status.stdout
    assert json.loads(status.stdout)["held"] == []


def _kill(site: Site, worker: str) -> int:
    """Kill a worker, which the last file's records keep busy and the next files' await, and return whom."""
    pid = faults.pid(site, worker)
    os.kill(pid, signal.SIGKILL)
    return pid


def _freeze(site: Site, worker: str) -> None:
    """Let a worker stand still until its session is over and others have its partitions, and then go on."""
    pid = faults.pid(site, worker)
    faults.freeze(pid)
    try:
        time.sleep(2 * SESSION_SECONDS)
    finally:
        faults.thaw(pid)
