"""The demo as a newcomer runs it: a process of its own, what it said, and the folder that it leaves."""

import csv
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Ran", "amana", "counted_cells", "expected_cells", "run"]

_SECONDS = 1200


@dataclass(frozen=True, slots=True)
class Ran:
    """One demo: its folder, its exit status, and all that it said on the terminal."""

    out: Path
    code: int
    said: str

    @property
    def site(self) -> Path:
        """Return the data directory of the system that it ran."""
        return self.out / "site"


def amana(*words: str | Path, environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command of the product."""
    command = [sys.executable, "-P", "-m", "amana", *map(str, words)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=_SECONDS)


def run(out: Path, *words: str | Path) -> Ran:
    """Run the demo into `out`."""
    done = amana("demo", "--out", out, *words)
    return Ran(out, done.returncode, done.stdout + done.stderr)


def counted_cells(file: Path) -> Counter[str]:
    """Read exact counts as `amana cells export` writes them: cell key → count."""
    with file.open(encoding="utf-8", newline="") as text:
        return Counter({_key(row): int(row["count"]) for row in csv.DictReader(text)})


def expected_cells(key: Path, *, closed: str = "") -> Counter[str]:
    """Read the answer key's cells without those of the years up to `closed`, none where it is empty."""
    with (key / "expected-cells.csv").open(encoding="utf-8", newline="") as text:
        found = {row["cell"]: int(row["count"]) for row in csv.DictReader(text)}
    return Counter({cell: count for cell, count in found.items() if _year(cell) > closed})


def _key(row: Mapping[str, str]) -> str:
    values = (pair.partition("=")[2] for pair in row["dimensions"].split(";"))
    return "|".join([row["population"], row["cube"], *values])


def _year(cell: str) -> str:
    (year,) = {value[:4] for value in cell.split("|") if re.fullmatch(r"\d{4}(-\d\d)?", value)}
    return year
