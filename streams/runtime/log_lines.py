"""What a worker's log may hold: JSON lines with keys from a list, never a value of a person.

Decides which keys and which foreign messages get through: of the libraries' records the level, the logger and the
message's template, never its arguments and never an exception's text. Does not decide where the lines go: standard
error, which the supervisor keeps in a file. A line that a full disk does not take is lost, and nothing else is.
"""

import contextlib
import io
import json
import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Final, TextIO, cast

import structlog

__all__ = ["KEYS", "configure"]

KEYS: Final = frozenset(
    {
        "event",
        "level",
        "timestamp",
        "worker",
        "index",
        "code",
        "policy",
        "topic",
        "error",
        "schemas",
        "registry",
        "keys",
    }
)
"""The keys that a line may have."""


def configure() -> None:
    """Send our own lines and the libraries' warnings to standard error as JSON."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _allowed,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", _Lossy())),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(_Lossy())
    handler.setFormatter(_Template())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


class _Lossy(io.TextIOBase):
    """Standard error, without the exceptions: a worker that cannot say a thing still has to do it."""

    def write(self, text: str) -> int:
        """Write what can be written."""
        with contextlib.suppress(OSError):
            sys.stderr.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush what can be flushed."""
        with contextlib.suppress(OSError):
            sys.stderr.flush()


def _allowed(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {key: value for key, value in event.items() if key in KEYS}


class _Template(logging.Formatter):
    """Formats a library's record without its arguments."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line of JSON: level, logger, template, and the type of an exception."""
        # A message that is no text is an exception, whose text could hold a value.
        template = record.msg if isinstance(record.msg, str) else type(record.msg).__name__
        line = {"level": record.levelname.lower(), "event": f"{record.name}: {template.partition(chr(10))[0][:200]}"}
        if record.exc_info and record.exc_info[0]:
            line["error"] = record.exc_info[0].__name__
        return json.dumps(line)
