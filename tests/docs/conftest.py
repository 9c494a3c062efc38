"""The documentation site, built once for all tests and served on loopback."""

import contextlib
import functools
import http.server
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import filelock
import pytest

from tests.unit.test_project import PACKAGES

ROOT = Path(__file__).parents[2]
OUT = ROOT / "build/docs"

BUILT = OUT / ".built"
"""Made by a build that succeeded, here or by `make docs`."""


class _Quiet(http.server.SimpleHTTPRequestHandler):
    """A file server that writes no log."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the library
        """Write nothing."""


@pytest.fixture(scope="session")
def pages() -> Path:
    """Build as `make docs` does, where a warning is an error; a build that is newer than all its sources is taken."""
    OUT.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(OUT.parent / "docs.lock"):
        if not BUILT.exists() or BUILT.stat().st_mtime < max(source.stat().st_mtime for source in _sources()):
            done = subprocess.run(
                [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-j", "2", "docs", str(OUT)],
                cwd=ROOT,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stderr
            BUILT.touch()
    return OUT


def _sources() -> Iterator[Path]:
    """Yield every file that the site is made of."""
    yield from (ROOT / "README.md", ROOT / "pyproject.toml", ROOT / "docs/conf.py")
    yield from (ROOT / "docs").rglob("*.md")
    yield from (ROOT / "docs/extensions").glob("*.py")
    yield from (path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


@pytest.fixture(scope="session")
def address(pages: Path) -> Iterator[str]:
    """Serve the site."""
    with served(pages) as address:
        yield address


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve the files of a folder on a free port of the loopback interface."""
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
