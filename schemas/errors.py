"""The error families: one class for each party that must act.

Purpose: let a caller tell by its type who is at fault. A stage quarantines the event on a ContractError; a release
withholds the table, or the whole tick, on a DisclosureError; an IntegrityError or a TransportError ends the process.
Codes and sentences of single faults are where the fault is found; `docs/reference/errors.md` lists them all.
Called by: every room raises these; `amana.__main__` turns them into exit statuses.

Invariants:
- A message never holds a value from a person's record: only codes, fields, lengths, offsets and ids.
- A code keeps its meaning for ever; operators' notes and the audit log refer to it.
"""

from collections.abc import Callable

__all__ = [
    "AmanaError",
    "BudgetError",
    "ConfigurationError",
    "ContractError",
    "DisclosureError",
    "IntegrityError",
    "TransportError",
]


class AmanaError(Exception):
    """Root of every fault of ours: a stable code, a field path where there is one, a sentence for people."""

    def __init__(self, code: str, message: str, *, field: str | None = None) -> None:
        """Keep the code (`CON-004`), the sentence and the field path; never a field's value."""
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.field = field

    def __reduce__(self) -> tuple[Callable[..., "AmanaError"], tuple[object, ...]]:
        """Pickle all fields: a fault of a detector process reaches the parent as the fault that it is."""
        # The default would call the class with the text alone, which needs a code first: a TypeError at the parent.
        return _rebuilt, (type(self), self.code, self.message, self.field)


def _rebuilt(family: type[AmanaError], code: str, message: str, field: str | None) -> AmanaError:
    return family(code, message, field=field)


class ContractError(AmanaError):
    """The agency must act: what it sent breaks the contract. The event goes to quarantine. Codes `CON-…`."""


class DisclosureError(AmanaError):
    """The data officer must act: releasing this could disclose somebody. It is withheld. Codes `DIS-…`."""


class BudgetError(DisclosureError):
    """The data officer must act: the privacy budget does not allow it. It is withheld. Codes `BUD-…`."""


class IntegrityError(AmanaError):
    """The operator must act: a ledger, log, key or state is not what it must be. All stops. Codes `INT-…`."""


class TransportError(AmanaError):
    """The machine must act: a broker or registry is out of reach. The same again later. Codes `TRA-…`."""


class ConfigurationError(AmanaError):
    """The operator must act before anything starts: exit status 2. Codes `CFG-…`."""
