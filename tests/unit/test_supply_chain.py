"""What the image and the environment are made of: pinned, listed, and compared with known vulnerabilities."""

import json
import re
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
UV = Path(sys.prefix) / "tools" / "bin" / "uv"
VULNERABLE = "fastavro"
"""The package of which the planted database knows a vulnerability; an invented one."""


def make(target: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a target of the Makefile with the environment of these tests, which needs no synchronising."""
    settings = {"UV": str(UV), "STAMP": "", **variables}
    command = ["make", "--no-print-directory", target, *(f"{name}={value}" for name, value in settings.items())]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def locked() -> set[tuple[str, str]]:
    """Return name and version of every package of the lock file."""
    lock = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))
    return {(package["name"], package["version"]) for package in lock["package"]}


def test_the_base_image_is_named_by_its_digest() -> None:
    """A tag alone can be moved; a build that names no digest is refused, as `image@` is no reference."""
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert bases
    assert all(re.fullmatch(r"\S+@(sha256:[0-9a-f]{64}|\$\{PYTHON_DIGEST\})", base) for base in bases)
    assert re.search(r"^ARG PYTHON_DIGEST(=sha256:[0-9a-f]{64})?$", DOCKERFILE, re.MULTILINE)


def test_the_installer_is_that_of_the_makefile() -> None:
    """One version of it, and packages as the lock file has them."""
    pinned = re.search(r"^UV_VERSION := (\S+)$", MAKEFILE, re.MULTILINE)
    assert pinned
    assert re.findall(r"pip install .*", DOCKERFILE) == [f"pip install --no-cache-dir uv=={pinned[1]}"]
    assert re.findall(r"uv sync --frozen", DOCKERFILE)


def test_the_last_stage_fetches_nothing() -> None:
    """It copies what the first one made."""
    last = DOCKERFILE.rpartition("\nFROM ")[2]
    assert not re.search(r"\b(pip|uv|apt|apt-get|curl|wget|ADD|https?:)\b", last)


@pytest.fixture(scope="module")
def bill() -> dict[str, Any]:
    """Return what `make sbom` writes."""
    done = make("sbom")
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads((ROOT / "build" / "sbom.json").read_text(encoding="utf-8"))
    return document


def test_the_bill_of_materials_names_every_locked_package(bill: dict[str, Any]) -> None:
    """In CycloneDX, the project itself as its subject."""
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.5")
    components = [bill["metadata"]["component"], *bill["components"]]
    assert {(component["name"], component["version"]) for component in components} == locked()


def test_the_bill_of_materials_has_a_hash_and_an_address_for_every_package(bill: dict[str, Any]) -> None:
    """By which a package can be told from another one of the same name."""
    for component in bill["components"]:
        assert component["purl"] == f"pkg:pypi/{component['name']}@{component['version']}"
        assert any(part["hashes"][0]["alg"] == "SHA-256" for part in component["externalReferences"])


class _Database(BaseHTTPRequestHandler):
    """A vulnerability database of the OSV interface that knows one vulnerability of one package."""

    asked: list[str] = []  # noqa: RUF012 - filled by all requests of the one test

    def do_POST(self) -> None:
        """Answer a batch of queries."""
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        names = [query["package"]["name"] for query in body["queries"]]
        self.asked.extend(names)
        self._send({"results": [{"vulns": [{"id": "TEST-1", "modified": "2026-01-01T00:00:00Z"}]}
                                if name == VULNERABLE else {} for name in names]})  # fmt: skip

    def do_GET(self) -> None:
        """Answer with the vulnerability."""
        affected = [{"package": {"name": VULNERABLE, "ecosystem": "PyPI"}, "ranges": []}]
        self._send({"id": "TEST-1", "modified": "2026-01-01T00:00:00Z", "summary": "an invented one",
                    "affected": affected})  # fmt: skip

    def _send(self, document: object) -> None:
        content = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Write nothing."""


@pytest.fixture
def database() -> Iterator[str]:
    """Run a database on the loopback interface."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Database)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


def test_an_audit_asks_for_every_locked_package_and_fails_on_a_vulnerability(database: str) -> None:
    """The planted one is found, so silence means that none is known."""
    done = make("audit", OSV_URL=database)
    assert done.returncode != 0
    assert "TEST-1" in done.stdout + done.stderr
    assert "not audited" not in done.stderr
    assert set(_Database.asked) >= {name for name, _ in locked()} - {"amana-pipeline"}


def test_an_audit_without_a_database_says_so_and_fails() -> None:
    """It must not look like one that found nothing."""
    done = make("audit", OSV_URL="http://127.0.0.1:1/")
    assert done.returncode != 0
    assert "not audited: no vulnerability database answers" in done.stderr
