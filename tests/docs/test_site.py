"""The built site: complete, and silent towards other hosts."""

import ast
import json
import shutil
import subprocess
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from sphinx.util.inventory import InventoryFile

from tests.docs.conftest import ROOT, served
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

_NO_PAGE = "not an origin"
"""What the browser's log names as the initiator of its own requests."""

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
    """Yield the full names of every public module, and of the classes and functions that it defines and exports."""
    for source in (path for package in PACKAGES for path in (ROOT / package).rglob("*.py")):
        parts = source.relative_to(ROOT).with_suffix("").parts
        module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        if any(part.startswith("_") for part in module.split(".")):
            continue
        yield module
        tree = ast.parse(source.read_text(encoding="utf-8"))
        exported = _exported(tree)
        defined = [
            node for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        ]
        names = [node.name for node in defined if not node.name.startswith("_")]
        yield from (f"{module}.{name}" for name in names if exported is None or name in exported)


def _exported(tree: ast.Module) -> list[str] | None:
    """Return what a module names in `__all__`, None where it has none."""
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets):
                return list(ast.literal_eval(node.value))
    return None


def test_every_public_module_class_and_function_has_its_entry(pages: Path) -> None:
    inventory = InventoryFile.loads((pages / "objects.inv").read_bytes(), uri="")
    entries = {name for kind in ("module", "class", "exception", "function") for name in inventory.data[f"py:{kind}"]}
    expected = set(_public())
    assert len(expected) > 500
    assert expected - entries == set()


def _opened(url: str, folder: Path) -> tuple[str, list[str]]:
    """Open a page in Chromium: the page after its scripts ran, and every address that the page asked for.

    The browser asks its maker's hosts for things of its own; its log tells them apart, as they have no page for an
    initiator. A proxy that does not exist keeps both from leaving this machine.
    """
    log = folder / "net.json"
    done = subprocess.run(
        [
            str(CHROMIUM),
            *FLAGS,
            f"--user-data-dir={folder / 'profile'}",
            "--proxy-server=http://127.0.0.1:9",
            f"--log-net-log={log}",
            "--virtual-time-budget=20000",
            "--dump-dom",
            url,
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    events = [event.get("params", {}) for event in json.loads(log.read_text(encoding="utf-8"))["events"]]
    return done.stdout, [event["url"] for event in events if event.get("initiator", _NO_PAGE) != _NO_PAGE]


@needs_chromium
@pytest.mark.parametrize("page", ["index.html", "reference/errors.html"])
def test_a_page_asks_nothing_of_another_host(address: str, tmp_path: Path, page: str) -> None:
    shown, asked = _opened(f"{address}/{page}", tmp_path)
    assert "<h1>" in shown
    assert any(".css" in found for found in asked)
    assert [found for found in asked if not found.startswith(f"{address}/")] == []


@needs_chromium
def test_the_search_finds_a_word_without_another_host(address: str, tmp_path: Path) -> None:
    shown, asked = _opened(f"{address}/search.html?q=watermark", tmp_path)
    results = shown.partition('id="search-results"')[2]
    assert 'href="glossary.html' in results
    assert [found for found in asked if not found.startswith(f"{address}/")] == []


@needs_chromium
def test_a_request_to_another_host_would_be_noticed(tmp_path: Path) -> None:
    """The control: a page with a picture that lies elsewhere (198.51.100.0/24 is reserved for documentation)."""
    (tmp_path / "page.html").write_text('<img src="http://198.51.100.7/picture.png">', encoding="utf-8")
    with served(tmp_path) as address:
        _, asked = _opened(f"{address}/page.html", tmp_path)
    assert "http://198.51.100.7/picture.png" in asked
