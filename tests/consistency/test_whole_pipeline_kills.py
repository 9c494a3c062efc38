"""A kill -9 of every stage, from sealed rows to exact cells, changes no count and loses no record."""

import json
import os
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from amana import standing
from amana.local import runtime
from amana.publisher import Publisher
from amana.simulation.simulate import KEY_FOLDER, simulate
from amana.site import Site
from tests.support import demo

pytestmark = [pytest.mark.broker, pytest.mark.slow, pytest.mark.timeout(900)]

EVENTS = 15_000
STAGES = ("deidentify", "dedupe", "aggregate")
PATIENCE_SECONDS = 500
NOT_FATES = {"rows", "refused", "published"}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Run a system of its own with every worker; a new site has no date, so that nothing is late."""
    with runtime.running(tmp_path_factory.mktemp("whole")) as site:
        yield site


def test_a_kill_of_every_stage_changes_no_count(whole: Site, tmp_path: Path) -> None:
    """Difference 0, cell by cell and fate by fate, against the answer key of the published files."""
    counts = simulate(EVENTS, 7, tmp_path, narratives=False)
    killed = []
    for number, file in enumerate(sorted(tmp_path.glob("*.jsonl"), key=lambda one: -one.stat().st_size)):
        agency, kind, _ = file.name.split(".")
        Publisher(whole, agency).publish(file, kind)
        if number < len(STAGES):
            killed.append(_kill(whole, STAGES[number]))
    found = standing.wait_idle(whole, PATIENCE_SECONDS)
    assert found.is_idle, found.held
    fates: Counter[str] = Counter()
    for one in found.fates.values():
        fates.update(one)
    assert +fates == Counter({fate: count for fate, count in counts.items() if fate not in NOT_FATES})
    assert sum(found.published.values()) == sum(fates.values()) == counts["published"]
    _check_cells(whole, tmp_path)
    assert all(_pid(whole, stage) != pid for stage, pid in zip(STAGES, killed, strict=True))


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


def _kill(site: Site, stage: str) -> int:
    """Kill a stage, which the last file's records keep busy and the next files' await, and return whom."""
    pid = _pid(site, stage)
    os.kill(pid, signal.SIGKILL)
    return pid


def _pid(site: Site, stage: str) -> int:
    return int(site.path("run", f"worker-{stage}-0.pid").read_text(encoding="ascii"))
