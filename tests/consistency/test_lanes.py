"""A de-identifier works on batches of both partition numbers at once, and never on two of the same number."""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from amana.local import runtime, server_process
from amana.site import Site
from tests.bench import latency, pipeline
from tests.support import faults, flow, policies
from tests.support.told_worker import BEGUN, ENDED

pytestmark = [pytest.mark.broker, pytest.mark.timeout(180)]

WORKERS = {"deidentify": 0, "dedupe": 0, "aggregate": 0, "release": 0}
EVENTS = 1_200


def test_two_batches_at_once_are_of_two_partition_numbers(tmp_path: Path) -> None:
    """Agencies share the numbers, and with them the state: their batches wait for each other, and for no others."""
    policies.masking(tmp_path)
    with runtime.running(tmp_path, workers=WORKERS, agencies=flow.AGENCIES) as site:
        latency.send(site, pipeline.sealed(site, EVENTS, 0))
        at_once = list(_at_once(_heard(site)))
    assert max(found.total() for found in at_once) == 2
    assert all(max(found.values(), default=0) <= 1 for found in at_once)


def _heard(site: Site) -> list[str]:
    """Let the overheard worker take everything; return what it said."""
    command = [sys.executable, "-P", "-m", "tests.support.told_worker"]
    environment = {"AMANA_DATA": str(site.dir), "PYTHONPATH": str(Path(__file__).parents[2])}
    worker = server_process.ServerProcess("told", command, site.dir, environment)
    with faults.Group(site, "deidentify") as group:
        worker.start()
        try:
            group.wait_for(EVENTS, 90)
        finally:
            server_process.stop_all([worker], seconds=10)
    return worker.log.read_text(encoding="utf-8").splitlines()


def _at_once(said: Iterable[str]) -> Iterator[Counter[str]]:
    """Yield how many batches of each partition number are in work, after every word."""
    working: Counter[str] = Counter()
    for word in said:
        match word.split(" "):
            case [verb, _topic, number] if verb in {BEGUN, ENDED}:
                working[number] += 1 if verb == BEGUN else -1
                yield Counter(working)
