"""Processes that spend: reserve, draw and commit again and again until they are killed, and say what they have seen.

`python -m tests.support.spender kill|crowd …` forks them, which takes a millisecond each, and kills them. Their trace
is written with single appends, which a killed process has either made or not: `begun`, just before a draw is made;
`shown`, after a release's draw was returned and could have been published; `refused`.
"""

import os
import random
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from anonymizer.budget.account import BudgetScope, Charge, Opened
from connectors.adapters.budget_store import BudgetStore
from schemas.errors import BudgetError
from schemas.identifiers import ReleaseId, Rho

__all__ = ["RHO", "SCOPE", "charge", "crowd", "kill", "once", "opened"]

SCOPE, RHO = BudgetScope("cases", 2024), Rho(10)


def opened(releases: int) -> Opened:
    """Grant enough for so many releases."""
    return Opened(SCOPE, "policy", Rho(releases * RHO), 1)


def charge(release: str) -> Charge:
    """Return the charge of one release, always the same; all in one window, so that they add up."""
    return Charge(ReleaseId(release), SCOPE, "policy", 0, "2024", RHO)


def once(path: Path, trace: Path, release: str, enough_for: int) -> None:
    """Spend on one release and say what came of it."""
    ledger, said = BudgetStore.open(path), os.open(trace, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    _spend(ledger, said, release, enough_for)
    ledger.close()
    os.close(said)


def crowd(path: Path, trace: Path, size: int, releases: int, enough_for: int) -> None:
    """Let so many processes spend once, all at the same time."""
    children = []
    for number in range(size):
        release = f"r{number % releases}"
        children.append(_forked(partial(once, path, trace, release, enough_for)))
    sys.exit(any(os.waitpid(child, 0)[1] for child in children))


def kill(path: Path, trace: Path, kills: int, releases: int, enough_for: int, seed: int) -> None:
    """Let one process after the other spend on releases drawn at random, and kill each at a random instant.

    One in five is killed between its first draw and the commit: how often a random instant falls there, the disk says.
    """
    choose = random.Random(seed)
    for number in range(kills):
        at_draw = number % 5 == 0
        child = _forked(partial(_until_killed, path, trace, releases, enough_for, at_draw=at_draw))
        time.sleep(choose.uniform(0.002, 0.05))
        os.kill(child, signal.SIGKILL)
        if os.waitpid(child, 0)[1] != signal.SIGKILL:
            sys.exit("a spender ended by itself")


def _until_killed(path: Path, trace: Path, releases: int, enough_for: int, *, at_draw: bool) -> None:
    ledger, said = BudgetStore.open(path), os.open(trace, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    choose = random.Random(os.urandom(8))
    while True:
        _spend(ledger, said, f"r{choose.randrange(releases)}", enough_for, at_draw=at_draw)


def _spend(ledger: BudgetStore, said: int, release: str, enough_for: int, *, at_draw: bool = False) -> None:
    def draw(_: object) -> bytes:
        os.write(said, f"begun {release}\n".encode())
        if at_draw:
            os.kill(os.getpid(), signal.SIGKILL)
        return os.urandom(8)

    try:
        shown = ledger.spend(opened(enough_for), charge(release), draw)
    except BudgetError as error:
        os.write(said, f"refused {release} {error.code}\n".encode())
    else:
        os.write(said, f"shown {release} {shown.hex()}\n".encode())


def _forked(work: Callable[[], None]) -> int:
    child = os.fork()
    if child == 0:
        work()
        os._exit(0)
    return child


if __name__ == "__main__":
    task, where, told, *numbers = sys.argv[1:]
    (kill if task == "kill" else crowd)(Path(where), Path(told), *map(int, numbers))
