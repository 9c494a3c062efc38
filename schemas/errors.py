"""The error tree: who must act, and what the stream does.

Decides the families and their dispositions. Does not decide messages of single faults: those stand where the
fault is found. A message never holds a value from a person's record, only codes, fields, lengths, offsets and ids.
"""

from collections.abc import Callable
from enum import StrEnum

__all__ = [
    "AmanaError",
    "BudgetError",
    "ConfigurationError",
    "ContractError",
    "DisclosureError",
    "Disposition",
    "IntegrityError",
    "TransportError",
]


class Disposition(StrEnum):
    """What the stream does with the event, or the process with itself."""

    QUARANTINE = "quarantine"
    WITHHOLD = "withhold"
    HALT = "halt"
    RETRY = "retry"
    EXIT = "exit"


class AmanaError(Exception):
    """Root of every fault of ours: a stable code, a field path where there is one, a sentence for people."""

    disposition = Disposition.HALT

    def __init__(self, code: str, message: str, *, field: str | None = None) -> None:
        """Keep the code (`CON-004`), the sentence and the field path; never a field's value."""
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.field = field

    def __reduce__(self) -> tuple[Callable[..., "AmanaError"], tuple[object, ...]]:
        """Travel between processes whole: a fault of a child must not become another fault at its parent."""
        return _again, (type(self), self.code, self.message, self.field)


def _again(family: type[AmanaError], code: str, message: str, field: str | None) -> AmanaError:
    return family(code, message, field=field)


class ContractError(AmanaError):
    """The agency must act: what it sent breaks the contract. The event goes to quarantine. Codes `CON-…`."""

    disposition = Disposition.QUARANTINE


class DisclosureError(AmanaError):
    """The data officer must act: releasing this could disclose somebody. It is withheld. Codes `DIS-…`."""

    disposition = Disposition.WITHHOLD


class BudgetError(DisclosureError):
    """The data officer must act: the privacy budget does not allow it. It is withheld. Codes `BUD-…`."""


class IntegrityError(AmanaError):
    """The operator must act: a ledger, log, key or state is not what it must be. All stops. Codes `INT-…`."""

    disposition = Disposition.HALT


class TransportError(AmanaError):
    """The machine must act: a broker or registry is out of reach. The same again later. Codes `TRA-…`."""

    disposition = Disposition.RETRY


class ConfigurationError(AmanaError):
    """The operator must act before anything starts: exit status 2. Codes `CFG-…`."""

    disposition = Disposition.EXIT
