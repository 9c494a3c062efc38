"""The built site: complete, and silent towards other hosts."""

import ast
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path

import pytest
from sphinx.util.inventory import InventoryFile

from tests.docs.conftest import ROOT
from tests.unit.test_project import PACKAGES

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")


class _Resources(HTMLParser):
    """Collects the addresses that a browser fetches when it opens a page; links that a reader may follow are none."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        wanted = {"src", "srcset", "poster", "data"} | ({"href"} if tag in {"link", "base", "use", "image"} else set())
        self.found += [value for name, value in attrs if name in wanted and value]


def _foreign(page: str) -> list[str]:
    reader = _Resources()
    reader.feed(page)
    return [found for found in reader.found if "//" in found.split("?")[0] and not found.startswith("data:")]


def test_no_page_names_a_resource_of_another_host(pages: Path) -> None:
    built = list(pages.rglob("*.html"))
    assert len(built) > 100
    assert {str(page): found for page in built if (found := _foreign(page.read_text(encoding="utf-8")))} == {}


def test_a_resource_of_another_host_would_be_noticed() -> None:
    page = '<a href="https://example.org"></a><link href="//example.org/a.css"><script src="https://example.org/b.js">'
    assert _foreign(page) == ["//example.org/a.css", "https://example.org/b.js"]


def test_no_style_sheet_names_another_host(pages: Path) -> None:
    sheets = {str(sheet): sheet.read_text(encoding="utf-8") for sheet in pages.rglob("*.css")}
    assert sheets
    assert [name for name, text in sheets.items() if "@import" in text or "url(http" in text or "url(//" in text] == []


def _public() -> Iterator[str]:
    """Yield the full names of every public module, and of the public classes and functions that it defines."""
    for source in (path for package in PACKAGES for path in (ROOT / package).rglob("*.py")):
        parts = source.relative_to(ROOT).with_suffix("").parts
        module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        if any(part.startswith("_") for part in module.split(".")):
            continue
        yield module
        tree = ast.parse(source.read_text(encoding="utf-8"))
        defined = [
            node for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        ]
        yield from (f"{module}.{node.name}" for node in defined if not node.name.startswith("_"))


def test_every_public_module_class_and_function_has_its_entry(pages: Path) -> None:
    inventory = InventoryFile.loads((pages / "objects.inv").read_bytes(), uri="")
    entries = {name for kind in ("module", "class", "exception", "function") for name in inventory.data[f"py:{kind}"]}
    expected = set(_public())
    assert len(expected) > 500
    assert expected - entries == set()


@contextmanager
def _proxy() -> Iterator[tuple[int, list[bytes]]]:
    """Stand in for the network beyond this machine: a proxy that answers nothing and keeps the request lines."""
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.settimeout(5)
                    asked.append(connection.recv(4096).split(b"\r\n")[0])

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1], asked
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def _opened(url: str, profile: Path) -> tuple[str, list[bytes]]:
    """Open a page in Chromium: the page after its scripts ran, and what was asked of other hosts."""
    with _proxy() as (port, asked):
        done = subprocess.run(
            [
                str(CHROMIUM),
                *FLAGS,
                f"--user-data-dir={profile}",
                f"--proxy-server=http://127.0.0.1:{port}",
                "--virtual-time-budget=20000",
                "--dump-dom",
                url,
            ],
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
    return done.stdout, asked


@needs_chromium
@pytest.mark.parametrize("page", ["index.html", "adr/index.html", "reference/errors.html"])
def test_a_page_asks_nothing_of_another_host(address: str, tmp_path: Path, page: str) -> None:
    shown, asked = _opened(f"{address}/{page}", tmp_path)
    assert "<h1>" in shown
    assert asked == []


@needs_chromium
def test_the_search_finds_a_word_without_another_host(address: str, tmp_path: Path) -> None:
    shown, asked = _opened(f"{address}/search.html?q=watermark", tmp_path)
    results = shown.partition('id="search-results"')[2]
    assert 'href="glossary.html' in results
    assert asked == []


@needs_chromium
def test_a_request_to_another_host_would_be_noticed(tmp_path: Path) -> None:
    """The control: a page with a picture that lies elsewhere (198.51.100.0/24 is reserved for documentation)."""
    page = tmp_path / "page.html"
    page.write_text('<h1>Control</h1><img src="http://198.51.100.7/picture.png">', encoding="utf-8")
    _, asked = _opened(page.as_uri(), tmp_path / "profile")
    assert asked
    assert asked[0].startswith(b"GET http://198.51.100.7/picture.png")
