"""Laws of jobs done in processes of their own: the same results in order, and no process outlives its maker."""

import os
import subprocess
import sys
import time
from pathlib import Path

from amana.composition.process_map import spread
from schemas.errors import DisclosureError
from streams.core.releasing.release_plan import plan
from tests.support.disclosure import LATER, PEOPLE, RULES, cells_of, engine

_MAKER = """
import os, time
from amana.composition.process_map import spread
from tests.unit.amana.test_process_map import linger
if __name__ == "__main__":
    spread(linger, [{folder!r}] * 2)
"""


def refuse(job: str) -> DisclosureError:
    return DisclosureError("DIS-021", job)


def linger(folder: str) -> None:
    (Path(folder) / str(os.getpid())).touch()
    time.sleep(60)


def alive(pid: str) -> bool:
    stat = Path("/proc", pid, "stat")
    return stat.exists() and ") Z " not in stat.read_text()


def test_a_plan_is_the_same_however_it_is_spread() -> None:
    cells = cells_of(PEOPLE)
    here = plan(cells, LATER, (), RULES, engine=engine())
    assert repr(plan(cells, LATER, (), RULES, engine=engine(), spread=spread)) == repr(here)


def test_a_fault_comes_back_with_its_code() -> None:
    found = spread(refuse, ["one", "two", "three"])
    assert [(fault.code, fault.message) for fault in found] == [("DIS-021", job) for job in ("one", "two", "three")]


def test_processes_end_with_the_one_that_started_them(tmp_path: Path) -> None:
    """Even if it is killed, and could not tell them."""
    maker = subprocess.Popen([sys.executable, "-c", _MAKER.format(folder=str(tmp_path))])
    deadline = time.monotonic() + 60
    while not list(tmp_path.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.05)
    maker.kill()
    maker.wait()
    pids = [path.name for path in tmp_path.iterdir()]
    while any(map(alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert pids
    assert not any(map(alive, pids))
