"""Lines of a file or a pipe as they come: numbered, of bounded length, in batches.

Purpose: hand lines on without decoding them. Under load a batch holds up to `size` lines; a reader that is faster than
its source gets a line as soon as it is there.
Called by: `amana redact`.

Invariants:
- A line that is too long is reported by its number, and never held in memory whole.
- Blank lines count, and are not yielded.
"""

import queue
import threading
from collections.abc import Iterator
from typing import BinaryIO, Final

__all__ = ["Numbered", "batches", "numbered"]

LONGEST: Final = 4 << 20
"""Most bytes of a line; far more than the longest text that a policy scans, however it is escaped."""

_BOM: Final = b"\xef\xbb\xbf"

Numbered = tuple[int, bytes | None]
"""Number of a line, from 1, and its bytes; None instead of bytes for a line that is too long."""


def numbered(source: BinaryIO, longest: int = LONGEST) -> Iterator[Numbered]:
    """Yield the lines of `source` that are not blank, without the byte order mark of the first.

    Args:
        source: read from where it is.
        longest: bytes from which a line without its end is too long.
    """
    number = 0
    while line := source.readline(longest):
        number += 1
        if number == 1:
            line = line.removeprefix(_BOM)
        # `readline` stops at `longest`; the mark may have been cut off a first line of just that length.
        if len(line) < longest - len(_BOM) or line.endswith(b"\n"):
            if line.strip():
                yield number, line
        else:
            # Read the rest of the line in pieces, and forget it.
            while (rest := source.readline(longest)) and not rest.endswith(b"\n"):
                pass
            yield number, None


def batches(source: BinaryIO, size: int) -> Iterator[list[Numbered]]:
    """Yield the lines that a thread has read ahead, at least one and at most `size` at once.

    Raises:
        OSError: the source cannot be read any further; the lines before were yielded.
    """
    read: queue.Queue[Numbered | OSError | None] = queue.Queue(2 * size)
    # A daemon: a consumer that stops early must not wait for a pipe that nobody closes.
    threading.Thread(target=_read_ahead, args=(source, read), daemon=True).start()
    while True:
        # Wait for one item, then take whatever else is there; None and an error end the source.
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


def _read_ahead(source: BinaryIO, read: "queue.Queue[Numbered | OSError | None]") -> None:
    try:
        for line in numbered(source):
            read.put(line)
        read.put(None)
    except OSError as error:
        read.put(error)
