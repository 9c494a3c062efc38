"""Independent jobs in processes of their own, as `map` would run them.

Purpose: use both processors for protection and attacks, whose jobs need nothing of each other.
Called by: `amana.composition.release_parts`.

Invariants:
- Jobs run in forks of a fork server that was started afresh and holds loaded modules alone: no lock, connection or open
  log of this process is inherited.
- A job's process ends with its job, or with this process however that ends; so does the fork server.
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
        work: a function that can be pickled, as jobs and results can.
        jobs: the longest first, if they differ much in length.
        modules: modules that each process would take long to load; the fork server loads them once.

    Raises:
        BrokenProcessPool: a process ended before its job did.
    """
    # One job gains nothing from a second process, and would wait for its start.
    if len(jobs) < _PROCESSES:
        return list(map(work, jobs))
    # A plain fork would inherit the locks of this process's threads, and a spawn would load every module twice.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([work.__module__, *modules])
    with concurrent.futures.ProcessPoolExecutor(_PROCESSES, mp_context=context, initializer=_end_with_parent) as pool:
        return list(pool.map(work, jobs))


def _end_with_parent() -> None:
    """End this process with the one that started it, even if that is killed; leave Ctrl-C to it."""
    # A terminal sends Ctrl-C to both; the parent stops its pool in order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if (parent := multiprocessing.parent_process()) is None:
        return

    def _exit_after_parent() -> None:
        parent.join()
        # Not sys.exit: this is not the main thread, and a job without a parent is not worth finishing.
        os._exit(1)

    threading.Thread(target=_exit_after_parent, daemon=True).start()
