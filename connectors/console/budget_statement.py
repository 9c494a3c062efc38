"""Statement of a privacy budget: granted, spent and left for one kind of event and year, and every charge.

Purpose: one JSON object for commands and, later, an officer's web page. Units: rho in parts per billion, exact; epsilon
at a delta, rounded.
Called by: `amana budget show`.

Invariants:
- Rho is stated as it was charged, in whole parts; only epsilon is rounded.

Source: as `anonymizer.budget.accounting`.
"""

from typing import Any

from anonymizer.budget.account import Account, BudgetScope, spent
from anonymizer.budget.accounting import epsilon_of, gaussian_epsilon

__all__ = ["statement"]


def statement(scope: BudgetScope, account: Account, delta: float) -> dict[str, Any]:
    """Return the statement of one account.

    Args:
        scope: kind of event and year.
        account: the account of that scope.
        delta: the delta at which epsilon is stated.

    Returns:
        A JSON object. `spent_epsilon` holds for any mechanism of the rho spent; `spent_epsilon_exact` is lower, and
        holds for Gaussian noise alone.
    """
    totals = {"granted": account.granted, "spent": spent(account), "left": account.left}
    charges = sorted(account.charges.values(), key=lambda charge: (charge.revision, charge.window, charge.release))
    releases = [
        {
            "release": charge.release,
            "window": charge.window,
            "revision": charge.revision,
            "rho_ppb": charge.rho,
            "drawn": charge.release in account.draws,
        }
        for charge in charges
    ]
    plain: dict[str, Any] = {"kind": scope.kind, "year": scope.year, "policy": account.policy}
    plain |= {"delta": delta, "windows": account.windows}
    for name, rho in totals.items():
        plain |= {f"{name}_rho_ppb": rho, f"{name}_epsilon": round(epsilon_of(rho, delta), 4)}
    return plain | {"spent_epsilon_exact": round(gaussian_epsilon(totals["spent"], delta), 4), "releases": releases}
