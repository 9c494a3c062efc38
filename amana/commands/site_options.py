"""Options that several commands of the operator share: the site, its agencies and their quotas.

Apart from `up`, so that an existing cluster is served without a local runtime.

Called by: `amana up`, `amana provision`, `amana check` and `amana policy`.

Invariants:
- A figure that is no whole number is refused (CFG-076); which names there are is the site's to say.
"""

from pathlib import Path
from typing import Annotated

import typer

from schemas.errors import ConfigurationError

__all__ = ["Agencies", "Data", "Quotas", "figures"]

Data = Annotated[Path | None, typer.Option("--data", help="Data directory; else AMANA_DATA.", show_default=False)]
Agencies = Annotated[list[str] | None, typer.Option("--agency", help="Agency id to add; may be repeated.")]
Quotas = Annotated[
    list[str] | None,
    typer.Option("--quota", metavar="NAME=N", help="Quota of each agency, by Kafka's name; the site keeps it."),
]


def figures(given: list[str]) -> dict[str, int]:
    """Return the quotas of `--quota` by name; the site checks names and figures.

    Raises:
        ConfigurationError: CFG-076, a value is not of the form NAME=N.
    """
    pairs = [text.partition("=") for text in given]
    if not all(number.isdecimal() for _, _, number in pairs):
        raise ConfigurationError("CFG-076", "--quota takes NAME=N, where N is a whole number")
    return {name: int(number) for name, _, number in pairs}
