"""One child process of the supervisor: its command, log file, pid file and end.

Purpose: start a server or a worker so that it can neither outlive its parent nor write where others can read.
Called by: `amana.local.supervisor` (when to start and restart), `amana.local.runtime` (the supervisor itself as a
child), `amana.local.apicurio` and `amana.local.broker` (their commands).

Invariants:
- Children are started from the main thread only: on Linux the kernel ties a child's life to the thread that forked it.
- A worker is not given the passwords that provisioning alone needs.
- A child has a process group of its own, so that Ctrl-C reaches the supervisor alone.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

__all__ = ["ServerProcess", "stop_all", "worker"]

_LEASH: Final = Path(__file__).with_name("leash.py")
_POLL_SECONDS: Final = 0.02
_PROVISIONING_PASSWORDS: Final = ("AMANA_KAFKA_ADMIN_PASSWORD", "AMANA_REGISTRY_PASSWORD")


@dataclass(slots=True)
class ServerProcess:
    """A child process.

    Args:
        name: names its log, `logs/<name>.log`, and its pid file, `run/<name>.pid`.
        command: program and arguments.
        home: the data directory, and the working directory of the process.
        environment: variables that are added to this process's own.
        writes_pid: False for a program that writes its own pid file.
    """

    name: str
    command: Sequence[str]
    home: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    writes_pid: bool = True
    _process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process.

        Raises:
            OSError: the log or the pid file cannot be written; then the process does not run.
        """
        leash = (sys.executable, "-I", "-S", str(_LEASH), str(os.getpid()))
        descriptor = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            self._process = subprocess.Popen(  # noqa: S603 - a command of our own, no shell
                [*leash, *self.command],
                stdin=subprocess.PIPE,  # the pipe whose end the leash watches where the kernel has no death signal
                stdout=descriptor,
                stderr=descriptor,
                env={**os.environ, **self.environment},
                cwd=self.home,
                start_new_session=True,
            )
        finally:
            os.close(descriptor)
        try:
            if self.writes_pid:
                self._pid_file.write_text(f"{self._process.pid}\n", encoding="ascii")
        except OSError:
            # A process without a pid file could not be found by an operator: rather none at all.
            self.end(time.monotonic())
            raise

    @property
    def log(self) -> Path:
        """Path of the log: the output of every start of the process since the last `trim`."""
        return self.home / "logs" / f"{self.name}.log"

    def trim(self, most: int) -> None:
        """Move the log's content to `.log.1` beside it once it is larger than `most` bytes.

        A line that the process writes between copy and truncation is lost.
        """
        with contextlib.suppress(OSError):
            if self.log.stat().st_size > most:
                # On a full disk the copy fails, and the truncation still makes room.
                with contextlib.suppress(OSError):
                    shutil.copy(self.log, self.log.with_suffix(".log.1"))
                os.truncate(self.log, 0)  # the process keeps writing: its descriptor is in append mode

    @property
    def pid(self) -> int:
        """Process id of the last start, 0 before the first."""
        return self._process.pid if self._process else 0

    def exit_status(self) -> int | None:
        """Return the exit status, negative for a signal; None while it runs."""
        return self._process.poll() if self._process else None

    def signal(self, number: int) -> None:
        """Send a signal to the process if it runs."""
        if self._process and self._process.poll() is None:
            self._process.send_signal(number)

    def end(self, deadline: float) -> None:
        """Wait for the process to end until `deadline` (monotonic seconds), then kill it; remove the pid file."""
        while self._process and self._process.poll() is None and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
        self.signal(signal.SIGKILL)
        if self._process:
            self._process.wait()
            if self._process.stdin:
                self._process.stdin.close()
        if self.writes_pid:
            self._pid_file.unlink(missing_ok=True)

    @property
    def _pid_file(self) -> Path:
        return self.home / "run" / f"{self.name}.pid"


def worker(home: Path, stage: str, index: int) -> ServerProcess:
    """Return a process of one stage of the site in `home`, not started yet."""
    # -P: the working directory is the data directory, and must not become a place to import from.
    command = [sys.executable, "-P", "-m", "amana", "worker", stage, "--index", str(index)]
    # Passwords that only provisioning needs are emptied, which counts as absent.
    environment = {"AMANA_DATA": str(home)} | dict.fromkeys(_PROVISIONING_PASSWORDS, "")
    return ServerProcess(f"worker-{stage}-{index}", command, home, environment)


def stop_all(children: Iterable[ServerProcess], *, seconds: float) -> None:
    """Ask all children to stop at the same time, and kill those that still run after `seconds`."""
    children = tuple(children)
    for child in children:
        child.signal(signal.SIGTERM)
    deadline = time.monotonic() + seconds
    for child in children:
        child.end(deadline)
