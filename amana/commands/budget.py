"""`amana budget`: what the privacy budget of each population and year has spent, and what is left of it.

Decides how it is shown. The rules are `anonymizer.budget.ledger`'s; the file is only read, and no broker is needed.
"""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from amana.site import data_dir
from anonymizer.budget.accounting import PPB, epsilon_of, gaussian_epsilon
from anonymizer.budget.ledger import Account, Scope, spent
from connectors.adapters.budget import BudgetFile
from schemas.errors import ConfigurationError

__all__ = ["FILE", "register"]

FILE = ("ledger", "budget.sqlite")
"""Where a site keeps its budget."""

Data = Annotated[Path | None, typer.Option("--data", metavar="DIR", help="The site's folder; else AMANA_DATA.")]
File = Annotated[Path | None, typer.Option("--file", metavar="FILE", help="A budget file of its own, of no site.")]
Delta = Annotated[float, typer.Option("--delta", min=1e-18, max=0.5, help="The delta at which epsilon is told.")]
Json = Annotated[bool, typer.Option("--json", help="An object a line, with every release.")]


def register(app: typer.Typer) -> None:
    """Add the sub-command `budget show`."""
    group = typer.Typer(help="The privacy budget: spent and left.", no_args_is_help=True)
    group.callback()(_group)
    group.command()(show)
    app.add_typer(group, name="budget")


def _group() -> None:
    """The privacy budget: spent and left."""


def show(data: Data = None, file: File = None, delta: Delta = 1e-6, *, as_json: Json = False) -> None:
    """Print spent and left by population and year, as rho and as (epsilon, delta), with the releases."""
    path = file or data_dir(data).joinpath(*FILE)
    if not path.is_file():
        raise ConfigurationError("CFG-160", f"{path} is no budget: nothing was released under differential privacy yet")
    budget = BudgetFile.open(path)
    found = budget.state()
    budget.close()
    for scope in sorted(found):
        account = _plain(scope, found[scope], delta)
        print(json.dumps(account, ensure_ascii=False) if as_json else "\n".join(_lines(account)))


def _plain(scope: Scope, account: Account, delta: float) -> dict[str, Any]:
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


def _lines(account: dict[str, Any]) -> list[str]:
    """Return plain lines: a table of so many columns would be cut short in a terminal, and in a log."""
    delta = f"delta {account['delta']:g}"
    lines = [f"{account['population']} {account['year']}, for one person-year, policy {account['policy'][:16]}"]
    for name in ("granted", "spent", "left"):
        rho = account[f"{name}_rho_ppb"] / PPB
        lines.append(f"  {name:<8} rho {rho:.9f}   epsilon {account[f'{name}_epsilon']:.4f} at {delta}")
    lines.append(f"  the noise itself, exactly: epsilon {account['spent_epsilon_exact']:.4f} spent at {delta}")
    for one in account["releases"]:
        state = "drawn" if one["drawn"] else "charged, not drawn"
        what = f"{one['window']:<8} revision {one['revision']}   rho {one['rho_ppb'] / PPB:.9f}"
        lines.append(f"  {what}   {state}   {one['release']}")
    return lines
