"""A population under differential privacy on a real broker, and what a replay of its events changes: nothing."""

import asyncio
import datetime as dt
import time
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaAdminClient, TopicPartition
from kafka.errors import KafkaError
from kafka.structs import OffsetAndMetadata

from amana.audit_log import AuditLog
from amana.local import runtime
from amana.site import Site
from anonymizer.budget.account import BudgetScope, State
from connectors.adapters import schema_ids, topic_reading
from connectors.adapters.budget_store import SITE_FILE, BudgetStore
from connectors.feed.trend_reader import TrendReader
from connectors.operations import exact_cells
from connectors.operations.calendar_tick import request
from schemas.trend import TrendRow
from streams.broker import access, topics
from streams.stages import aggregate, dedupe
from tests.support import faults, flow

pytestmark = [pytest.mark.broker, pytest.mark.timeout(300)]

DAY = dt.date(2025, 1, 15)
STAGES = {"deidentify": 0, "dedupe": 1, "aggregate": 1, "release": 1}
NOBODY = dict.fromkeys(STAGES, 0)
SCOPE = BudgetScope("case", 2024)


@pytest.mark.parametrize("how", ["rewound", pytest.param("state gone", marks=pytest.mark.long)])
def test_noise_is_drawn_once_whatever_is_replayed(how: str, tmp_path: Path) -> None:
    """Every stage reads all its topics again from the start: same cells, same rows, same draws, same budget.

    Because it was told to, or because its changelog is gone, which it finds by itself. What was released says how
    unsure it is, and its record says what it cost and what was left before and after.
    """
    sent = flow.events(3_000, seed=51)
    with runtime.running(tmp_path, workers=STAGES) as site:
        asyncio.run(flow.publish(site, sent))
        faults.settled(site, 90)
        assert not request(site.cluster("operator"), DAY, patience=60).code
        before = _state(site)
    _tells_how_unsure_it_is(before)
    with runtime.running(tmp_path, workers=NOBODY) as site:
        _rewind(site) if how == "rewound" else _empty(site)
    with runtime.running(tmp_path, workers=STAGES) as site:
        faults.settled(site, 90)
        assert not request(site.cluster("operator"), DAY, patience=60).code
        assert _state(site) == before
        assert faults.differences(site, sent) == ({}, {})


def _state(site: Site) -> tuple[dict[str, int], list[TrendRow], State, list[dict[str, str]]]:
    budget = BudgetStore.open(site.path(*SITE_FILE))
    spent = budget.state()
    budget.close()
    with TrendReader(
        site.cluster("analysts").kafka_settings(), schema_ids.allow_list(site.schema_ids, ["trend"]).allowed("trend")
    ) as feed:
        rows = list(feed.rows())
    records = [dict(one.details) for _, one in AuditLog(site.dir).entries() if one.action == "release"]
    return exact_cells.read(site.cluster("operator")), rows, spent, records


def _tells_how_unsure_it_is(state: Any) -> None:  # noqa: ANN401 - as _state returns it
    _, rows, spent, records = state
    assert any(row.sd and row.lo90 < row.hi90 for row in rows)
    noisy = [
        one for one in records if (one.get("certificate.kind"), one["window"][:4]) == (SCOPE.kind, str(SCOPE.year))
    ]
    assert len(noisy) == len(spent[SCOPE].draws) > 0
    for one in noisy:
        cost = int(one["certificate.left_before_ppb"]) - int(one["certificate.left_after_ppb"])
        assert 0 <= cost <= int(one["certificate.rho_ppb"])
    lowest = min(int(one["certificate.left_after_ppb"]) for one in noisy)
    assert lowest == spent[SCOPE].left


def _empty(site: Site) -> None:
    admin = KafkaAdminClient(**site.cluster(access.ADMIN).kafka_settings())
    admin.delete_topics([aggregate.CELLS, dedupe.STATE])
    admin.close()


def _rewind(site: Site) -> None:
    """Set both stages' groups to the beginning, as soon as the members that ended are no longer counted in."""
    admin = KafkaAdminClient(**site.cluster(access.ADMIN).kafka_settings())
    for stage in ("dedupe", "aggregate"):
        sources = topic_reading.partitions(topics.sources(site.agencies)[stage], site.agencies)
        until = time.monotonic() + 60
        while not _altered(admin, stage, sources):
            assert time.monotonic() < until
            time.sleep(0.5)
    admin.close()


def _altered(admin: KafkaAdminClient, group: str, sources: list[TopicPartition]) -> bool:
    try:
        admin.alter_group_offsets(group, {one: OffsetAndMetadata(0, "", -1) for one in sources})
    except KafkaError:
        return False
    return not any(at.offset for at in admin.list_group_offsets([group])[group].values())
