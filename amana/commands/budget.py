"""`amana budget`: the privacy budget of each kind of event and year, spent and left.

Purpose: decide how an account is shown. The rules are those of `anonymizer.budget.account`.
Called by: `amana.commands.lazy`, which imports it when this command runs.

Invariants:
- Nothing is charged, drawn or written, and no broker is needed.
- A file that does not exist is refused (CFG-160), not made.
"""

import json
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer

from amana.site import data_dir
from anonymizer.budget.accounting import PPB
from connectors.adapters.budget_store import SITE_FILE, BudgetStore
from connectors.console import budget_statement
from schemas.errors import ConfigurationError

__all__ = ["register"]

Data = Annotated[Path | None, typer.Option("--data", metavar="DIR", help="Data directory; else AMANA_DATA.")]
File = Annotated[Path | None, typer.Option("--file", metavar="FILE", help="A budget file that belongs to no site.")]
Delta = Annotated[float, typer.Option("--delta", min=1e-18, max=0.5, help="The delta at which epsilon is stated.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object per line, with every release.")]


def register(app: typer.Typer) -> None:
    """Add the sub-command `budget show`."""
    group = typer.Typer(help="The privacy budget: spent and left.", no_args_is_help=True)
    # Typer turns an app with one command into that command, unless the app has a callback.
    group.callback()(lambda: None)
    group.command()(show)
    app.add_typer(group, name="budget")


def show(data: Data = None, file: File = None, delta: Delta = 1e-6, *, as_json: Json = False) -> None:
    """Print the budget spent and left by kind of event and year, as rho and as (epsilon, delta), with every release."""
    path = file or data_dir(data).joinpath(*SITE_FILE)
    if not path.is_file():
        raise ConfigurationError(
            "CFG-160", f"{path} is not a budget file: nothing was released under differential privacy yet"
        )
    # A file that was named belongs to no process; that of the site may be written at this moment.
    with closing(BudgetStore.read(path, at_rest=file is not None)) as budget:
        accounts = budget.state()
    for scope in sorted(accounts):
        statement = budget_statement.statement(scope, accounts[scope], delta)
        print(json.dumps(statement, ensure_ascii=False) if as_json else "\n".join(_lines(statement)))


def _lines(statement: dict[str, Any]) -> list[str]:
    """Return a statement as plain lines."""
    # Not a table: one of so many columns would be cut short in a terminal and in a log.
    delta = f"delta {statement['delta']:g}"
    lines = [f"{statement['kind']} {statement['year']}, for one person-year, policy {statement['policy'][:16]}"]
    for name in ("granted", "spent", "left"):
        rho = statement[f"{name}_rho_ppb"] / PPB
        lines.append(f"  {name:<8} rho {rho:.9f}   epsilon {statement[f'{name}_epsilon']:.4f} at {delta}")
    # The epsilon above holds for any mechanism of this rho; Gaussian noise alone has a tighter one.
    lines.append(f"  the noise itself, exactly: epsilon {statement['spent_epsilon_exact']:.4f} spent at {delta}")
    for release in statement["releases"]:
        state = "drawn" if release["drawn"] else "charged, not drawn"
        charge = f"{release['window']:<8} revision {release['revision']}   rho {release['rho_ppb'] / PPB:.9f}"
        lines.append(f"  {charge}   {state}   {release['release']}")
    return lines
