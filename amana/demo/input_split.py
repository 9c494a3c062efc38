"""A real file divided among the agencies, so that one download can play the part of a region.

Called by: `amana.demo.run` for `amana demo --input FILE`.

Invariants:
- Data line n, counted from 1, goes to agency number (n - 1) modulo the number of agencies.
- The parts can be read by their owner alone.
- Lines are copied byte for byte and never interpreted; each part repeats the header.
"""

import gzip
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO

from connectors.adapters import local_files
from schemas.errors import ConfigurationError

__all__ = ["RULE", "demand_readable", "divide"]

RULE = "data line n goes to agency (n - 1) modulo the number of agencies, in the order of their names"


def demand_readable(source: Path) -> None:
    """Refuse a source that is no readable file, before anything is started.

    Raises:
        ConfigurationError: CFG-060.
    """
    try:
        local_files.open_regular(source).close()
    except OSError as error:
        raise _unreadable(source, error) from error


def divide(source: Path, agencies: Sequence[str], out: Path) -> dict[str, Path]:
    """Write one part per agency under `out`; return agency → part.

    Raises:
        ConfigurationError: CFG-060, the file is a folder, cannot be read, or has no header.
    """
    names = sorted(agencies)
    suffix = ".jsonl" if ".jsonl" in source.suffixes else ".csv"
    parts = {name: out / f"{name}.case{suffix}" for name in names}
    try:
        out.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _open(source) as lines, ExitStack() as stack:
            files = [stack.enter_context(_private(parts[name])) for name in names]
            _deal(lines, files, header=suffix == ".csv")
    except OSError as error:
        raise _unreadable(source, error) from error
    return parts


def _unreadable(source: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError("CFG-060", f"{source} cannot be divided: {error.strerror or 'unreadable'}")


def _open(source: Path) -> IO[bytes]:
    file = local_files.open_regular(source)
    return gzip.GzipFile(fileobj=file) if source.suffix == ".gz" else file  # type: ignore[return-value] # reads alike


def _private(part: Path) -> IO[bytes]:
    return open(part, "wb", opener=local_files.create_private)


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
