# ruff: noqa: INP001 - Sphinx imports this file by its path; it is part of no package
"""Sphinx extension: docstrings are Markdown, as the guides are.

Purpose: the API generator writes reStructuredText around each docstring. This extension hands the docstring itself to
the Markdown parser, so that code in backticks, lists and asterisks mean the same in the sources and in the guides.

Called by: Sphinx, which finds `setup` through the list of extensions in docs/conf.py.

Source: section 3.8 of the Google Python Style Guide, for the sections of a docstring.
"""

import re
import textwrap
from typing import ClassVar

from docutils import nodes
from docutils.utils import new_document
from myst_parser.parsers.sphinx_ import MystParser
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

_SECTION = re.compile(r"(Args|Attributes|Raises|Returns|Yields):")
_ENTRY = re.compile(r"(?P<name>[\w.*]+)(?: \([^)]*\))?: ")
_TITLES = {"Args": "Parameters"}
_MENU = re.compile(r"\.\. toctree::\n(?:   :\w+:.*\n)*\n((?:   \S+\n)+)")


class Docstring(SphinxDirective):
    """The directive `docstring`: its content is Markdown."""

    has_content: ClassVar = True

    def run(self) -> list[nodes.Node]:
        """Return the nodes of the parsed content."""
        document = new_document(self.get_location(), self.state.document.settings)
        MystParser().parse("\n".join(self.content), document)
        for node in document.findall():
            node.document = self.state.document  # else the settings of every docstring are stored with its page
        return document.children


def markdown(docstring: str) -> str:
    """Return a docstring as Markdown: Google's sections become lists, and a list begins after an empty line."""
    lines: list[str] = []
    section: list[str] | None = None
    for line in [*docstring.splitlines(), ""]:
        if section is not None and line and not line.startswith(" "):
            lines += _entries(section)
            section = None
        if header := _SECTION.fullmatch(line.rstrip()):
            lines += ["", f"**{_TITLES.get(header[1], header[1])}**", ""]
            section = []
        elif section is not None:
            section.append(line)
        else:
            lines.append(line)
    return "\n".join([*lines, *_entries(section or [])])


def _entries(section: list[str]) -> list[str]:
    """Return one list item for each entry of a section."""
    entries = re.split(r"\n(?=\S)", textwrap.dedent("\n".join(section)).strip())
    items = [_ENTRY.sub(r"`\g<name>`: ", " ".join(entry.split()), count=1) for entry in entries if entry]
    return [*(f"- {item}" for item in items), ""]


def _wrap(_app: Sphinx, _what: str, _name: str, _obj: object, _options: object, lines: list[str]) -> None:
    """Put the lines of one docstring into the directive, in place."""
    if any(line.strip() for line in lines):
        body = textwrap.dedent(markdown("\n".join(lines))).splitlines()
        lines[:] = [".. docstring::", "", *(f"   {line}" if line else "" for line in body), ""]


def _outside_the_menu(_app: Sphinx, name: str, source: list[str]) -> None:
    """Make a page of the API link to its parts without entering them into the site's menu.

    The menu stands on every page: with three hundred modules in it, two thirds of a build went into copying it.
    """
    if name.startswith("api/"):
        parts = _MENU.sub(lambda menu: "\n".join(f"- :doc:`{entry}`" for entry in menu[1].split()) + "\n", source[0])
        source[0] = f":orphan:\n\n{parts}"


def _exact(_app: Sphinx, page: nodes.document) -> None:
    """Link types by their full names alone: a name that two modules share has no link instead of a wrong one."""
    for reference in page.findall(addnodes.pending_xref):
        reference.attributes.pop("refspecific", None)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive and the handler of docstrings."""
    app.add_directive("docstring", Docstring)
    app.connect("autodoc-process-docstring", _wrap)
    app.connect("source-read", _outside_the_menu)
    app.connect("doctree-read", _exact)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
