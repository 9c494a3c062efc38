"""Under a load that lasts, no partition is left behind for the others."""

import itertools
import threading
import time
from pathlib import Path

import pytest

from amana.local import runtime
from tests.bench import latency, pipeline
from tests.support import faults, flow, policies

pytestmark = [pytest.mark.broker, pytest.mark.long, pytest.mark.timeout(300)]

WORKERS = {"deidentify": 1, "dedupe": 0, "aggregate": 0, "release": 0}
PER_SECOND = 350
SECONDS = 20


def test_every_partition_goes_on_while_all_have_something_to_read(tmp_path: Path) -> None:
    """Eight partitions of narratives to mask, about half of what one worker takes: each is committed in each half."""
    policies.masking(tmp_path)
    with (
        runtime.running(tmp_path, workers=WORKERS, agencies=flow.AGENCIES) as site,
        faults.Group(site, "deidentify") as group,
    ):
        events = pipeline.sealed(site, PER_SECOND * SECONDS, 0)
        feed = threading.Thread(target=latency.paced, args=(site, events, PER_SECOND), daemon=True)
        feed.start()
        seen = [group.committed()]
        for _ in range(2):
            time.sleep(SECONDS / 2 - 1)
            seen.append(group.committed())
        assert feed.is_alive()
        for before, after in itertools.pairwise(seen):
            assert not [one for one in before if after[one] <= before[one]]
