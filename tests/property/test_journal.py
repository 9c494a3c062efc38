"""Laws of the publisher's journal: a model topic, a publisher that dies anywhere, and every row there once."""

from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.ingest.files.journal import Journal
from schemas.errors import IntegrityError

HEAD = {"file": "f"}


class Topic:
    """Two partitions of lines; a window's part of a partition is appended whole or not at all."""

    def __init__(self) -> None:
        self.partitions: dict[int, list[int]] = {0: [], 1: []}

    def ends(self) -> dict[int, int]:
        return {number: len(lines) for number, lines in self.partitions.items()}

    def append(self, number: int, lines: Sequence[int]) -> list[int]:
        start = len(self.partitions[number])
        self.partitions[number] += lines
        return list(range(start, start + len(lines)))


def run(topic: Topic, path: Path, lines: int, deaths: Random | None) -> bool:
    """Publish lines 0..n, line n to partition n % 2, windows of 3; return False where the publisher died."""

    def dies() -> bool:
        return deaths is not None and deaths.random() < 0.15

    journal = Journal.open(path, HEAD)
    try:
        journal.settle(topic.ends())
        left = [line for line in range(lines) if line not in journal.published]
        for start in range(0, len(left), 3):
            window = left[start : start + 3]
            parts = {number: [line for line in window if line % 2 == number] for number in (0, 1)}
            parts = {number: part for number, part in parts.items() if part}
            if dies():
                return False
            journal.plan({number: (topic.ends()[number], part) for number, part in parts.items()})
            offsets = {}
            for number, part in parts.items():
                if dies():
                    return False
                offsets[number] = topic.append(number, part)
            if dies():
                return False
            journal.done(offsets)
        return True
    finally:
        journal.close()
        if deaths is not None and deaths.random() < 0.3:
            tear(path, deaths)


def tear(path: Path, random: Random) -> None:
    """Write half a line behind the last one, as a machine may that loses power."""
    with path.open("ab") as file:
        file.write(b'{"plan":{"0":[1,[2,3'[: random.randint(1, 20)])


@given(st.integers(0, 2**32), st.integers(0, 40))
@settings(max_examples=60)
def test_every_line_is_there_once_wherever_the_publisher_died(
    tmp_path_factory: pytest.TempPathFactory, seed: int, lines: int
) -> None:
    topic, path, random = Topic(), tmp_path_factory.mktemp("journal") / "a.journal", Random(seed)
    for _ in range(12):
        run(topic, path, lines, random)
    assert run(topic, path, lines, None)
    assert sorted(line for part in topic.partitions.values() for line in part) == list(range(lines))


def test_another_writer_in_the_meantime_is_not_guessed_away(tmp_path: Path) -> None:
    path = tmp_path / "a.journal"
    journal = Journal.open(path, HEAD)
    journal.plan({0: (0, [1, 2, 3])})
    journal.close()
    assert Journal.ends_open(path)
    with pytest.raises(IntegrityError, match="INT-116"):
        Journal.open(path, HEAD).settle({0: 2, 1: 0})


def test_a_journal_of_another_file_or_topic_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.journal"
    journal = Journal.open(path, HEAD)
    journal.plan({0: (4, [1])})
    journal.done({0: [4]})
    journal.close()
    assert not Journal.ends_open(path)
    with pytest.raises(IntegrityError, match="INT-117"):
        Journal.open(path, {"file": "other"})
    with pytest.raises(IntegrityError, match="INT-118"):
        Journal.open(path, HEAD).settle({0: 4, 1: 0})
