"""What an agency plants, wherever it plants it, stands on its own raw topics alone: whoever refuses or dies over it.

The de-identifiers are as deployed, but for detectors that crash where a text says so, and they are killed as they work:
by SIGKILL, SIGSEGV and SIGABRT. Then all that is left behind is searched, byte by byte and in other spellings.
`test_planted_identities` does the same for what a demo writes: 80,000 identities, nothing hostile, nobody killed.
"""

import gzip
import os
import re
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import kafka
import psutil
import pytest

from amana.local import runtime, server_process
from amana.site import Site
from connectors.operations import pipeline_status, quarantine_entries
from streams.broker import topics
from tests.support import canaries, demo
from tests.support.planting import AGENCY, Planting, Sent

pytestmark = [pytest.mark.broker, pytest.mark.timeout(600)]

WORKERS = {"deidentify": 0, "dedupe": 1, "aggregate": 1, "release": 1}
RAW, OTHERS = re.compile(r"^kafka/data/raw\."), re.compile(r"^(?!raw\.)")
PATIENCE_SECONDS = 240


@dataclass(frozen=True, slots=True)
class Run:
    """How many good events of each kind, what makes detectors fail, and how workers die one after the other."""

    good: int
    faults: tuple[str, ...]
    deaths: tuple[signal.Signals, ...]


