# ruff: noqa: INP001 - Sphinx runs this file; it is part of no package
"""Configuration of the documentation site, built by `make docs`. The choice of tools: ADR 0028.

- The API reference is read from the packages that the wheel holds, at build time; no module is named here.
- No page asks another host for anything: fonts are the reader's own, search runs in the browser on a local index.
- Warnings are errors (`-W` in the Makefile): a link or an anchor without a target ends the build.
"""

import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "docs/extensions"))

_PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

project = "Amana"
version = release = _PROJECT["project"]["version"]
language = "en"

extensions = ["myst_parser", "autoapi.extension", "markdown_docstrings"]
exclude_patterns = ["extensions"]

myst_heading_anchors = 4
myst_enable_extensions = ["attrs_block"]

autoapi_dirs = [str(ROOT / name) for name in _PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]]
autoapi_root = "api"
autoapi_options = ["members", "undoc-members"]
autoapi_add_toctree_entry = False
autoapi_member_order = "groupwise"
autoapi_python_class_content = "class"

# Types that TYPE_CHECKING or a re-export hides from the static reader are named in plain text instead of linked.
suppress_warnings = ["autoapi.python_import_resolution"]

html_theme = "furo"
html_title = "Amana"
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_show_copyright = False
html_theme_options = {
    "light_css_variables": {
        "font-stack": "system-ui, sans-serif",
        "font-stack--monospace": "ui-monospace, monospace",
    },
}
