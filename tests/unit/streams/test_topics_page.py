"""The page of topics is what the two tables in the code say, word for word."""

from pathlib import Path

from schemas import catalogue
from streams.broker import access, topics

PAGE = Path(__file__).parents[3] / "docs/reference/topics.md"
AGENCY, KIND, REGION = "agency-a", "case", "region-r"
"""One of each stands for all of them: rules and retention are the same."""

PLACES = {AGENCY: "<agency>", KIND: "<kind>", REGION: "<region>"}
DAY_MS = 24 * 60 * 60 * 1000


def test_the_page_shows_every_topic_as_the_code_has_it() -> None:
    """Run this module (`python -m tests.unit.streams.test_topics_page`) to print the table anew."""
    shown = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    assert shown == lines()


def lines() -> list[str]:
    """Return the rows of the page's table."""
    other_kinds = [kind for kind in catalogue.KINDS if kind != KIND]
    every = topics.all_topics([AGENCY], [REGION])
    return [line(topic) for topic in every if not any(topic.name.endswith(f".{kind}") for kind in other_kinds)]


def line(topic: topics.Topic) -> str:
    kept = "for ever" if topic.retention_ms == topics.FOR_EVER else f"{topic.retention_ms // DAY_MS} days"
    kept = "last of each key" if topic.cleanup == "compact" else kept
    who = [", ".join(holders(operation, topic.name)) or "nobody" for operation in ("READ", "WRITE")]
    cells = [f"`{placed(topic.name)}`", str(topic.partitions), topic.key, kept, *map(placed, who), topic.why]
    return f"| {' | '.join(cells)} |"


def holders(operation: access.Operation, name: str) -> list[str]:
    rules = access.acl_rules([AGENCY])
    people = [one for one in access.principals([AGENCY]) if one != access.ADMIN]
    return [one for one in people if access.allows(rules, one, operation, "TOPIC", name)]


def placed(text: str) -> str:
    for one, place in PLACES.items():
        text = text.replace(one, place)
    return text


if __name__ == "__main__":
    print("\n".join(lines()))
