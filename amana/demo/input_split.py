"""A real file divided among the agencies, so that one download can play the part of a region.

Called by: `amana.demo.run` for `amana demo --input FILE`.

Invariants:
- Data line n, counted from 1, goes to agency number (n - 1) modulo the number of agencies.
- Lines are copied byte for byte and never interpreted; each part repeats the header.
"""

import gzip
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO

from schemas.errors import ConfigurationError

__all__ = ["RULE", "divide"]

RULE = "data line n goes to agency (n - 1) modulo the number of agencies, in the order of their names"


def divide(source: Path, agencies: Sequence[str], out: Path) -> dict[str, Path]:
    """Write one part per agency under `out`; return agency → part.

    Raises:
        ConfigurationError: CFG-060, the file is a folder, cannot be read, or has no header.
    """
    names = sorted(agencies)
    suffix = ".jsonl" if ".jsonl" in source.suffixes else ".csv"
    parts = {name: out / f"{name}.case{suffix}" for name in names}
    try:
        out.mkdir(parents=True, exist_ok=True)
        with _open(source) as lines, ExitStack() as stack:
            files = [stack.enter_context(parts[name].open("wb")) for name in names]
            _deal(lines, files, header=suffix == ".csv")
    except OSError as error:
        raise ConfigurationError("CFG-060", f"{source} cannot be divided: {error.strerror or 'unreadable'}") from error
    return parts


def _open(source: Path) -> IO[bytes]:
    return gzip.open(source, "rb") if source.suffix == ".gz" else source.open("rb")  # type: ignore[return-value]


def _deal(lines: IO[bytes], files: Sequence[IO[bytes]], *, header: bool) -> None:
    """Copy the lines to the files in turn; each file gets the header."""
    if header:
        # A header without a line break is the whole file: the next line must not be glued to it.
        first = lines.readline()
        if not first.strip():
            raise OSError(0, "the file has no header")
        for file in files:
            file.write(first if first.endswith(b"\n") else first + b"\n")
    for number, line in enumerate(lines):
        files[number % len(files)].write(line)
