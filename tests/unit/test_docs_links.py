"""Links of README and docs, read as a forge reads them: files beside the page, headings of that page."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", *sorted(path for path in (ROOT / "docs").rglob("*.md")))

_FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)


def _text(page: Path) -> str:
    return _FENCED.sub("", page.read_text(encoding="utf-8"))


def _anchors(page: Path) -> set[str]:
    return {
        re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in _HEADING.findall(_text(page))
    }


def _broken(page: Path) -> Iterator[str]:
    for link in _LINK.findall(_text(page)):
        if link.startswith(("http://", "https://", "mailto:")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in _anchors(target)):
            yield link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_has_a_target(page: Path) -> None:
    assert list(_broken(page)) == []


def test_links_without_a_target_are_found(tmp_path: Path) -> None:
    (tmp_path / "there.md").write_text("# A heading, here\n", encoding="utf-8")
    page = tmp_path / "page.md"
    page.write_text("[a](there.md#a-heading-here) [b](there.md#gone) [c](gone.md)", encoding="utf-8")
    assert list(_broken(page)) == ["there.md#gone", "gone.md"]


@pytest.mark.parametrize("folder", ["adr", "guide", "reference"])
def test_a_page_is_named_by_the_index_of_its_folder(folder: str) -> None:
    """Sphinx finds it by the index; so does a reader."""
    index = (ROOT / "docs" / folder / "index.md").read_text(encoding="utf-8")
    pages = {path.stem for path in (ROOT / "docs" / folder).glob("*.md")} - {"index"}
    assert pages == set(re.findall(r"\]\(([\w-]+)\.md\)", index))
