"""The supervisor: starts servers and workers of one machine in order, restarts what dies, and stops everything.

Purpose: run one site on one machine until it is asked to stop.
Called by: `amana up`; the demonstration and the tests run it as a child process (`amana.local.runtime`).

1. Lock the data directory and complete the site's keys and passwords.
2. Start broker and registry, unless the environment names existing ones.
3. Provision users, topics, access rules, quotas and schemas.
4. Start the workers, and declare the system ready.
5. Watch: restart what died, at once the first time and then after growing pauses.
6. Stop the workers, then the servers: what the workers still send needs the broker.

Invariants:
- One supervisor per data directory: the lock is the kernel's and ends with the process that holds it.
- It runs in the main thread of its process, because the lives of its children are tied to that thread.
- A worker that refuses its configuration (exit status 2) stops the system: a restart would not help.
- While a disk is full, a process that ended is not restarted: it would end again, or run without a log.
- Every end of a process is recorded, so that `amana check` and `status` see one that ends again and again.
"""

import contextlib
import dataclasses
import datetime as dt
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import filelock

from amana import site as sites
from amana.composition.key_acts import KeyActs
from amana.local import apicurio, artifacts, broker, disk_space, played_officers, ports, server_process
from amana.provisioning import cluster_setup, disk_guard
from amana.settings import Settings
from connectors.adapters import local_files, schema_ids
from connectors.operations import restart_record
from schemas.errors import ConfigurationError, TransportError
from streams.broker import access

__all__ = ["DEFAULT_WORKERS", "Options", "serve"]

DEFAULT_WORKERS: Final[Mapping[str, int]] = dict.fromkeys(access.WORKERS, 1)
"""One process of each stage."""

_WORKER_STOP_SECONDS: Final = 2.0
_SERVER_STOP_SECONDS: Final = 2.5
_POLL_SECONDS: Final = 0.1
_BACKOFF_SECONDS: Final = (0.0, 0.5, 1.0, 2.0, 5.0, 10.0)
_HEALTHY_SECONDS: Final = 30.0
_FULL_DISK_PAUSE_SECONDS: Final = 1.0
_LOG_BYTES: Final = 32 << 20
"""Largest log of one process; its predecessor `.log.1` may be as large again."""

_CONFIGURATION_STATUS: Final = 2


@dataclass(frozen=True, slots=True)
class Options:
    """Options of `amana up`; a port of 0 is chosen freely, and `as_of` None keeps the site's date."""

    data: Path
    agencies: tuple[str, ...] = ()
    as_of: dt.date | str | None = None
    workers: Mapping[str, int] = field(default_factory=lambda: dict(DEFAULT_WORKERS))
    kafka_port: int = 0
    registry_port: int = 0
    quota: Mapping[str, int] = field(default_factory=dict)


def serve(options: Options, say: Callable[[str], None] = print) -> None:
    """Run the system until SIGINT, SIGTERM or SIGHUP; `say` gets one line per component as it is ready.

    Raises:
        ConfigurationError: CFG-073 too little disk; CFG-074 the directory is in use; CFG-075 a worker refuses to run.
        TransportError: a server does not start or cannot be reached.
    """
    home = options.data.absolute()
    if lack := disk_space.lacking(home, disk_space.TO_BEGIN):
        raise lack
    with _locked(home), _stoppable(), contextlib.suppress(KeyboardInterrupt):
        # A new site is tried out: both officers are played. One whose officers were deleted must not get others.
        is_new = not any((home / name).exists() for name in ("site.json", "policy.toml"))
        site = sites.Site.create(home, agencies=options.agencies, as_of=options.as_of, quota=options.quota)
        if is_new and played_officers.play(home):
            say(f"{'policy':<22}the shipped one, signed by two played officers ({home / played_officers.FOLDER}):")
            say(f"{'':<22}whoever holds both keys is not two officers; see the guide for data officers")
        site.policies()  # a refused policy is said before anything starts
        _Supervisor(site, options, say).run()


@contextlib.contextmanager
def _locked(home: Path) -> Iterator[None]:
    """Hold the data directory's lock until this process ends, however it ends."""
    pid_file = home / "run" / "up.pid"
    try:
        pid_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError("CFG-004", f"{home} cannot be written: {error.strerror}") from error
    lock = filelock.FileLock(home / "run" / "up.lock", timeout=0, mode=local_files.PRIVATE)
    try:
        with lock:
            pid_file.write_text(f"{os.getpid()}\n", encoding="ascii")
            try:
                yield
            finally:
                pid_file.unlink(missing_ok=True)
    except filelock.Timeout as error:
        other = pid_file.read_text(encoding="ascii").strip() if pid_file.exists() else "unknown"
        raise ConfigurationError("CFG-074", f"{home} is in use: `amana up` runs there, process {other}") from error


