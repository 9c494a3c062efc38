"""What every tier shares: one real broker and registry a session, and the reference data beside the checkout."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from amana.local import runtime
from amana.site import Site
from tests.support import demo, side_by_side

# The same examples in every run, so that a run can be repeated; HYPOTHESIS_PROFILE=search looks for new ones.
settings.register_profile("repeatable", derandomize=True, print_blob=True)
settings.register_profile("search", print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

_REAL = ("integration", "consistency", "e2e")
"""Tiers that start real servers."""


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> side_by_side.ByFile:
    """Give every process whole files of tests, whatever `--dist` says."""
    return side_by_side.ByFile(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs the broker, and spread it among the pure tests where processes run side by side."""
    servers: dict[str, None] = {}
    for item in items:
        file = item.nodeid.partition("::")[0]
        fixtures = set(getattr(item, "fixturenames", ()))
        if item.path.relative_to(Path(__file__).parent).parts[0] in _REAL or {"site", "ran"} & fixtures:
            item.add_marker(pytest.mark.broker)
            servers[side_by_side.group_of(file)] = None
    if "PYTEST_XDIST_WORKER" in os.environ:
        side_by_side.spread(items, list(servers))


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
