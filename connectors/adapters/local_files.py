"""Files of this machine that a user names: read regular ones alone, write private ones.

Purpose: keep a command from waiting for a named pipe or reading a device, and keep others from reading what discloses
persons.
Called by: `connectors.ingest`, `connectors.offline`, `connectors.console.trusted_log`, `amana.commands`, `amana.demo`,
`amana.local.supervisor`.

Invariants:
- A named pipe, a device, a socket or a folder is refused at once, as an `OSError` whose text says so.
- The kind is asked of the opened file: a name cannot be exchanged between the question and the opening.
- A private file is readable by its owner alone (0600) before it holds anything.
"""

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO, Final

__all__ = ["PRIVATE", "create_private", "open_regular", "read_text", "write_private", "write_regular"]

PRIVATE: Final = 0o600
"""Mode of a file that its owner alone may read."""

_WITHOUT_WAITING: Final = getattr(os, "O_NONBLOCK", 0)  # a named pipe opens at once, whether it has a writer or not


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file for reading.

    Raises:
        OSError: the file cannot be opened, or is no regular file.
    """
    file = open(path, "rb", opener=_opener)  # noqa: SIM115 - only this form takes an opener; closed below or by the caller
    try:
        _demand_regular(file.fileno())
    except OSError:
        file.close()
        raise
    return file


def read_text(path: Path, encoding: str = "utf-8", errors: str = "strict", *, most: int | None = None) -> str:
    """Return the text of a regular file.

    Args:
        path: the file.
        encoding: of the text.
        errors: what `bytes.decode` does with bytes that are none of it.
        most: bytes beyond which the file is refused.

    Raises:
        OSError: as `open_regular`, or the file is larger than `most`.
        UnicodeDecodeError: the bytes are no such text.
    """
    with open_regular(path) as file:
        content = file.read() if most is None else file.read(most + 1)
    if most is not None and len(content) > most:
        raise OSError(errno.EFBIG, "it is too large")
    return content.decode(encoding, errors)


def write_regular(path: Path, text: str, *, mode: int = 0o666) -> None:
    """Write a text as UTF-8 to a new file, or in place of a regular one.

    Args:
        path: the file.
        text: its new content.
        mode: permissions of a new file, less the mask of the process.

    Raises:
        OSError: the file cannot be written, or is no regular file.
    """
    # Not truncated before it is known what it is.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | _WITHOUT_WAITING, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
        _demand_regular(descriptor)
        if mode == PRIVATE:
            path.chmod(mode)  # of a file that was there before
        file.truncate(0)
        file.write(text)


def write_private(path: Path, text: str) -> None:
    """Write a file that its owner alone can read, as `write_regular`."""
    write_regular(path, text, mode=PRIVATE)


def create_private(name: str, flags: int) -> int:
    """Open a file as `os.open` does, and make a new one private: the opener of `open` for files that disclose."""
    return os.open(name, flags, PRIVATE)


def _opener(name: str, flags: int) -> int:
    return os.open(name, flags | _WITHOUT_WAITING)


def _demand_regular(descriptor: int) -> None:
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        raise OSError(errno.EINVAL, "it is no regular file")
