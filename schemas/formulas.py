"""Guard against texts that a spreadsheet would run as formulas.

Purpose: the one rule for every CSV file of ours, and its way back. A CSV file is opened by a double click, and a
spreadsheet runs a cell that begins like a formula.
Called by: `connectors.feed.export` and `connectors.offline.table_files`, which write; `table_files` and `amana attack`,
which read such files again.

Invariants:
- A guarded text begins with an apostrophe, so that no cell begins like a formula.
- `unguarded(guarded(text)) == text` for every text, and two texts stay two texts.

Source: OWASP, CSV Injection, for the characters that begin a formula.

>>> guarded("=1+1"), guarded("'=1+1"), guarded("LBN"), guarded("'tis")
("'=1+1", "''=1+1", 'LBN', "'tis")
>>> unguarded("'=1+1"), unguarded("'tis")
('=1+1', "'tis")
"""

import re
from typing import Final

__all__ = ["FORMULA", "guarded", "unguarded"]

FORMULA: Final = r"^'*[=+\-@\t\r\n\uFF1D\uFF0B\uFF0D\uFF20]"
"""Regular expression of the texts that are guarded: those that begin like a formula, and those already guarded so."""

_FORMULA: Final = re.compile(FORMULA)


def guarded(text: str) -> str:
    """Put an apostrophe before a text that a spreadsheet would run as a formula."""
    return f"'{text}" if _FORMULA.match(text) else text


def unguarded(text: str) -> str:
    """Take the apostrophe of `guarded` away."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text
