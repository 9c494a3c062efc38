"""The system on one machine starts once, comes back after a crash of a part, and leaves nothing running behind it."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from amana.provisioning import cluster_setup
from amana.site import Site

pytestmark = pytest.mark.broker

UP = [sys.executable, "-m", "amana", "up", "--data"]
STOP_SECONDS = 10
CALM_SECONDS = 5
Start = Callable[[], psutil.Process]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One data directory for all of these tests: each finds what the one before left."""
    return tmp_path_factory.mktemp("lifecycle")


@pytest.fixture(scope="module")
def up(home: Path) -> Iterator[Start]:
    """Return a function that starts the system, or hands out the one that runs."""
    started: list[subprocess.Popen[bytes]] = []

    def start() -> psutil.Process:
        if not started or started[-1].poll() is not None:
            started.append(subprocess.Popen([*UP, str(home)], stdout=subprocess.DEVNULL))
        process, ready = started[-1], home / "run" / "up.ready"
        _until(lambda: process.poll() is not None or _read(ready) == str(process.pid), seconds=120)
        assert process.poll() is None
        return psutil.Process(process.pid)

    yield start
    for process in started:
        process.terminate()
        process.wait(timeout=STOP_SECONDS)


def _read(path: Path) -> str:
    return path.read_text(encoding="ascii").strip() if path.exists() else ""


def _until(true: Callable[[], bool], *, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def _pid(home: Path, name: str) -> int:
    return int(_read(home / "run" / f"{name}.pid") or 0)


def _calm(home: Path, names: tuple[str, ...]) -> dict[str, int]:
    """Return the processes' ids once none has ended for a while: a killed broker takes workers with it."""
    pids: dict[str, int] = {}
    since = 0.0

    def settled() -> bool:
        nonlocal pids, since
        now = {name: _pid(home, name) for name in names}
        if now != pids or not all(psutil.pid_exists(pid) for pid in now.values()):
            pids, since = now, time.monotonic()
        return all(pids.values()) and time.monotonic() - since > CALM_SECONDS

    _until(settled, seconds=120)
    return pids


def test_a_second_start_on_the_same_directory_is_refused(up: Start, home: Path) -> None:
    first = up()
    second = subprocess.run([*UP, str(home)], capture_output=True, text=True, timeout=60, check=False)
    assert second.returncode == 2
    assert "CFG-074" in second.stderr
    assert str(first.pid) in second.stderr
    assert first.is_running()
    assert _pid(home, "up") == first.pid


def test_a_killed_broker_returns_at_the_same_address_with_its_users(up: Start, home: Path) -> None:
    up()
    killed, address = _pid(home, "broker"), Site.open(home).kafka
    os.kill(killed, signal.SIGKILL)
    _until(lambda: _pid(home, "broker") not in (0, killed), seconds=30)
    site = Site.open(home)
    assert site.kafka == address
    with cluster_setup.admin_of(site, seconds=90) as admin:
        assert cluster_setup.differing_topics(site, admin) == ()


def test_a_killed_worker_returns(up: Start, home: Path) -> None:
    up()
    others = _calm(home, ("broker", "worker-dedupe-0", "worker-deidentify-0", "worker-aggregate-0"))
    killed = others.pop("worker-aggregate-0")
    os.kill(killed, signal.SIGKILL)
    _until(lambda: _pid(home, "worker-aggregate-0") not in (0, killed), seconds=30)
    assert psutil.pid_exists(_pid(home, "worker-aggregate-0"))
    assert {name: _pid(home, name) for name in others} == others


def test_no_secret_of_the_site_is_visible_to_others(up: Start, home: Path) -> None:
    """Not in a process list, not in a log, not in a file that others can read."""
    parent = up()
    secrets = {Site.open(home).cluster(name).credential.password for name in ("admin", "analysts")}
    seen = " ".join(word for child in parent.children(recursive=True) for word in child.cmdline())
    seen += " ".join(log.read_text(errors="replace") for log in (home / "logs").glob("*.log"))
    assert not any(secret in seen for secret in secrets)
    exposed = [path for path in home.rglob("*") if path.is_file() and path.stat().st_mode & 0o077]
    assert [path for path in exposed if any(secret in path.read_text("latin-1") for secret in secrets)] == []


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [*UP, str(tmp_path), "--kafka-port", str(port)]
        refused = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert refused.returncode == 2
    assert f"CFG-071: port {port}" in refused.stderr


def _refusal(home: Path) -> str:
    """Return what a start that must be refused says, having left no process behind."""
    refused = subprocess.run([*UP, str(home)], capture_output=True, text=True, timeout=60, check=False)
    assert refused.returncode == 2
    assert "Traceback" not in refused.stderr
    return refused.stderr


def test_a_policy_that_nobody_signed_is_refused_before_anything_starts(tmp_path: Path) -> None:
    """A file beside the officers' acts is in force nowhere, whatever it says."""
    (tmp_path / "policy.toml").write_text("name = ", encoding="utf-8")
    assert "CFG-231" in _refusal(tmp_path)
    assert not (tmp_path / "kafka").exists()


def test_a_directory_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert "CFG-004" in _refusal(tmp_path / "file")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
def test_nothing_outlives_the_parent(up: Start, home: Path, number: signal.Signals) -> None:
    """Whether it is asked to stop or killed; and the next start on the same directory succeeds, killed or not."""
    parent = up()
    children = parent.children(recursive=True)
    assert {child.pid for child in children} >= {_pid(home, "broker"), _pid(home, "registry")}
    parent.send_signal(number)
    _, alive = psutil.wait_procs([parent, *children], timeout=STOP_SECONDS)
    # A process that has ended is a zombie until the system's first process takes note of it.
    assert [child for child in alive if child.status() != psutil.STATUS_ZOMBIE] == []
    assert len(children) >= 2
    if number != signal.SIGKILL:
        assert list((home / "run").glob("*.pid")) == []
