"""Arrangement of the tests for processes that run side by side: which tests share a process, and in which order.

The tests of a file share a process, since many files start a broker once for all of theirs; the files that look at the
finished demo share one, too. `--dist loadgroup` would do the same by marks, but version 3.8 of pytest-xdist sets
them on a name that pytest 9.2 no longer reads.
"""

import functools
from collections.abc import Sequence
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped] # it has no types

__all__ = ["ByFile", "group_of", "spread"]

ROOT = Path(__file__).parents[2]
DEMO = "demo"
"""The group of the files that look at the finished demo."""


@functools.cache
def group_of(file: str) -> str:
    """Return the group of a file of tests, by its path from the root."""
    return DEMO if "ran: demo.Ran" in (ROOT / file).read_text(encoding="utf-8") else file


class ByFile(LoadScopeScheduling):  # type: ignore[misc] # as above
    """Gives each process the next group of tests as soon as it is nearly done with its last one."""

    def __init__(self, config: pytest.Config, log: object = None) -> None:
        super().__init__(config, log)
        self.config.option.loadscopereorder = False  # the order of `spread` is the one that is wanted

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid.partition("::")[0])


def spread(items: list[pytest.Item], servers: Sequence[str]) -> None:
    """Sort the tests so that those with servers, which mostly wait, are spread evenly among the others.

    Args:
        items: all tests, sorted in place.
        servers: the groups whose tests start servers, in order: of N, group n comes after the share n/N of the others.
    """
    others = list(dict.fromkeys(group for item in items if (group := _group(item)) not in servers))
    places = {group: n / len(listed) for listed in (list(servers), others) for n, group in enumerate(listed)}
    items.sort(key=lambda item: places[_group(item)])


def _group(item: pytest.Item) -> str:
    return group_of(item.nodeid.partition("::")[0])
