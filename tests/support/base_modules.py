"""The modules that the base install needs: what its commands and public names import, at their top or later.

Prints them as arguments for mypy, which checks them for Windows too (`make check`).
"""

import grimp

import amana
from amana.commands.index import INDEX

__all__ = ["PACKAGES", "base_modules"]

PACKAGES = ("amana", "anonymizer", "connectors", "schemas", "streams")
OF_EXTRAS = {"TrendFeed"}
"""Public names that an extra serves."""


def entries() -> list[str]:
    """Return the modules that a user of the base starts from: the command, its base commands, the public names."""
    commands = [f"amana.commands.{entry.module}" for entry in INDEX.values() if not entry.extra]
    return ["amana.__main__", *commands, *(home for name, home in amana._HOMES.items() if name not in OF_EXTRAS)]


def base_modules() -> set[str]:
    """Return every module of ours that an entry of the base imports."""
    graph = grimp.build_graph(*PACKAGES)
    return {name for entry in entries() for name in (entry, *graph.find_upstream_modules(entry))}


if __name__ == "__main__":
    print(" ".join(f"-m {name}" for name in sorted(base_modules())))
