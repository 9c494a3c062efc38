"""The statement of a privacy budget: granted, spent and left of one population and year.

Called by: `amana budget`, later the officer's console.
"""

from typing import Any

from anonymizer.budget.account import Account, BudgetScope, spent
from anonymizer.budget.accounting import epsilon_of, gaussian_epsilon

__all__ = ["statement"]


def statement(scope: BudgetScope, account: Account, delta: float) -> dict[str, Any]:
    """Return an account; a rho in parts per billion is exact, an epsilon holds at `delta`."""
    sums = {"granted": account.granted, "spent": spent(account), "left": account.left}
    releases = [
        {"release": c.release, "window": c.window, "revision": c.revision, "rho_ppb": c.rho}
        | {"drawn": c.release in account.draws}
        for c in sorted(account.charges.values(), key=lambda c: (c.revision, c.window, c.release))
    ]
    told: dict[str, Any] = {"population": scope.population, "year": scope.year, "policy": account.policy}
    told |= {"delta": delta, "windows": account.windows}
    for name, rho in sums.items():
        told |= {f"{name}_rho_ppb": rho, f"{name}_epsilon": round(epsilon_of(rho, delta), 4)}
    return told | {"spent_epsilon_exact": round(gaussian_epsilon(sums["spent"], delta), 4), "releases": releases}
