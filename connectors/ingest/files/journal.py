"""What has been published of a file: an append-only journal beside the report, so that nothing is published twice.

Decides which rows are on the broker, also after the publisher was killed at any instant. Does not send.

An agency may not read its raw topic, so it cannot look there for what it sent. It may ask for end offsets, and that is
enough, because one publisher at a time (a lock per topic) sends one window at a time:

1. `plan`: the window's lines by partition, and each partition's end offset, are written and fsynced before sending.
2. The window is sent; a partition's part of it is one record batch, which the broker appends whole or not at all.
3. `done`: the offsets that the broker acknowledged are written.
4. A plan without a done is settled at the next start, of this file or any other of the topic: where the end offset has
   moved by the number of planned rows they were appended, and where it has not moved they were not. Any other movement
   means that somebody else wrote to the topic at the same time: INT-116, nothing is guessed.

The journal holds digests, line numbers and offsets, nothing of a person. A last line that a crash has torn counts as
not written: what it would have said has not been relied upon yet.
"""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from schemas.errors import IntegrityError

__all__ = ["Journal", "Plan"]

_TAIL_BYTES = 256 * 1024  # holds more than one window's plan

Plan = Mapping[int, tuple[int, Sequence[int]]]
"""Partition → (end offset before sending, lines in the order of sending)."""


class Journal:
    """The journal of one file: `published` is line → (partition, offset), `open_plan` what may be on the broker."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.published: dict[int, tuple[int, int]] = {}
        self.open_plan: Plan = {}
        self._file = path.open("ab")

    @classmethod
    def open(cls, path: Path, head: Mapping[str, str] | None = None) -> Self:
        """Open a journal and read what it says; `head` is written into a new one, and must be an old one's.

        Raises:
            IntegrityError: INT-117, the journal is damaged or belongs to something else.
        """
        journal = cls(path)
        entries = journal._read()
        if entries:
            if head is not None and entries[0] != {"head": dict(head)}:
                raise IntegrityError("INT-117", f"{path.name} is the journal of something else")
            for entry in entries[1:]:
                journal._apply(entry)
        elif head is not None:
            journal._append({"head": dict(head)})
        return journal

    @staticmethod
    def ends_open(path: Path) -> bool:
        """Tell whether a journal's last whole line is a plan, without reading all of it."""
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
            whole, _, _ = file.read().rpartition(b"\n")
        return whole.rpartition(b"\n")[2].startswith(b'{"plan"')

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def plan(self, plan: Plan) -> None:
        """Write down what is about to be sent."""
        self._write({"plan": {str(partition): [end, list(lines)] for partition, (end, lines) in plan.items()}})

    def done(self, offsets: Mapping[int, Sequence[int]]) -> None:
        """Write down the offsets of the open plan's rows, by partition; one left out was not appended."""
        self._write({"done": {str(partition): list(these) for partition, these in offsets.items()}})

    def settle(self, ends: Mapping[int, int]) -> None:
        """Find out what became of the open plan, given the partitions' end offsets, after which nothing is under way.

        Raises:
            IntegrityError: INT-116, somebody else wrote to the topic meanwhile; INT-118, the topic is another one.
        """
        self._refuse_another_topic(ends)
        if not self.open_plan:
            return
        appended: dict[int, Sequence[int]] = {}
        for partition, (before, lines) in self.open_plan.items():
            moved = ends[partition] - before
            if moved == len(lines):
                appended[partition] = range(before, before + moved)
            elif moved:
                raise IntegrityError("INT-116", f"partition {partition} has moved by {moved}, not {len(lines)} records")
        self.done(appended)

    def _refuse_another_topic(self, ends: Mapping[int, int]) -> None:
        for partition, offset in self.published.values():
            if offset >= ends.get(partition, 0):
                raise IntegrityError("INT-118", f"{self._path.name} knows offsets that the topic does not have")

    def _write(self, entry: Mapping[str, Any]) -> None:
        self._append(entry)
        self._apply(entry)

    def _append(self, entry: Mapping[str, Any]) -> None:
        self._file.write(json.dumps(entry, separators=(",", ":")).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def _apply(self, entry: Mapping[str, Any]) -> None:
        if "plan" in entry:
            self.open_plan = {int(partition): (end, lines) for partition, (end, lines) in entry["plan"].items()}
            return
        for partition, offsets in entry["done"].items():
            _, lines = self.open_plan[int(partition)]
            places = ((int(partition), offset) for offset in offsets)
            self.published.update(zip(lines, places, strict=True))
        self.open_plan = {}

    def _read(self) -> list[dict[str, Any]]:
        """Return the whole entries; cut a torn last line off."""
        whole, end = [], 0
        content = self._path.read_bytes()
        for line in content.splitlines(keepends=True):
            if not line.endswith(b"\n"):
                break
            whole.append(self._entry(line))
            end += len(line)
        if end < len(content):
            os.truncate(self._path, end)
        return whole

    def _entry(self, line: bytes) -> dict[str, Any]:
        try:
            entry = json.loads(line)
        except ValueError:
            entry = None
        if not isinstance(entry, dict) or not entry.keys() & {"head", "plan", "done"}:
            raise IntegrityError("INT-117", f"{self._path.name} is damaged")
        return entry
