"""The reference page of recognisers shows the catalogue in the code, word for word."""

from pathlib import Path

from anonymizer.detection import recognisers
from anonymizer.detection.pattern_recogniser import PatternRule

PAGE = Path(__file__).parents[3] / "docs/reference/recognisers.md"


def test_the_page_shows_every_rule_as_the_code_has_it() -> None:
    """Run this module (`python -m tests.unit.anonymizer.test_recognisers_page`) to print the tables anew."""
    shown = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith(("| `", "| **"))]
    assert shown == [*rules(), *words()]


def rules() -> list[str]:
    """Return the rows of the table of rules."""
    return [row(subject.entity, rule) for subject in recognisers.SUBJECTS for rule in subject.rules]


def row(entity: str, rule: PatternRule) -> str:
    check = rule.check.__name__ if rule.check else ""
    cells = [f"`{entity}`", rule.name, rule.where, f"`{rule.example}`", f"{rule.score:g}", check, rule.source]
    return f"| {' | '.join(cells)} |"


def words() -> list[str]:
    """Return the rows of the table of context words."""
    return [
        f"| **{subject.entity}** | {', '.join(map(plain, subject.words))} |"
        for subject in recognisers.SUBJECTS
        if subject.words
    ]


def plain(word: str) -> str:
    return word.replace("|", "\\|")


if __name__ == "__main__":
    print("\n".join([*rules(), "", *words()]))
