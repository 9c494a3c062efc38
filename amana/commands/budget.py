"""`amana budget`: what the privacy budget of each population and year has spent, and what is left of it.

Purpose: decide how an account is shown. The rules are those of `anonymizer.budget.account`.
Called by: `amana.commands.lazy`, which imports it when this command runs.

Invariants:
- Nothing is charged or drawn, and no broker is needed.
- A file that does not exist is refused (CFG-160), not made.
"""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from amana.site import data_dir
from anonymizer.budget.accounting import PPB
from connectors.adapters.budget_store import SITE_FILE, BudgetStore
from connectors.console import budget_statement
from schemas.errors import ConfigurationError

__all__ = ["register"]

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
    path = file or data_dir(data).joinpath(*SITE_FILE)
    if not path.is_file():
        raise ConfigurationError("CFG-160", f"{path} is no budget: nothing was released under differential privacy yet")
    budget = BudgetStore.open(path)
    found = budget.state()
    budget.close()
    for scope in sorted(found):
        account = budget_statement.statement(scope, found[scope], delta)
        print(json.dumps(account, ensure_ascii=False) if as_json else "\n".join(_lines(account)))


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
