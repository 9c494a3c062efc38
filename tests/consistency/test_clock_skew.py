"""One agency's clock is wrong, by a day, by decades, by millennia: no other count moves, and nothing is deleted."""

import datetime as dt
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import kafka
import pytest

from amana.local import runtime
from amana.provisioning import cluster_setup
from amana.site import Site
from connectors.adapters import schema_ids
from connectors.operations import exact_cells, pipeline_status
from connectors.operations.quarantine_entries import entries
from tests.support import counted, raw_events
from tests.support.runtime import consume_all

pytestmark = [pytest.mark.broker, pytest.mark.long, pytest.mark.timeout(300)]

WRONG, RIGHT = "police-jor", "shelter-lbn"
TODAY = dt.date(2024, 5, 1)
EACH = 300
WORKERS = {"deidentify": 1, "dedupe": 1, "aggregate": 1, "release": 0}
NEVER_MS = 253_402_300_799_000  # the last second of the year 9999
CLOCKS_MS: dict[str, Callable[[int], int]] = {
    "a day behind": lambda now: now - 86_400_000,
    "a day ahead": lambda now: now + 86_400_000,
    "1970": lambda _: 0,
    "9999": lambda _: NEVER_MS,
}
DATES = {"2024-04-30": None, "2024-05-02": "CON-013", "1970-01-01": "CON-025", "9999-12-31": "CON-013"}
"""What the wrong clock writes into events, and how it is refused: the day before and after, 1970 and 9999."""


def _events(agency: str, first: int, date: str | None = None) -> list[dict[str, Any]]:
    return [
        raw_events.event(
            number=n, agency=agency, event_date=date or f"2024-0{1 + n % 4}-1{n % 9}", person=f"{n // 2:032x}"
        )
        for n in range(first, first + EACH)
    ]


def _publish(site: Site, agency: str, made: list[dict[str, Any]], stamp_ms: int | None) -> None:
    ids, keys = schema_ids.allow_list(site.schema_ids).current, raw_events.keys_of(site, agency)
    producer = kafka.KafkaProducer(**site.cluster(f"agency.{agency}").kafka_settings(), acks="all")
    try:
        records = [raw_events.record("case", event, n, ids, *keys) for n, event in enumerate(made)]
        sent = [producer.send(r.topic, key=r.key, value=r.value, timestamp_ms=stamp_ms) for r in records]
        for one in sent:
            one.get(timeout=60)
    finally:
        producer.close()


def _publish_all(site: Site) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Publish the right agency's events between the wrong one's; return both agencies' admissible events."""
    right, wrong = [], []
    for turn, ((_, clock), date) in enumerate(zip(CLOCKS_MS.items(), DATES, strict=True)):
        now = int(time.time() * 1000)
        stamped = _events(WRONG, 10_000 + 1_000 * turn)
        dated = _events(WRONG, 50_000 + 1_000 * turn, date)
        _publish(site, WRONG, [*stamped, *dated], clock(now))
        right += _events(RIGHT, 90_000 + 1_000 * turn)
        _publish(site, RIGHT, right[-EACH:], None)
        wrong += [*stamped, *(dated if DATES[date] is None else [])]
    return right, wrong


def test_a_wrong_clock_changes_no_count_and_deletes_nothing(tmp_path: Path) -> None:
    """Difference 0 in every cell; what is refused has its code; retention goes by arrival, whatever was stamped."""
    begun_ms = time.time() * 1000
    with runtime.running(tmp_path, workers=WORKERS, as_of=TODAY) as site:
        right, wrong = _publish_all(site)
        assert pipeline_status.wait_idle(site.cluster("operator"), 180).is_idle
        truth = counted.cells("case", right) + counted.cells("case", wrong)
        found = Counter(exact_cells.read(site.cluster("operator")))
        print(f"\n{len(right)} and {len(wrong)} admissible events, difference {(found - truth) + (truth - found)}")
        assert found == truth
        assert Counter(entry.code for entry in entries(site.cluster("operator"))) == {
            "CON-013": 2 * EACH,
            "CON-025": EACH,
        }
        stored = consume_all(site, "admin", f"raw.{WRONG}.case")
        assert len(stored) == 8 * EACH
        assert all(begun_ms - 60_000 < record.timestamp < time.time() * 1000 + 60_000 for record in stored)
        with cluster_setup.admin_of(site) as admin:
            assert cluster_setup.differing_topics(site, admin) == ()
