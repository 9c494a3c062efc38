"""Whenever the release process ends, nothing is published without its audit entry, and nothing twice."""

import datetime as dt
import shutil
import tempfile
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.adapters.release_bus import row_key
from connectors.adapters.release_ledger import ReleaseLedger
from schemas import catalogue, codec
from schemas.errors import ContractError, IntegrityError, TransportError
from schemas.trend import TrendRow, rows_digest
from streams.core.releasing.release_decision import EarlierRelease, ReleaseDecision
from streams.release import release_process
from streams.release.release_ports import ReleaseDeps, Tick
from streams.transparency import log_verification
from streams.transparency.log_storage import AuditStorage
from tests.support.audit import PRIVATE, PUBLIC, a_batch
from tests.support.bus import MemoryBudget, MemoryBus, PowerCut
from tests.support.releases import AS_OF, a_publish, a_withhold

OUTCOMES = (a_publish("r1"), a_withhold("r1"), a_publish("r2", window="2023"))
TICK = Tick(0, "t1", AS_OF, 5.0)


def _fixed(*_: object) -> Sequence[ReleaseDecision]:
    return OUTCOMES


def _live(bus: MemoryBus, site: Path, plan: Callable[..., Sequence[ReleaseDecision]] = _fixed) -> None:
    """Start the process, serve what the calendar holds, and stop, or end where the bus cuts the power."""
    log, ledger = AuditStorage.open(site / "audit", PRIVATE), None
    try:
        ledger = ReleaseLedger.open(site / "ledger.sqlite")
        deps = ReleaseDeps(bus, log, ledger, MemoryBudget(), plan, "policy", "code")
        release_process.begin(deps, threading.Event())
        deps.log.append(bus.decisions())
        for tick in bus.ticks():
            release_process.serve(deps, tick, threading.Event())
    finally:
        bus.close()
        log.close()
        if ledger is not None:
            ledger.close()


def _recorded(site: Path) -> list[str]:
    return [found.details["rows"] for _, found in log_verification.entries(site / "audit") if "rows" in found.details]


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(release_process, "_STILL_SECONDS", 0.0)
    monkeypatch.setattr(release_process, "_AGAIN_SECONDS", 0.0)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 40), max_size=6))
def test_a_power_cut_at_any_moment_loses_and_repeats_nothing(cuts: list[int]) -> None:
    site = Path(tempfile.mkdtemp())
    bus = MemoryBus([TICK], [a_batch(n) for n in range(5)])
    for cut in [*cuts, None]:
        bus.cut_at = cut
        with suppress(PowerCut):
            _live(bus, site)
        assert not _rows(bus) or len(_recorded(site)) == 3, "rows were published before all were recorded"
    firsts = {region: dict(reversed(sent)) for region, sent in bus.feeds_by_region.items()}
    expected = {r: [row for o in OUTCOMES for row in o.feeds.get(r, ())] for r in ("levant", "pave")}
    assert {r: len(rows) for r, rows in firsts.items()} == {r: len(rows) for r, rows in expected.items()}
    assert all(set(map(repr, firsts[r].values())) == set(map(repr, expected[r])) for r in expected)
    assert sorted(_recorded(site)) == sorted(rows_digest(found.feeds) for found in OUTCOMES)
    assert sorted(_recorded(site)) == sorted(_as_an_analyst_computes_them(bus)), "the feed cannot be held to the log"
    sources = [found.source for _, found in log_verification.entries(site / "audit") if found.source]
    assert sources == [f"audit/0/{n}" for n in range(5)]
    log_verification.verify(site / "audit", PUBLIC)
    shutil.rmtree(site)


def _as_an_analyst_computes_them(bus: MemoryBus) -> list[str]:
    """Compute the digest of every release, and of every table withheld from one, from what the feeds hold."""
    schema = catalogue.load("trend").parsed
    releases: dict[tuple[str, str], dict[str, list[TrendRow]]] = {}
    for sent in bus.feeds_by_region.values():
        firsts = dict(reversed(sent))  # of rows that were sent again the first counts
        for row in (firsts[key] for key in dict(sent)):
            read = TrendRow.from_record(codec.decode(codec.encode(1, schema, row.record()), {1: schema}))
            withheld = read.table if read.status == "withheld" else ""
            releases.setdefault((read.release, withheld), {}).setdefault(read.region_id, []).append(read)
    return [rows_digest(feeds) for feeds in releases.values()]


