"""Log lines: JSON with keys from an allow-list, and never a value of a person.

Purpose: decides which keys of our own lines and which parts of the libraries' lines are written: of a library's record
the level, the logger and the template of the message, never its arguments and never the text of an exception. All lines
go to standard error, which the supervisor keeps in a file. Every other module logs through structlog, which `configure`
sets up.

Called by: `amana.commands.worker` (`configure`), `streams.runtime.stage` (`line`).

Invariants:
- A key that is not in `KEYS` is dropped, whoever logs it.
- A line that a full disk does not take is lost; nothing else is.
"""

import contextlib
import datetime as dt
import io
import json
import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Final, TextIO, cast

import structlog

__all__ = ["KEYS", "configure", "line"]

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
        "partition",
        "offset",
        "error",
        "schemas",
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


def line(event: str, level: str, **values: object) -> str:
    """Return one line of our own, without keys that are not allowed or have no value.

    For a process that ends at once: it must not depend on how structlog is configured, or on whether it is.
    """
    instant = dt.datetime.now(dt.UTC).isoformat()
    fields = {key: value for key, value in values.items() if value is not None}
    return json.dumps(_allowed(None, level, {**fields, "event": event, "level": level, "timestamp": instant})) + "\n"


class _Lossy(io.TextIOBase):
    """Standard error without exceptions: a worker that cannot log a line still has to do its work."""

    def write(self, text: str) -> int:
        """Write the text if that is possible."""
        with contextlib.suppress(OSError):
            sys.stderr.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush the stream if that is possible."""
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
        fields = {"level": record.levelname.lower(), "event": f"{record.name}: {template.partition(chr(10))[0][:200]}"}
        if record.exc_info and record.exc_info[0]:
            fields["error"] = record.exc_info[0].__name__
        return json.dumps(fields)
