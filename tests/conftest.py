"""What every tier shares: one real broker and registry a session, and the reference data beside the checkout."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from amana.local import runtime
from amana.site import Site
from tests.support import demo

# The same examples in every run, so that a run can be repeated; HYPOTHESIS_PROFILE=search looks for new ones.
settings.register_profile("repeatable", derandomize=True, print_blob=True)
settings.register_profile("search", print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

_REAL = ("integration", "consistency", "e2e")
"""Tiers that start real servers."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs the broker, and arrange the tests for processes that run side by side.

    1. Tests of one file that need the broker share a process, with its site; those that look at the finished demo, too.
    2. Files that need the broker, which mostly wait, are spread evenly among the pure tests, which only compute.

    First of all: the plug-in that runs tests side by side reads the groups in the same hook.
    """
    groups: dict[str, int] = {}
    for item in items:
        tier = item.path.relative_to(Path(__file__).parent).parts[0]
        fixtures = set(getattr(item, "fixturenames", ()))
        if tier in _REAL or {"site", "ran"} & fixtures:
            item.add_marker(pytest.mark.broker)
            group = "demo" if "ran" in fixtures else item.nodeid.partition("::")[0]
            item.add_marker(pytest.mark.xdist_group(group))
            groups.setdefault(group, len(groups))
    if "PYTEST_XDIST_WORKER" in os.environ and groups:
        _spread(items, groups)


def _spread(items: list[pytest.Item], groups: dict[str, int]) -> None:
    """Sort the tests so that group n of N comes after the share n/N of the tests without a group."""
    alone = sum(item.get_closest_marker("xdist_group") is None for item in items)
    passed, places = 0, dict[str, float]()
    for item in items:
        marker = item.get_closest_marker("xdist_group")
        places[item.nodeid] = groups[marker.args[0]] / len(groups) if marker else passed / alone
        passed += marker is None
    items.sort(key=lambda item: places[item.nodeid])


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Run broker and registry with all topics, rules and schemas, without workers; shared by the whole session."""
    with runtime.running(tmp_path_factory.mktemp("site"), workers=False) as running:
        yield running


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """Return the folder of reference data, `AMANA_SHARED` or `shared` beside the checkout."""
    folder = Path(os.environ.get("AMANA_SHARED") or Path(__file__).parents[2] / "shared")
    if not folder.is_dir():
        pytest.skip("the reference data is not beside this checkout")
    return folder


@pytest.fixture(scope="session")
def ran(tmp_path_factory: pytest.TempPathFactory) -> demo.Ran:
    """Run `amana demo` once; tests that would change its folder take a copy of what they change."""
    return demo.run(tmp_path_factory.mktemp("demo") / "out")
