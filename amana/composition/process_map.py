"""Independent jobs in processes of their own, as `map` would do them.

Decides how such processes start and end. Does not decide what a job is. They are forked off a server that was started
afresh and holds nothing but loaded modules: no lock, no connection, no open log of this process comes with them. They
end when their jobs do, or when this process does, however it does; so does the server, with this process.
"""

import concurrent.futures
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

__all__ = ["spread"]

_PROCESSES: Final = 2

Job = TypeVar("Job")
Result = TypeVar("Result")


def spread(work: Callable[[Job], Result], jobs: Sequence[Job], *, modules: Sequence[str] = ()) -> list[Result]:
    """Return the result of every job, in order.

    Args:
        work: travels to the processes, as jobs do, and results back.
        jobs: the longest first, if they differ much.
        modules: what the processes would take long to load each.

    Raises:
        BrokenProcessPool: a process ended before its job did.
    """
    if len(jobs) < _PROCESSES:
        return list(map(work, jobs))
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([work.__module__, *modules])
    with concurrent.futures.ProcessPoolExecutor(_PROCESSES, mp_context=context, initializer=_follow) as pool:
        return list(pool.map(work, jobs))


def _follow() -> None:
    """End with the process that started this one, even if it is killed; leave Ctrl-C to it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if (parent := multiprocessing.parent_process()) is not None:
        threading.Thread(target=_end_after, args=(parent.join,), daemon=True).start()


def _end_after(wait: Callable[[], None]) -> None:
    wait()
    os._exit(1)
