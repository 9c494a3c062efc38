"""One child process: its command, log, pid file, and how it is stopped.

Decides how a child is started and ended. Does not decide when, or whether it starts again (`amana.local.supervisor`).
Children are started from the main thread only: on Linux the kernel ties their life to the thread that forked.
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


@dataclass(slots=True)
class ServerProcess:
    """A process named `name`: its log is `logs/<name>.log` and its pid file `run/<name>.pid` below `home`.

    `writes_pid` is False for a program that keeps its own pid file.
    """

    name: str
    command: Sequence[str]
    home: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    writes_pid: bool = True
    _process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process, in a group of its own so that Ctrl-C reaches its supervisor alone.

        Raises:
            OSError: log or pid file cannot be written; then it does not run.
        """
        leash = (sys.executable, "-I", "-S", str(_LEASH), str(os.getpid()))
        descriptor = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            self._process = subprocess.Popen(  # noqa: S603 - a command of our own, no shell
                [*leash, *self.command],
                stdin=subprocess.PIPE,
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
            self.end(time.monotonic())
            raise

    @property
    def log(self) -> Path:
        """Return the path of the log; it holds what every start of the process wrote, back to the last `trim`."""
        return self.home / "logs" / f"{self.name}.log"

    def trim(self, most: int) -> None:
        """Empty the log where it is larger than `most` bytes; the file beside it, `.log.1`, has what was there.

        The process writes on: its descriptor appends. A line that it writes in between is lost, and where there is no
        room for the copy, the copy is.
        """
        with contextlib.suppress(OSError):
            if self.log.stat().st_size > most:
                with contextlib.suppress(OSError):
                    shutil.copy(self.log, self.log.with_suffix(".log.1"))
                os.truncate(self.log, 0)

    @property
    def pid(self) -> int:
        """Return the process id of the last start, 0 before the first."""
        return self._process.pid if self._process else 0

    def exit_status(self) -> int | None:
        """Return the exit status, negative for a signal; None while it runs."""
        return self._process.poll() if self._process else None

    def signal(self, number: int) -> None:
        """Send a signal to the process if it runs."""
        if self._process and self._process.poll() is None:
            self._process.send_signal(number)

    def end(self, deadline: float) -> None:
        """Wait for the end until `deadline` (monotonic seconds), then kill; the pid file goes."""
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
    """Return one process of a stage of the site in `home`, not started yet."""
    command = [sys.executable, "-P", "-m", "amana", "worker", stage, "--index", str(index)]
    return ServerProcess(f"worker-{stage}-{index}", command, home, {"AMANA_DATA": str(home)})


def stop_all(children: Iterable[ServerProcess], *, seconds: float) -> None:
    """Ask all of them to stop, together, and kill those that still run after `seconds`."""
    children = tuple(children)
    for child in children:
        child.signal(signal.SIGTERM)
    deadline = time.monotonic() + seconds
    for child in children:
        child.end(deadline)
