"""The budget account of one kind of event and year: a pure state machine over charges and draws.

Purpose: it decides when a charge is refused, what parallel windows cost together, and that a release has one draw for
ever. A release goes through three events:

1. `Reserved`: the release is charged.
2. Its noise is drawn, outside of this module.
3. `Committed`: the digest of the draw is kept.

Called by: `connectors.adapters.budget_store`, which stores accounts and draws; `streams.core.releasing.dp_release`,
which makes the charges; `connectors.console.budget_statement`, which shows `spent`.

Invariants:
- A crash between the steps loses budget at most, never privacy: a draw that was not committed was seen by nobody, and
  the same reservation draws once more.
- A person-year is counted in at most `windows` windows of a publication: in its year, and in all quarters but these in
  parallel. A publication costs as much as its year and its `windows` - 1 most expensive quarters (parallel
  composition). Publications (0 the first, then the revisions) add up.
- The first release of a year fixes the policy of that year.
"""

import heapq
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from schemas.errors import BudgetError
from schemas.identifiers import ReleaseId, Rho

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
    """The people of one kind of event and year: the scope of one budget, whatever their population is called."""

    kind: str
    year: int


@dataclass(frozen=True, slots=True)
class Charge:
    """The cost of one release: `rho` for one window of one publication, under one policy (SHA-256)."""

    release: ReleaseId
    scope: BudgetScope
    policy: str
    revision: int
    window: str
    rho: Rho


@dataclass(frozen=True, slots=True)
class Account:
    """One scope's budget: the grant under one policy, the charges and the SHA-256 of the draws, both by release."""

    policy: str
    granted: Rho
    windows: int
    charges: Mapping[ReleaseId, Charge] = field(default_factory=dict)
    draws: Mapping[ReleaseId, str] = field(default_factory=dict)

    @property
    def left(self) -> Rho:
        """The privacy loss that may still be spent; never below zero."""
        return Rho(self.granted - spent(self))

    def left_without(self, release: ReleaseId) -> Rho:
        """Return what was left before `release` was charged, if it was charged last."""
        return replace(self, charges={name: c for name, c in self.charges.items() if name != release}).left


@dataclass(frozen=True, slots=True)
class Opened:
    """A policy grants a scope its budget."""

    scope: BudgetScope
    policy: str
    granted: Rho
    windows: int


@dataclass(frozen=True, slots=True)
class Reserved:
    """A release is charged, before anything is drawn for it."""

    charge: Charge


@dataclass(frozen=True, slots=True)
class Committed:
    """The draw of a release, by its SHA-256, is stored: the release will never have another one."""

    scope: BudgetScope
    release: ReleaseId
    digest: str


AccountEvent = Opened | Reserved | Committed
State = Mapping[BudgetScope, Account]


def spent(account: Account) -> Rho:
    """Return the privacy loss of a person-year, at most."""
    publications: dict[int, dict[str, int]] = {}
    for charge in account.charges.values():
        costs = publications.setdefault(charge.revision, {})
        costs[charge.window] = costs.get(charge.window, 0) + charge.rho
    return Rho(sum(_dearest(account.windows, costs) for costs in publications.values()))


def _dearest(windows: int, costs: Mapping[str, int]) -> int:
    """Return what one publication costs a person-year: its year, and the most expensive quarters she may be in."""
    quarters = [cost for window, cost in costs.items() if "Q" in window]
    # Nobody knows in which quarters a person is counted, so the most expensive ones are assumed.
    return sum(costs.values()) - sum(quarters) + sum(heapq.nlargest(max(1, windows - 1), quarters))


def apply(state: State, event: AccountEvent) -> State:
    """Return the state after an event; an event that is already part of the state changes nothing.

    Raises:
        BudgetError: BUD-001, more than is left; BUD-002, never opened or reserved; BUD-003, the policy changed after a
            release; BUD-004, the release is reserved with other terms, or costs nothing; BUD-005, a second draw.
    """
    if isinstance(event, Opened):
        return _with(state, event.scope, _opened(state.get(event.scope), event))
    if isinstance(event, Reserved):
        return _with(state, event.charge.scope, _reserved(_account(state, event.charge.scope), event.charge))
    return _with(state, event.scope, _committed(_account(state, event.scope), event))


def _opened(account: Account | None, event: Opened) -> Account:
    """Open an account, or leave one that has charges as it is."""
    fresh = Account(event.policy, event.granted, event.windows)
    if account is None or not account.charges:
        return fresh  # until something is charged, a new policy may replace the grant
    if (account.policy, account.granted, account.windows) != (fresh.policy, fresh.granted, fresh.windows):
        raise BudgetError("BUD-003", "the policy changed after a release of this year was charged")
    return account


def _reserved(account: Account, charge: Charge) -> Account:
    """Charge a release; the same charge again changes nothing, even if the budget is spent by now."""
    if account.policy != charge.policy:
        raise BudgetError("BUD-003", "the policy changed after a release of this year was charged")
    if charge.rho < 1:
        raise BudgetError("BUD-004", f"release {charge.release} must cost at least 1 part per billion of rho")
    reserved = account.charges.get(charge.release)
    if reserved not in (None, charge):
        raise BudgetError("BUD-004", f"release {charge.release} is already reserved with different terms")
    after = replace(account, charges={**account.charges, charge.release: charge})
    if reserved is None and after.left < 0:
        raise BudgetError("BUD-001", f"release {charge.release} costs more than is left; nothing is drawn")
    return after


def _committed(account: Account, event: Committed) -> Account:
    """Note the draw of a charged release."""
    if event.release not in account.charges:
        raise BudgetError("BUD-002", f"release {event.release} was never reserved")
    if account.draws.get(event.release, event.digest) != event.digest:
        raise BudgetError("BUD-005", f"release {event.release} has another draw; there is no second one")
    return replace(account, draws={**account.draws, event.release: event.digest})


def _account(state: State, scope: BudgetScope) -> Account:
    if scope not in state:
        raise BudgetError("BUD-002", f"{scope.kind} {scope.year} has no budget")
    return state[scope]


def _with(state: State, scope: BudgetScope, account: Account) -> State:
    return MappingProxyType({**state, scope: account})