@contextlib.contextmanager
def _stoppable() -> Iterator[None]:
    """Turn SIGTERM and SIGHUP into KeyboardInterrupt, as SIGINT is."""

    def _interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, _interrupt) for number in _STOPPING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


_STOPPING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(slots=True)
class _Watched:
    """A child with its history.

    Args:
        child: the process.
        started: the monotonic time of its last start.
        due: the monotonic time of its next start; None while it runs.
        deaths: how often it died in a row without being healthy in between.
        waits: the reason why it is not restarted although it is due; empty if there is none.
    """

    child: server_process.ServerProcess
    started: float
    due: float | None = None
    deaths: int = 0
    waits: str = ""


class _Supervisor:
    def __init__(self, site: sites.Site, options: Options, say: Callable[[str], None]) -> None:
        self._site, self._options, self._say = site, options, say
        self._watched: list[_Watched] = []
        self._guard: disk_guard.DiskGuard | None = None
        self._ready = site.path("run", "up.ready")
        self._year = dt.datetime.now(dt.UTC).year

    def run(self) -> None:
        """Run steps 2 to 6 of the module's procedure; step 6 happens whatever ends the others."""
        self._ready.unlink(missing_ok=True)
        try:
            self._start_servers()  # 2
            self._provision()  # 3
            for name, count in self._options.workers.items():  # 4
                for index in range(count):
                    child = server_process.worker(self._site.dir, name, index)
                    self._start(child)
                    self._tell(child.name, f"process {child.pid}")
            self._ready.write_text(f"{os.getpid()}\n", encoding="ascii")
            while True:  # 5
                self._watch()
                time.sleep(_POLL_SECONDS)
        finally:
            # A second Ctrl-C must not interrupt the stop: a server that is left behind would keep its port.
            for number in _STOPPING:
                signal.signal(number, signal.SIG_IGN)
            if self._guard is not None:
                self._guard.stop()
            self._stop()  # 6

    def _start_servers(self) -> None:
        """Start broker and registry side by side, unless the environment names existing ones."""
        begun = time.monotonic()
        settings = Settings.read()
        own_broker, own_registry = not settings.kafka, not settings.registry
        if not (own_broker or own_registry):
            return
        runtime = artifacts.ensure()
        # The registry needs nothing from the broker: it starts first, and is waited for last.
        self._choose_ports(own_broker=own_broker, own_registry=own_registry)
        if own_registry:
            self._start(apicurio.child(self._site, runtime))
        if own_broker:
            broker.prepare(self._site, runtime)
            self._start(broker.child(self._site, runtime))
            broker.wait_ready(self._site, lambda: self._runs("broker"))
            self._tell("broker", f"{self._site.kafka}, ready after {time.monotonic() - begun:.1f} s")
        if own_registry:
            self._wait_for_registry(begun)

    def _wait_for_registry(self, begun: float) -> None:
        """Wait for the registry where its ids are needed; a site that has them starts without it."""
        try:
            apicurio.wait_ready(self._site, lambda: self._runs("registry"))
            self._tell("registry", f"{self._site.registry}, ready after {time.monotonic() - begun:.1f} s")
        except TransportError as fault:
            if schema_ids.lacking(self._site.schema_ids):
                raise
            self._tell("registry", f"{fault}; the schema ids on file hold")

    def _choose_ports(self, *, own_broker: bool, own_registry: bool) -> None:
        """Choose the ports asked for, else those of the last start, so that clients find the servers again."""
        asked = (self._options.kafka_port, self._options.registry_port)
        for port, option in zip(asked, ("--kafka-port", "--registry-port"), strict=True):
            if port:
                ports.demand(port, option)
        before = (_port(self._site.kafka) if own_broker else 0, _port(self._site.registry) if own_registry else 0)
        # An old port may be taken by another program meanwhile; then clients are told the new one by `site.json`.
        spare = iter(ports.choose(2))
        chosen = [
            want or (old if old and ports.is_free(old) else next(spare))
            for want, old in zip(asked, before, strict=True)
        ]
        if own_broker:
            self._site = dataclasses.replace(self._site, kafka=f"{ports.LOOPBACK}:{chosen[0]}")
        if own_registry:
            self._site = dataclasses.replace(self._site, registry=f"http://{ports.LOOPBACK}:{chosen[1]}")
        self._site.save()

    def _provision(self) -> None:
        """Set up the cluster, if this site has its admin's password; else whoever runs the cluster does it."""
        if not self._site.path("parties", "operator", "passwords", f"{access.ADMIN}.json").exists():
            self._tell("topics", "left as they are: no admin password here")
            return
        begun = time.monotonic()
        fault = cluster_setup.provision(self._site)
        if fault:
            self._tell("registry", f"{fault}; the schema ids on file hold")
        self._guard = disk_guard.DiskGuard(self._site, lambda line: self._tell("disks", line))
        with KeyActs(self._site) as acts:
            acts.send_notes()
        count = len(cluster_setup.topic_table(self._site))
        self._tell("topics", f"{count}, with their rules and schemas, after {time.monotonic() - begun:.1f} s")

    def _start(self, child: server_process.ServerProcess) -> None:
        child.start()
        self._watched.append(_Watched(child, time.monotonic()))

    def _runs(self, name: str) -> bool:
        return all(each.child.exit_status() is None for each in self._watched if each.child.name == name)

    def _watch(self) -> None:
        """Restart children that died and are due, and trim the logs."""
        now = time.monotonic()
        self._make_keys_of_years()
        for each in self._watched:
            each.child.trim(_LOG_BYTES)
            status = each.child.exit_status()
            if status is None:
                continue
            if each.due is None:
                self._plan_restart(each, status, now)
            elif now >= each.due:
                self._restart(each, now)

    def _make_keys_of_years(self) -> None:
        """Make the keys of the next year once a year begins; workers that run find them."""
        year = dt.datetime.now(dt.UTC).year
        if year != self._year:
            self._year = year
            sites.Site.create(self._site.dir)
            self._tell("keys", f"of events up to {year + 1}")
            with KeyActs(self._site) as acts:
                acts.send_notes()

    def _restart(self, each: _Watched, now: float) -> None:
        """Restart a child, or postpone it while the disk is full; say so once, and once more when it is over."""
        lack: object = disk_space.lacking(self._site.dir, disk_space.TO_GO_ON)
        if not lack:
            try:
                each.child.start()
            except OSError as error:
                lack = f"CFG-004: {self._site.dir} cannot be written: {error.strerror}"
        if lack:
            each.due = now + _FULL_DISK_PAUSE_SECONDS
            if not each.waits:
                each.waits = str(lack)
                self._tell(each.child.name, f"waits: {lack}")
            return
        waited, each.started, each.due, each.waits = each.waits, now, None, ""
        self._tell(each.child.name, f"started again, process {each.child.pid}{waited and f', waited: {waited}'}")

    def _plan_restart(self, each: _Watched, status: int, now: float) -> None:
        """Set the time of the restart of a child that ended; the pause grows with every death in a row."""
        name = each.child.name
        if status == _CONFIGURATION_STATUS and name.startswith("worker-"):
            raise ConfigurationError("CFG-075", f"{name} refuses to run: see {each.child.log}")
        # After a healthy while the count begins again: one death a day must not lead to long pauses.
        each.deaths = 0 if now - each.started > _HEALTHY_SECONDS else each.deaths
        each.due = now + _BACKOFF_SECONDS[min(each.deaths, len(_BACKOFF_SECONDS) - 1)]
        each.deaths += 1
        restart_record.note(self._site.path("run"), name, status, time.time())
        self._tell(name, f"ended with status {status}")

    def _stop(self) -> None:
        """Stop the workers, then the servers: what the workers still send needs the broker."""
        self._ready.unlink(missing_ok=True)
        workers = [each.child for each in self._watched if each.child.name.startswith("worker-")]
        server_process.stop_all(workers, seconds=_WORKER_STOP_SECONDS)
        servers = [each.child for each in self._watched if each.child not in workers]
        server_process.stop_all(servers, seconds=_SERVER_STOP_SECONDS)
        self._tell("stopped", f"{len(self._watched)} processes")

    def _tell(self, component: str, text: str) -> None:
        # The output may go to a full disk: a message that cannot be written must not stop the system.
        with contextlib.suppress(OSError):
            self._say(f"{component:<22}{text}")


def _port(address: str) -> int:
    """Return the port of an address or a URL, 0 if it has none."""
    tail = address.rsplit(":", 1)[-1]
    return int(tail) if tail.isdigit() else 0
