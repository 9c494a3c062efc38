"""What a library logs reaches the log as its template, never with its values."""

import json
import logging

import pytest

from streams.runtime import log_lines

NAME = "Zeynabelle Qadirova"
FORMATTER = log_lines._Template()


@pytest.mark.parametrize(
    ("message", "arguments", "event"),
    [
        ("no such key: %s", (NAME,), "lib: no such key: %s"),
        (ValueError(NAME), (), "lib: ValueError"),
        (f"first line\n{NAME}", (), "lib: first line"),
        ("", (), "lib: "),
    ],
)
def test_no_argument_exception_or_second_line_gets_through(
    message: object, arguments: tuple[str, ...], event: str
) -> None:
    """Nor what an exception says that comes with the message: its type alone."""
    error = KeyError(NAME)
    record = logging.LogRecord("lib", logging.ERROR, "f.py", 1, message, arguments, (KeyError, error, None))
    assert json.loads(FORMATTER.format(record)) == {"level": "error", "event": event, "error": "KeyError"}
