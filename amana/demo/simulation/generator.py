"""The files of a simulation: one per agency and kind, and beside them the answer key.

Called by: `amana simulate`, `amana.demo.run`, tests.

- `AGENCY.KIND.jsonl`: input of `amana publish`.
- `answer-key/persons.jsonl`: every person with their names, and the rows about them.
- `answer-key/planted.jsonl`: every identity string, with its type, row and field.
- `answer-key/expected-cells.csv`: the exact cells under the shipped policy, lateness off.
- `answer-key/expected-outcomes.csv`: agency, kind, year, outcome, number of records.
- `answer-key/refused.csv`: agency, kind, line, field and code of the rows that are refused at the agency.
- `answer-key/summary.json`: rows, refused, published, and the rows by outcome.

Invariants:
- The same number of events and the same seed give the same bytes.
- Every file can be read by its owner alone, as an agency's own input should be.
"""

import csv
import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, TextIO

from amana.demo.simulation import answer_key, event_rows, invented_names, story
from amana.demo.simulation.answer_key import AnswerEntry
from amana.demo.simulation.story import SimulatedRow
from connectors.adapters import local_files
from schemas.errors import ConfigurationError

__all__ = ["KEY_FOLDER", "simulate"]

KEY_FOLDER = "answer-key"

_JSON = json.JSONEncoder(ensure_ascii=False).encode


def simulate(events: int, seed: int, out: Path, *, narratives: bool = True) -> dict[str, int]:
    """Write `events` rows under `out` and return the counts of the summary.

    Raises:
        ConfigurationError: CFG-120, a number below 1; CFG-121, the folder cannot be written.
    """
    if events < 1:
        raise ConfigurationError("CFG-120", "at least one event is needed")
    rows = story.simulated_rows(events, Random(seed))  # noqa: S311 - reproducible by its purpose
    try:
        for folder in (out, out / KEY_FOLDER):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _new(out / KEY_FOLDER / "planted.jsonl") as planted:
            writer = _Writer(out, seed, planted, with_text=narratives)
            for row in rows:
                writer.write(row)
            writer.close()
        return _Key(out / KEY_FOLDER, writer).write()
    except OSError as error:
        raise ConfigurationError("CFG-121", f"the folder cannot be written: {error.strerror}") from error


def _new(path: Path) -> TextIO:
    """Open a private text file for writing, lines ended by a line feed."""
    # Only this form takes an opener.
    return open(path, "w", encoding="utf-8", newline="", opener=local_files.create_private)


@dataclass(slots=True)
class _Writer:
    """Writes the rows of a simulation, and keeps the entries and refusals for the answer key.

    Args:
        out: folder of the files.
        seed: seed of the simulation.
        planted: open file for planted identities; written along, because there are many.
        with_text: False leaves out narratives.
        entries: rows that the publisher will admit.
        refused: agency, kind, line, field and code of the other rows.
    """

    out: Path
    seed: int
    planted: TextIO
    with_text: bool
    entries: list[AnswerEntry] = field(default_factory=list)
    refused: list[tuple[str, str, int, str, str]] = field(default_factory=list)
    _files: dict[tuple[str, str], TextIO] = field(default_factory=dict)
    _lines: Counter[tuple[str, str]] = field(default_factory=Counter)

    def write(self, row: SimulatedRow) -> None:
        """Write one row to the file of its agency and kind."""
        report = row.report
        place = (report.agency.id, report.kind)
        self._lines[place] += 1
        line = self._lines[place]
        # A random source of the record's own: every revision then names and describes the person alike.
        record_seed = int.from_bytes(f"{self.seed}|{report.record}".encode())  # a number seeds faster than a text
        random = Random(record_seed)  # noqa: S311 - reproducible by its purpose
        cells, planted_fields = event_rows.row(report, random, with_text=self.with_text)
        text = _JSON(story.spoil(cells, row.spoilt))
        if place not in self._files:
            self._files[place] = _new(self.out / f"{place[0]}.{place[1]}.jsonl")
        self._files[place].write((text[: len(text) // 2] if row.spoilt == "broken" else text) + "\n")
        for field_name, type_, identity in planted_fields:
            # Written by hand: only the identity can need escaping, and there are several of these lines for each row.
            head = f'"agency": "{place[0]}", "kind": "{place[1]}", "line": {line}'
            about = f'"field": "{field_name}", "type": "{type_}", "text": {_JSON(identity)}'
            self.planted.write(f"{{{head}, {about}}}\n")
        if row.spoilt:
            self.refused.append((*place, line, *story.SPOILT[row.spoilt]))
        else:
            self.entries.append(AnswerEntry(report, line, row.again))

    def close(self) -> None:
        """Close the files."""
        for file in self._files.values():
            file.close()


@dataclass(slots=True)
class _Key:
    """Writes the answer key of the rows that `written` holds."""

    folder: Path
    written: _Writer

    def write(self) -> dict[str, int]:
        """Write every file of the key; return the summary's counts."""
        entries = self.written.entries
        outcomes = answer_key.outcomes(entries)
        self._table("expected-cells.csv", ("cell", "count"), sorted(answer_key.cells(entries, outcomes).items()))
        years = Counter(
            (entry.report.agency.id, entry.report.kind, entry.report.date[:4], outcome)
            for entry, outcome in zip(entries, outcomes, strict=True)
        )
        counted = sorted((*key, count) for key, count in years.items())
        self._table("expected-outcomes.csv", ("agency", "kind", "year", "outcome", "records"), counted)
        self._table("refused.csv", ("agency", "kind", "line", "field", "code"), sorted(self.written.refused))
        self._persons()
        published, refused = len(entries), len(self.written.refused)
        counts = {"rows": published + refused, "refused": refused, "published": published}
        counts |= dict(sorted(Counter(outcomes).items()))
        local_files.write_private(self.folder / "summary.json", json.dumps(counts, indent=1) + "\n")
        return counts

    def _table(self, name: str, header: Iterable[str], lines: Iterable[Iterable[object]]) -> None:
        with _new(self.folder / name) as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(header)
            writer.writerows(lines)

    def _persons(self) -> None:
        """Write every person with the rows about them; one without a name cannot be recognised, but is counted too."""
        about: defaultdict[int, list[list[object]]] = defaultdict(list)
        persons = {}
        for entry in self.written.entries:
            report = entry.report
            if report.person is not None:
                persons[report.person.number] = report.person
                about[report.person.number].append([report.agency.id, report.kind, entry.line, report.revision])
        with _new(self.folder / "persons.jsonl") as file:
            for number in sorted(persons):
                person = persons[number]
                document: dict[str, Any] = {"person": number, "born": person.birth_day, "rows": about[number]}
                if person.named:
                    document["latin"] = [invented_names.latin(name) for name in person.names]
                    document["arabic"] = [invented_names.arabic(name) for name in person.names]
                file.write(_JSON(document) + "\n")