SHORT = Run(40, ("crash",), (signal.SIGSEGV,))
FULL = Run(120, ("crash", "backtrack", "memory", "hang"), (signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT))


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give every process a folder for temporary files, which is searched as well."""
    folder = tmp_path / "site" / "temporary"
    folder.mkdir(parents=True)
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return folder


@pytest.mark.parametrize("run", [SHORT, pytest.param(FULL, marks=pytest.mark.long)], ids=["short", "full"])
def test_nothing_planted_is_left_anywhere_but_on_raw_topics(run: Run, tmp_path: Path, temporary: Path) -> None:
    """Logs, output, quarantine, other topics, state, temporary files, open files without a name, dumps."""
    since = time.time()
    home = tmp_path / "site"
    with runtime.running(home, workers=WORKERS) as site:
        planting = Planting(site)
        sent = planting.records(run.good, run.faults)
        _send(site, sent)
        search = canaries.Canaries(planting.planted.items())
        said, held = _work(site, run.deaths, search)
        assert _outcomes(site) == len(sent)
        refused = len(quarantine_entries.entries(site.cluster("operator")))
        assert 100 < refused < len(sent) - 4 * run.good
        said += "".join(_amana(site, *words) for words in (("status", "--json"), ("quarantine", "list"), ("check",)))
    controls = _controls(search, home / "logs")
    assert held == {}
    assert search.found_in(said.encode()) == set()
    assert search.found_under(home, without=RAW) == controls, (
        "it finds what was put there to be found, and nothing else"
    )
    assert [path for path in home.rglob("core*") if path.is_file() and path.parent in (home, temporary)] == []
    assert _left_in_tmp(search, since, tmp_path) == {}
    assert len(search.found_under(home / "kafka" / "data", without=OTHERS)) > 5, "what was planted is on no raw topic"
    print(
        f"\n{len(sent)} records, {len(planting.planted)} canaries, {refused} refused, {len(run.deaths)} workers killed"
    )


def _send(site: Site, sent: list[Sent]) -> None:
    producer = kafka.KafkaProducer(**site.cluster(f"agency.{AGENCY}").kafka_settings(), acks="all", linger_ms=0)
    try:
        for one in sent:
            producer.send(one.topic, key=one.key, value=one.value, headers=one.headers)
        producer.flush(timeout=60)
    finally:
        producer.close()


def _work(site: Site, deaths: tuple[signal.Signals, ...], search: canaries.Canaries) -> tuple[str, dict[str, set[str]]]:
    """Run one de-identifier after the other; return what they said and what they held open without a name."""
    command = [sys.executable, "-P", "-m", "tests.support.crashing_worker"]
    environment = {"AMANA_DATA": str(site.dir), "PYTHONPATH": str(Path(__file__).parents[2])}
    held: dict[str, set[str]] = {}
    for number, death in enumerate((*deaths, None)):
        child = server_process.ServerProcess(f"flawed-{number}", command, site.dir, environment)
        child.start()
        try:
            _wait_for_outcomes(site, 1 + number * 30 if death else None)
            held |= _held_open(site, child.pid, search)
            if death:
                os.kill(child.pid, death)
                _wait_for_death(child)
                assert child.exit_status() == -death
        finally:
            child.end(time.monotonic())
    return "".join(path.read_text(errors="replace") for path in site.path("logs").glob("flawed-*.log")), held


def _wait_for_death(child: server_process.ServerProcess) -> None:
    deadline = time.monotonic() + 30
    while child.exit_status() is None and time.monotonic() < deadline:
        time.sleep(0.02)


def _wait_for_outcomes(site: Site, more: int | None) -> None:
    """Wait until so many further outputs are on the broker, or, for None, until nothing is left to do."""
    if more is None:
        assert pipeline_status.wait_idle(site.cluster("operator"), PATIENCE_SECONDS).is_idle
        return
    consumer = kafka.KafkaConsumer(**site.cluster("operator").kafka_settings(), enable_auto_commit=False)
    try:
        parts = [kafka.TopicPartition(topics.quarantine(AGENCY), 0)]
        parts += [kafka.TopicPartition("deidentified.case", number) for number in range(4)]
        goal = sum(consumer.end_offsets(parts).values()) + more
        deadline = time.monotonic() + PATIENCE_SECONDS
        while sum(consumer.end_offsets(parts).values()) < goal:
            assert time.monotonic() < deadline, "the de-identifier does nothing"
            time.sleep(0.02)
    finally:
        consumer.close()


def _held_open(site: Site, pid: int, search: canaries.Canaries) -> dict[str, set[str]]:
    """Look at the worker, its detectors and the servers while they run: open files without a name, and their limits."""
    servers = [int(path.read_text()) for path in site.path("run").glob("*.pid") if path.stem != "flawed"]
    parent = psutil.Process(pid)
    found: dict[str, set[str]] = {}
    for one in {*servers, pid, *(child.pid for child in parent.children(recursive=True))}:
        if not psutil.pid_exists(one):
            continue
        assert resource.prlimit(one, resource.RLIMIT_CORE) == (0, 0), one
        found |= {f"{one}: {name}": seen for name, data in canaries.unlinked(one) if (seen := search.found_in(data))}
    return found


def _outcomes(site: Site) -> int:
    return sum(sum(outcomes.values()) for outcomes in pipeline_status.tally(site.cluster("operator")).outcomes.values())


def _amana(site: Site, *words: str) -> str:
    done = demo.amana(*words, environment={**os.environ, "AMANA_DATA": str(site.dir)})
    return done.stdout + done.stderr


def _left_in_tmp(search: canaries.Canaries, since: float, own: Path) -> dict[str, set[str]]:
    """Search what is new in the machine's folder of temporary files, other tests' folders aside."""
    found = {}
    for path in _new(Path("/tmp"), since, own):  # noqa: S108 - it is looked at
        try:
            seen = search.found_in(path.read_bytes())
        except OSError:
            continue
        if seen:
            found[str(path)] = seen
    return found


def _new(folder: Path, since: float, own: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if own.is_relative_to(path) or path.name.startswith("pytest-"):
            continue
        below = path.rglob("*") if path.is_dir() and not path.is_symlink() else [path]
        try:
            yield from (one for one in below if one.is_file() and not one.is_symlink() and one.stat().st_mtime > since)
        except OSError:
            continue


def _controls(search: canaries.Canaries, logs: Path) -> dict[str, set[str]]:
    """Put a canary among the logs in every spelling, and packed: a search that misses one proves nothing."""
    place = "case.hte_Description"
    text = search.planted[place]
    spelt = sorted({*canaries.spellings(text), gzip.compress(text.encode(), mtime=0)})
    for number, one in enumerate(spelt):
        (logs / f"control-{number}.log").write_bytes(b"\0before " + one + b" after\xff")
    return {f"logs/control-{number}.log": {place} for number in range(len(spelt))}
