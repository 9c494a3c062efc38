"""One demo for all tests that look at what a demo leaves."""

import pytest

from tests.support import demo


@pytest.fixture(scope="session")
def ran(tmp_path_factory: pytest.TempPathFactory) -> demo.Ran:
    """Run `amana demo` once; tests that would change its folder take a copy of what they change."""
    return demo.run(tmp_path_factory.mktemp("demo") / "out")
