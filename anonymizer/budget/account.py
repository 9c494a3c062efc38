"""What has been spent: a pure state machine over reservations and draws.

Decides when a charge is refused, what parallel windows cost together, and that a release has one draw for ever. Does
not store anything (`connectors.adapters.budget_store`) or draw.

A release is reserved, which charges it, then drawn, then its draw is committed. A crash in between loses budget at
most, never privacy: a draw that was not committed has been seen by nobody, and the same reservation draws once more.

An account belongs to one population and year. Its releases are of one print (0 the first, then the revisions) and one
window. A leaf lies in at most `windows` windows of a print, so a print costs what its dearest `windows` windows cost
(parallel composition); prints add up.
"""

import heapq
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from schemas.errors import BudgetError

__all__ = [
    "Account",
    "AccountEvent",
    "BudgetScope",
    "Charge",
    "Committed",
    "Opened",
    "Reserved",
    "State",
    "apply",
    "spent",
]


@dataclass(frozen=True, slots=True, order=True)
class BudgetScope:
    """Whose budget it is: the people of one population and year."""

    population: str
    year: int


@dataclass(frozen=True, slots=True)
class Charge:
    """What one release costs: `rho` in parts per billion, for one window of one print, under one policy (SHA-256)."""

    release: str
    scope: BudgetScope
    policy: str
    revision: int
    window: str
    rho: int


@dataclass(frozen=True, slots=True)
class Account:
    """One scope's budget: `granted` parts per billion under one policy; charges by release, digests of draws made."""

    policy: str
    granted: int
    windows: int
    charges: Mapping[str, Charge] = field(default_factory=dict)
    draws: Mapping[str, str] = field(default_factory=dict)

    @property
    def left(self) -> int:
        """What may still be spent, in parts per billion; never below zero."""
        return self.granted - spent(self)

    def left_without(self, release: str) -> int:
        """What was left before `release` was charged, in parts per billion, if it was the last to be."""
        return replace(self, charges={name: c for name, c in self.charges.items() if name != release}).left


@dataclass(frozen=True, slots=True)
class Opened:
    """A policy grants a scope its budget."""

    scope: BudgetScope
    policy: str
    granted: int
    windows: int


@dataclass(frozen=True, slots=True)
class Reserved:
    """A release is charged, before anything is drawn for it."""

    charge: Charge


@dataclass(frozen=True, slots=True)
class Committed:
    """A release's draw, by its SHA-256, is the only one it will ever have."""

    scope: BudgetScope
    release: str
    digest: str


AccountEvent = Opened | Reserved | Committed
State = Mapping[BudgetScope, Account]


def spent(account: Account) -> int:
    """Return what a person-year has lost at most, in parts per billion."""
    prints: dict[int, dict[str, int]] = {}
    for charge in account.charges.values():
        costs = prints.setdefault(charge.revision, {})
        costs[charge.window] = costs.get(charge.window, 0) + charge.rho
    return sum(sum(heapq.nlargest(account.windows, costs.values())) for costs in prints.values())


def apply(state: State, event: AccountEvent) -> State:
    """Return the state after an event; one that is already part of the state changes nothing.

    Raises:
        BudgetError: BUD-001, more than is left; BUD-002, never opened or reserved; BUD-003, the policy changed after a
            release; BUD-004, the release was reserved for something else; BUD-005, a second draw.
    """
    if isinstance(event, Opened):
        return _with(state, event.scope, _opened(state.get(event.scope), event))
    if isinstance(event, Reserved):
        return _with(state, event.charge.scope, _reserved(_account(state, event.charge.scope), event.charge))
    return _with(state, event.scope, _committed(_account(state, event.scope), event))


def _opened(account: Account | None, event: Opened) -> Account:
    fresh = Account(event.policy, event.granted, event.windows)
    if account is None or not account.charges:
        return fresh
    if (account.policy, account.granted, account.windows) != (fresh.policy, fresh.granted, fresh.windows):
        raise BudgetError("BUD-003", "the policy changed after a release of this year was charged")
    return account


def _reserved(account: Account, charge: Charge) -> Account:
    if account.policy != charge.policy:
        raise BudgetError("BUD-003", "the policy changed after a release of this year was charged")
    known = account.charges.get(charge.release)
    if known not in (None, charge) or charge.rho < 1:
        raise BudgetError("BUD-004", f"release {charge.release} is reserved for something else, or for nothing")
    after = replace(account, charges={**account.charges, charge.release: charge})
    if known is None and after.left < 0:
        raise BudgetError("BUD-001", f"release {charge.release} costs more than is left; nothing is drawn")
    return after


def _committed(account: Account, event: Committed) -> Account:
    if event.release not in account.charges:
        raise BudgetError("BUD-002", f"release {event.release} was never reserved")
    if account.draws.get(event.release, event.digest) != event.digest:
        raise BudgetError("BUD-005", f"release {event.release} has another draw; there is no second one")
    return replace(account, draws={**account.draws, event.release: event.digest})


def _account(state: State, scope: BudgetScope) -> Account:
    if scope not in state:
        raise BudgetError("BUD-002", f"{scope.population} {scope.year} has no budget")
    return state[scope]


def _with(state: State, scope: BudgetScope, account: Account) -> State:
    return MappingProxyType({**state, scope: account})
