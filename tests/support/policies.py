"""Policies of a site that differ from the shipped one in what a test is about."""

from importlib import resources
from pathlib import Path

__all__ = ["masking"]


def masking(home: Path) -> None:
    """Let the site in `home` mask narratives: its de-identifiers read them for names too."""
    shipped = resources.files("anonymizer").joinpath("policies", "default.toml").read_text(encoding="utf-8")
    masks = shipped.replace('narratives = "withhold"', 'narratives = "mask"')
    (home / "policy.toml").write_text(masks, encoding="utf-8")
