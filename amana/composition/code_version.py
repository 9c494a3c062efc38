"""Version of the running code, as the audit log names it.

Purpose: the one source of the version in decision records.
Called by: the other modules of `amana.composition`, which hand it to whatever writes a decision record. No room below
`amana` reads it itself.

Invariants:
- The version is that of the installed distribution, never a constant of the source.
"""

from importlib import metadata

__all__ = ["code_version"]


def code_version() -> str:
    """Return the version of the installed distribution.

    Raises:
        PackageNotFoundError: the project is neither installed nor in an environment of its own checkout.
    """
    return metadata.version("amana-pipeline")