@settings(max_examples=60, deadline=None)
@given(st.frozensets(st.integers(0, 60), max_size=12))
def test_a_broker_that_is_away_at_any_moment_ends_nothing(away: frozenset[int]) -> None:
    """The step is done again: the tick is served in the same life, and no row is lost or under another key."""
    site = Path(tempfile.mkdtemp())
    stop = threading.Event()

    class Day(MemoryBus):
        """Tells the process to stop when its calendar is served."""

        def ticks(self) -> Sequence[Tick]:
            found = super().ticks()
            if not found:
                stop.set()
            return found

    bus = Day([TICK], [a_batch(n) for n in range(5)])
    bus.away = away
    log, ledger = AuditStorage.open(site / "audit", PRIVATE), ReleaseLedger.open(site / "ledger.sqlite")
    release_process.keep(ReleaseDeps(bus, log, ledger, MemoryBudget(), _fixed, "policy", "code"), stop)
    log.close()
    ledger.close()
    published = {region: {key for key, _ in sent} for region, sent in bus.feeds_by_region.items()}
    expected = {r: {row_key(row) for o in OUTCOMES for row in o.feeds.get(r, ())} for r in ("levant", "pave")}
    assert published == expected
    assert [found.details["outcome"] for found in bus.reports] == ["done"]
    assert sorted(_recorded(site)) == sorted(rows_digest(found.feeds) for found in OUTCOMES)
    shutil.rmtree(site)


def _rows(bus: MemoryBus) -> list[TrendRow]:
    return [row for sent in bus.feeds_by_region.values() for _, row in sent]


def test_nothing_is_published_where_the_log_takes_no_record(tmp_path: Path) -> None:
    bus = MemoryBus([TICK])

    class Refusing(AuditStorage):
        def append(self, decisions: Sequence[object]) -> int:
            if any(getattr(found, "action", "") == "release" for found in decisions):
                raise IntegrityError("INT-130", "the disk is full")
            return 0

    log, ledger = Refusing.open(tmp_path, PRIVATE), ReleaseLedger.open(tmp_path / "l.sqlite")
    deps = ReleaseDeps(bus, log, ledger, MemoryBudget(), _fixed, "policy", "code")
    with pytest.raises(IntegrityError):
        release_process.serve(deps, TICK, threading.Event())
    assert bus.feeds_by_region == {}
    assert [found.details["code"] for found in bus.reports] == ["INT-130"]
    assert deps.ledger.position() == -1, "the tick is taken up again"


def test_a_broker_that_stays_away_ends_the_process_and_leaves_the_tick(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is no refusal: what was planned is published by the next process."""
    monkeypatch.setattr(release_process, "_AWAY_SECONDS", 0.0)
    bus = MemoryBus([TICK])
    bus.away = frozenset(range(9, 1_000))  # from the first record of the release on
    with pytest.raises(TransportError, match="TRA-140"):
        _live(bus, tmp_path)
    assert bus.reports == []
    bus.away = frozenset()
    _live(bus, tmp_path)
    assert [found.details["outcome"] for found in bus.reports] == ["done"]
    assert sorted(_recorded(tmp_path)) == sorted(rows_digest(found.feeds) for found in OUTCOMES)


def test_a_tick_that_finds_the_stages_busy_releases_nothing_and_says_so(tmp_path: Path) -> None:
    bus = MemoryBus([Tick(0, "t1", AS_OF, 0.05)])
    bus.is_idle = False
    _live(bus, tmp_path)
    assert bus.feeds_by_region == {}
    assert (bus.reports[0].details["outcome"], bus.reports[0].details["code"]) == ("refused", "DIS-140")
    actions = [found.action for _, found in log_verification.entries(tmp_path / "audit")]
    assert actions == ["started", "refusal"]


@pytest.mark.parametrize(("days", "code"), [(1, None), (2, "DIS-150"), (9_000, "DIS-150")])
def test_a_tick_ahead_of_its_time_releases_nothing_and_says_so(days: int, code: str | None, tmp_path: Path) -> None:
    """Tomorrow has come somewhere; beyond it the clock of the release process decides, whatever the tick says."""
    day = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=days)
    bus = MemoryBus([Tick(0, "t1", day, 5.0)])
    _live(bus, tmp_path)
    assert bus.reports[0].details.get("code") == code
    assert bool(_rows(bus)) == (code is None)


def test_a_plan_that_refuses_is_recorded(tmp_path: Path) -> None:
    def plan(*_: object) -> Sequence[ReleaseDecision]:
        raise ContractError("CON-070", "a period is YYYY, YYYY-Qn or YYYY-MM")

    bus = MemoryBus([TICK])
    _live(bus, tmp_path, plan)
    assert (bus.feeds_by_region, bus.reports[0].details["code"]) == ({}, "CON-070")


def test_a_log_that_lost_a_published_release_stops_everything(tmp_path: Path) -> None:
    bus = MemoryBus([TICK])
    _live(bus, tmp_path)
    shutil.rmtree(tmp_path / "audit")
    with pytest.raises(IntegrityError, match="INT-140"):
        _live(bus, tmp_path)


def test_a_second_tick_sees_what_the_first_released(tmp_path: Path) -> None:
    seen: list[int] = []

    def plan(_cells: object, _as_of: object, earlier: Sequence[EarlierRelease]) -> Sequence[ReleaseDecision]:
        seen.append(sum(len(one.rows) for one in earlier))
        return OUTCOMES if len(seen) == 1 else ()

    _live(MemoryBus([TICK, Tick(1, "t2", AS_OF, 5.0)]), tmp_path, plan)
    assert seen == [0, sum(len(rows) for found in OUTCOMES for rows in found.feeds.values())]
