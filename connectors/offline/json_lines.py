"""Lines of a file or a pipe as they come: numbered, bounded, some hundred at once.

Decides how lines are cut and handed on. Does not decode them. A reader that waits for more answers first: whatever has
been read by then is one batch.
"""

import queue
import threading
from collections.abc import Iterator
from typing import BinaryIO, Final

__all__ = ["Numbered", "batches", "numbered"]

LONGEST: Final = 4 << 20
"""Bytes of a line; far more than a text that any policy scans takes, however it is escaped."""

_BOM: Final = b"\xef\xbb\xbf"

Numbered = tuple[int, bytes | None]
"""A line's number, from 1, and its bytes; None for one that is too long to be held in memory."""


def numbered(source: BinaryIO, longest: int = LONGEST) -> Iterator[Numbered]:
    """Yield the lines that hold anything; a byte order mark is not part of the first."""
    number = 0
    while line := source.readline(longest):
        number += 1
        if number == 1:
            line = line.removeprefix(_BOM)
        if len(line) < longest - len(_BOM) or line.endswith(b"\n"):
            if line.strip():
                yield number, line
        else:
            while (rest := source.readline(longest)) and not rest.endswith(b"\n"):
                pass
            yield number, None


def batches(source: BinaryIO, size: int) -> Iterator[list[Numbered]]:
    """Yield what has been read, at most `size` lines at once; a thread reads ahead.

    Raises:
        OSError: the source cannot be read on; what came before has been handed out.
    """
    read: queue.Queue[Numbered | OSError | None] = queue.Queue(2 * size)
    threading.Thread(target=_read, args=(source, read), daemon=True).start()
    while True:
        items = [read.get()]
        while len(items) < size and items[-1] is not None and not read.empty():
            items.append(read.get())
        lines = [item for item in items if isinstance(item, tuple)]
        if lines:
            yield lines
        if isinstance(items[-1], OSError):
            raise items[-1]
        if items[-1] is None:
            return


def _read(source: BinaryIO, read: "queue.Queue[Numbered | OSError | None]") -> None:
    try:
        for line in numbered(source):
            read.put(line)
        read.put(None)
    except OSError as error:
        read.put(error)
