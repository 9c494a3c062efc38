"""Journal of a publication: an append-only file that tells which messages are on the broker.

Purpose: publish every message once although the publisher may be killed at any instant, and although an agency may not
read its raw topic. End offsets are enough, because one publisher at a time (a lock per topic) sends one window at a
time.
Called by: `connectors.ingest.file_publisher`.

1. `plan`: write and fsync the window's refs by partition, and the end offset of each partition before sending.
2. The caller sends the window. One partition's part of it is one record batch, appended whole or not at all.
3. `done`: write and fsync the offsets that were acknowledged.
4. `settle`: at the next start, of this file or another of the topic, find out what became of a plan without a `done`.

Invariants:
- A message is referred to by the sender's own number, its `ref`; for a file it is the line.
- The journal holds digests, refs and offsets, and nothing of a person.
- A last line that a crash has torn counts as not written: nothing was done on the strength of it yet.

Form: JSON lines. The first is `{"head": ...}`, then `{"plan": {partition: [end, refs]}}` and
`{"done": {partition: offsets}}` in turn.
"""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from connectors.adapters import local_files
from schemas.errors import IntegrityError

__all__ = ["Journal", "Plan"]

_TAIL_BYTES = 256 * 1024  # more than the plan of one window

Plan = Mapping[int, tuple[int, Sequence[int]]]
"""Partition -> (end offset before sending, refs in the order of sending)."""


class Journal:
    """The journal of one file and topic.

    `published` maps ref -> (partition, offset). `open_plan` is the plan without a `done`, empty where there is none:
    its messages may be on the broker.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.published: dict[int, tuple[int, int]] = {}
        self.open_plan: Plan = {}
        self._file = open(path, "ab", opener=local_files.create_private)  # noqa: SIM115 - closed by `close`

    @classmethod
    def open(cls, path: Path, head: Mapping[str, str] | None = None) -> Self:
        """Open a journal and read it.

        Args:
            path: the file; it is made if there is none.
            head: written to a new journal, and compared with the head of an old one; None compares nothing.

        Raises:
            IntegrityError: INT-117, the journal is damaged or belongs to another file, agency, kind or mapping.
        """
        journal = cls(path)
        entries = journal._whole_entries()
        if entries:
            if head is not None and entries[0] != {"head": dict(head)}:
                raise IntegrityError("INT-117", f"{path.name} is the journal of another file or mapping")
            for entry in entries[1:]:
                journal._apply(entry)
        elif head is not None:
            journal._append({"head": dict(head)})
        return journal

    @staticmethod
    def ends_open(path: Path) -> bool:
        """Tell whether a journal's last whole line is a plan; only the end of the file is read."""
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
            whole, _, _ = file.read().rpartition(b"\n")
        return whole.rpartition(b"\n")[2].startswith(b'{"plan"')

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def plan(self, plan: Plan) -> None:
        """Write what is about to be sent."""
        self._record({"plan": {str(partition): [end, list(refs)] for partition, (end, refs) in plan.items()}})

    def done(self, offsets: Mapping[int, Sequence[int]]) -> None:
        """Write the offsets of the open plan's messages, by partition; one left out was not appended."""
        self._record({"done": {str(partition): list(these) for partition, these in offsets.items()}})

    def settle(self, ends: Mapping[int, int]) -> None:
        """Find out what became of the open plan; `ends` are the partitions' end offsets, with nothing under way.

        Raises:
            IntegrityError: INT-116, another publisher wrote to the topic meanwhile; INT-118, the topic is another one.
        """
        for partition, offset in self.published.values():
            if offset >= ends.get(partition, 0):
                raise IntegrityError("INT-118", f"{self._path.name} knows offsets that the topic does not have")
        if not self.open_plan:
            return
        appended: dict[int, Sequence[int]] = {}
        for partition, (before, refs) in self.open_plan.items():
            # A batch is appended whole or not at all: the end moved by all planned messages, or not at all. Any other
            # movement has another cause, and nothing is guessed about it.
            moved = ends[partition] - before
            if moved == len(refs):
                appended[partition] = range(before, before + moved)
            elif moved:
                raise IntegrityError("INT-116", f"partition {partition} has moved by {moved}, not {len(refs)} records")
        self.done(appended)

    def _record(self, entry: Mapping[str, Any]) -> None:
        self._append(entry)
        self._apply(entry)

    def _append(self, entry: Mapping[str, Any]) -> None:
        # Flushed to the disk, not to the operating system alone: the next step relies on the line after a power cut
        # too.
        self._file.write(json.dumps(entry, separators=(",", ":")).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def _apply(self, entry: Mapping[str, Any]) -> None:
        if "plan" in entry:
            self.open_plan = {int(partition): (end, refs) for partition, (end, refs) in entry["plan"].items()}
            return
        for partition, offsets in entry["done"].items():
            _, refs = self.open_plan[int(partition)]
            places = ((int(partition), offset) for offset in offsets)
            self.published.update(zip(refs, places, strict=True))
        self.open_plan = {}

    def _whole_entries(self) -> list[dict[str, Any]]:
        """Return the entries of whole lines, and cut a torn last line off the file."""
        entries: list[dict[str, Any]] = []
        end = 0
        content = self._path.read_bytes()
        for line in content.splitlines(keepends=True):
            if not line.endswith(b"\n"):
                break
            # A whole line that cannot be read was not torn by a crash: the disk or a person has changed it.
            try:
                entry = json.loads(line)
            except ValueError:
                entry = None
            if not isinstance(entry, dict) or not entry.keys() & {"head", "plan", "done"}:
                raise IntegrityError("INT-117", f"{self._path.name} is damaged")
            entries.append(entry)
            end += len(line)
        if end < len(content):
            os.truncate(self._path, end)
        return entries
