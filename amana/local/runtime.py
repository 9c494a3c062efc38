"""A running system for the duration of a `with` block: the base of the demonstration and of the tests.

Purpose: start a supervisor as a child process, wait until it is ready, and stop it at the end of the block.
Called by: `amana.demo.run`, the broker tests.

    with running(folder, workers=True) as site:
        ...

Invariants:
- The supervisor's life is tied to the thread that entered the block.
"""

import contextlib
import datetime as dt
import re
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from amana import site as sites
from amana.local import artifacts, server_process, supervisor
from amana.settings import Settings
from schemas import errors

__all__ = ["running"]

_START_SECONDS: Final = 180.0
_STOP_SECONDS: Final = 10.0
_POLL_SECONDS: Final = 0.05
_FAULT: Final = re.compile(r"^([A-Z]{3}-\d{3}): (.*)$", re.MULTILINE)


@contextlib.contextmanager
def running(
    data_dir: Path,
    *,
    workers: bool | Mapping[str, int] = True,
    as_of: dt.date | None = None,
    agencies: Sequence[str] | None = None,
) -> Iterator[sites.Site]:
    """Run the system in a data directory until the block ends.

    Args:
        data_dir: made if it does not exist; a site in it is continued.
        workers: False for broker, registry, topics and rules alone; or the number of processes of each stage.
        as_of: the calendar's date; None keeps the site's, and a new site has none.
        agencies: ids to add to the site's; a new site that is given none has `amana.site_file.DEFAULT_AGENCIES`.

    Raises:
        ConfigurationError: as of `amana up`: the directory is in use, cannot be written, the disk is full.
        TransportError: a server does not start; TRA-007, the system ended or was not ready within three minutes.
    """
    if not Settings.read().has_cluster:
        artifacts.ensure()  # in this process, whose terminal shows the progress bar
    home = data_dir.absolute()
    (home / "run").mkdir(mode=0o700, parents=True, exist_ok=True)
    (home / "logs").mkdir(mode=0o700, exist_ok=True)
    counts = workers if isinstance(workers, Mapping) else (supervisor.DEFAULT_WORKERS if workers else {})
    child = server_process.ServerProcess("up", _command(home, counts, as_of, agencies or ()), home, writes_pid=False)
    # The log may hold the faults of earlier starts: only what comes after this position belongs to this one.
    log_start = child.log.stat().st_size if child.log.exists() else 0
    child.start()
    try:
        _wait_ready(child, log_start)
        yield sites.Site.open(home)
    finally:
        child.signal(signal.SIGTERM)
        child.end(time.monotonic() + _STOP_SECONDS)


def _command(home: Path, workers: Mapping[str, int], as_of: dt.date | None, agencies: Sequence[str]) -> list[str]:
    """Return the command line of `amana up`."""
    # -P: the working directory of the child is the data directory, and must not become a place to import from.
    command = [sys.executable, "-P", "-m", "amana", "up", "--data", str(home)]
    command += [part for agency in agencies for part in ("--agency", agency)]
    command += ["--as-of", as_of.isoformat()] if as_of else []
    command += [part for name, count in workers.items() for part in ("--workers", f"{name}={count}")]
    return [*command, *([] if workers else ["--no-workers"])]


def _wait_ready(child: server_process.ServerProcess, log_start: int) -> None:
    """Wait until the system is ready; if it ends before, raise the fault that its log holds after `log_start`."""
    ready = child.home / "run" / "up.ready"
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            if ready.read_text(encoding="ascii").strip() == str(child.pid):
                return
        if child.exit_status() is not None:
            raise _fault(child.log.read_bytes()[log_start:].decode(errors="replace"), child.log)
        time.sleep(_POLL_SECONDS)
    raise errors.TransportError("TRA-007", f"the system was not ready in time: see {child.log}")


def _fault(text: str, log: Path) -> errors.AmanaError:
    """Return the supervisor's last typed fault as an exception of this process."""
    # The last one: the command prints the fault that ended it at the end.
    faults = _FAULT.findall(text)
    if not faults:
        return errors.TransportError("TRA-007", f"the system ended as it started: see {log}")
    code, sentence = faults[-1]
    families = {"CFG": errors.ConfigurationError, "INT": errors.IntegrityError}
    return families.get(code[:3], errors.TransportError)(code, sentence)
