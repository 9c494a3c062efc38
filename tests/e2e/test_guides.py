"""Every command in the README and in the guides runs as it stands there, in order, on one real system.

- A line of a `sh` block that begins with `make ` is left out: `make demo` and `make test` have tests of their own.
- `# exits with N` at the end of a block's last line says which exit status it must end with; else it is 0.
- `amana up` stands in `text` blocks: it runs until it is stopped, and the fixture has started it.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from amana.local import runtime

pytestmark = pytest.mark.broker

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", *(f"docs/guide/{name}.md" for name in ("agency", "operator", "analyst", "officer", "disclosure")))
"""In the order of the flow: the analyst reads what the agency published and the operator released."""

FENCED = re.compile(r"^```(sh|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EXITS = re.compile(r"# exits with (\d+)$")


@dataclass(frozen=True, slots=True)
class Block:
    """One runnable block: where it stands, its language, its text, and the exit status it must end with."""

    page: str
    line: int
    language: str
    text: str
    status: int

    def __str__(self) -> str:
        return f"{Path(self.page).stem}:{self.line}"

    @property
    def command(self) -> list[str]:
        if self.language == "python":
            return [sys.executable, "-c", self.text]
        return ["bash", "-euo", "pipefail", "-c", self.text]


@dataclass(frozen=True, slots=True)
class Desk:
    """Where the reader of the guides works."""

    folder: Path
    environment: dict[str, str]


def blocks(page: str) -> Iterator[Block]:
    """Yield the runnable blocks of a page."""
    content = (ROOT / page).read_text(encoding="utf-8")
    for found in FENCED.finditer(content):
        text = "".join(line for line in found[2].splitlines(keepends=True) if not line.startswith("make "))
        status = EXITS.search(text.rstrip())
        if text.strip():
            yield Block(
                page, content.count("\n", 0, found.start()) + 1, found[1], text, int(status[1]) if status else 0
            )


BLOCKS = tuple(block for page in PAGES for block in blocks(page))


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Run the whole system, as `amana up` does, beside an empty working directory."""
    folder = tmp_path_factory.mktemp("desk")
    with runtime.running(tmp_path_factory.mktemp("guides")) as site:
        path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
        yield Desk(folder, {**os.environ, "PATH": path, "AMANA_DATA": str(site.dir)})


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_a_block_runs_as_it_stands_there(desk: Desk, block: Block) -> None:
    """The blocks build on one another: run the module as a whole."""
    done = subprocess.run(
        block.command, cwd=desk.folder, env=desk.environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == block.status, f"{block}\n{done.stdout}\n{done.stderr}"


@pytest.mark.parametrize("page", PAGES[1:])
def test_a_guide_has_blocks_that_run(page: str) -> None:
    assert any(block.page == page for block in BLOCKS)
