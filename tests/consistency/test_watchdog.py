"""A worker that is stuck is ended by its watchdog, and what it had not finished is counted once by the next."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from amana.local import runtime
from connectors.operations import exact_cells
from streams.runtime import stage
from tests.support import faults, flow

pytestmark = [pytest.mark.broker, pytest.mark.timeout(600)]

EVENTS = 4_000
WORKERS = {"deidentify": 0, "dedupe": 1, "aggregate": 1, "release": 0}


def test_a_stuck_worker_ends_and_the_next_counts_every_event_once(tmp_path: Path) -> None:
    """In a batch, its loop free or taken, or in restoring: it says where it stood, and nothing is lost or double."""
    sent = flow.events(EVENTS, seed=31)
    with runtime.running(tmp_path, workers={**WORKERS, "aggregate": 0}) as site:
        asyncio.run(flow.publish(site, sent))
        for how, where in (("await", "deltas"), ("spin", "deltas"), ("restore", "cells")):
            ended = _run([sys.executable, "-m", "tests.support.stuck_worker", str(site.dir), how])
            assert ended.returncode == stage.EXIT_STATUS
            # Other lines on standard error are Faust's own, some of them no JSON.
            lines = [json.loads(line) for line in ended.stderr.splitlines() if line.startswith(b'{"')]
            places = [(line["code"], line["topic"]) for line in lines if line["event"] == "ended"]
            assert places == [("INT-023", where)]
    with runtime.running(tmp_path, workers=WORKERS) as site:
        faults.settled(site, 90)
        assert faults.differences(site, sent) == ({}, {})
        assert sum(exact_cells.read(site.cluster("operator")).values()) > EVENTS // 10


def _run(command: list[str]) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(command, stderr=subprocess.PIPE, timeout=150, check=False)
