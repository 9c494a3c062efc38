"""A password that is read again with every login: a worker whose password was replaced goes on without a restart.

Purpose: a broker keeps connections that are open when a password is replaced, and asks for the new one with the next.
Workers run for months, and their clients open connections at any time.
Called by: `amana.site` makes it.

Invariants:
- Both clients, kafka-python and aiokafka, encode the password once for each login with SCRAM, and only then: `encode`
  returns the password as it is then. As a text it is the password of the start. A test holds both against it.
- A file that cannot be read changes nothing: the password that was read last is tried.
"""

import contextlib
from collections.abc import Callable
from typing import Self

from schemas.errors import ConfigurationError

__all__ = ["LivePassword"]


class LivePassword(str):
    """A password; `read` returns it as it is now."""

    __slots__ = ("_last", "_read")
    _last: str
    _read: Callable[[], str]

    def __new__(cls, password: str, read: Callable[[], str]) -> Self:
        """Take the password as it is now, and the function that reads it again."""
        made = super().__new__(cls, password)
        made._last, made._read = password, read
        return made

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        """Return the bytes of the password as it is now."""
        with contextlib.suppress(ConfigurationError):  # it is just being replaced
            self._last = self._read()
        return self._last.encode(encoding, errors)
