"""Events twice, in another order and late: the same counts, through the processes themselves."""

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest

from amana.local import runtime
from connectors.adapters import schema_ids
from tests.support import faults, flow

pytestmark = [pytest.mark.broker, pytest.mark.long, pytest.mark.timeout(300)]

EVENTS = 40_000
TWICE, MOVED, LATE = 0.05, 0.10, 0.01
REACH = 2_000


def _disordered(sent: list[dict[str, Any]], seed: int) -> list[dict[str, Any]]:
    """Repeat some anywhere behind themselves, move some by up to `REACH` places, put some behind everything."""
    draw, places = random.Random(seed), []
    for place, event in enumerate(sent):
        moved = place + draw.uniform(-REACH, REACH) if draw.random() < MOVED else float(place)
        places.append((2.0 * len(sent) if draw.random() < LATE else moved, event))
        if draw.random() < TWICE:
            places.append((draw.uniform(place, len(sent)), event))
    return [event for _, event in sorted(places, key=lambda one: one[0])]


def test_disorder_changes_no_count(tmp_path: Path) -> None:
    """5 % twice, 10 % in another order, 1 % behind all others: difference 0."""
    sent = flow.events(EVENTS, seed=71)
    arrived = _disordered(sent, seed=72)
    assert len(arrived) > len(sent) * 1.04
    with runtime.running(tmp_path, workers={"deidentify": 0, "dedupe": 2, "aggregate": 2, "release": 0}) as site:
        schema = schema_ids.allow_list(site.schema_ids, ["deidentified.case"]).id_of("deidentified.case")
        asyncio.run(flow.publish(site.cluster("worker.deidentify").kafka_settings(), arrived, schema))
        faults.settled(site, 120)
        assert faults.differences(site, sent) == ({}, {})
