"""Nothing that names, reaches or marks a person leaves the agency in clear: a search of all that a demo wrote."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from amana.local import runtime
from amana.site import Site
from connectors.feed import page
from tests.support import demo, traces

pytestmark = [pytest.mark.broker, pytest.mark.timeout(1200)]

NAME = "PERSON"
SEARCHED_TYPES = {
    "EMAIL_ADDRESS", "PHONE_NUMBER", "NATIONAL_ID", "PASSPORT", "IBAN_CODE", "DATE_TIME", "URL", "CASE_NUMBER",
    "ADDRESS",
}  # fmt: skip


@pytest.fixture(scope="module")
def planted(ran: demo.Ran) -> dict[str, set[str]]:
    """Return every identity of the demo's input by its type."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    with (ran.out / "input" / "answer-key" / "planted.jsonl").open(encoding="utf-8") as lines:
        for one in map(json.loads, lines):
            found[one["type"]].add(one["text"])
    return found


@pytest.fixture(scope="module")
def identities(planted: dict[str, set[str]]) -> traces.Needles:
    assert set(planted) == SEARCHED_TYPES | {NAME}
    return traces.Needles(text for type_ in SEARCHED_TYPES for text in planted[type_])


@pytest.fixture(scope="module")
def broker(ran: demo.Ran, found_in_files: list[str]) -> Iterator[Site]:
    """Run the demo's broker again, after its files have been searched as the demo left them."""
    assert isinstance(found_in_files, list)
    with runtime.running(ran.site, workers=False) as site:
        yield site


@pytest.fixture(scope="module")
def contents(broker: Site) -> dict[str, bytes]:
    return dict(traces.topics(broker))


@pytest.fixture(scope="module")
def found_in_files(ran: demo.Ran, identities: traces.Needles) -> list[str]:
    """Search every file; a date that the drawing library itself spells, with nothing to draw, is nobody's."""
    librarys = {f"chart.html: {found}" for found in identities.found_in(page.page([], "Trends").encode())}
    found = _search(identities, traces.files(ran.out, without=ran.out / "input"))
    return [one for one in found if one not in librarys]


def _search(needles: traces.Needles, parts: Iterable[tuple[str, bytes]]) -> list[str]:
    return [f"{name}: {found}" for name, data in parts for found in needles.found_in(data)]


def test_no_identity_stands_in_any_file_of_the_demo(found_in_files: list[str], identities: traces.Needles) -> None:
    """Log segments, state, logs, journals, reports, ledger, audit, trends and charts, as bytes."""
    assert len(identities) > 80_000
    assert found_in_files == []


def test_no_identity_was_said_on_the_terminal(ran: demo.Ran, identities: traces.Needles) -> None:
    assert identities.found_in(ran.said.encode()) == []


def test_no_identity_stands_in_any_topic(contents: dict[str, bytes], identities: traces.Needles) -> None:
    """Keys, headers and values, decompressed; sealed fields are there, and closed."""
    assert _search(identities, contents.items()) == []
    assert sum(len(data) for name, data in contents.items() if name.startswith("raw.")) > 5_000_000
    read = ("__consumer_offsets", "deidentified.case", "state.dedupe", "outcomes", "late", "audit", "cells")
    assert all(contents[name] for name in read)


def test_no_name_stands_in_any_topic(contents: dict[str, bytes], planted: dict[str, set[str]]) -> None:
    names = traces.Needles(planted[NAME], width=min(len(name.encode()) for name in planted[NAME]))
    assert _search(names, contents.items()) == []


def test_the_search_finds_what_is_there(
    ran: demo.Ran, planted: dict[str, set[str]], identities: traces.Needles, tmp_path: Path
) -> None:
    """One string of each type in a copy of a log, and all of the agencies' own files, but for rows cut in half."""
    log = (ran.site / "logs" / "up.log").read_bytes()
    for type_ in sorted(SEARCHED_TYPES):
        text = min(planted[type_])
        (tmp_path / "up.log").write_bytes(log + b"\x00" + text.encode() + b"\x01" + log)
        assert text in identities.found_in((tmp_path / "up.log").read_bytes()), type_
    eastern = min(text for text in planted["DATE_TIME"] if not text.isascii())
    assert identities.found_in(json.dumps({"at": eastern}).encode())
    grouped = min(text for text in planted["PHONE_NUMBER"] if text.startswith("+") and " " in text)
    assert identities.found_in(grouped.replace(" ", "").encode())
    everything = b"".join(path.read_bytes() for path in (ran.out / "input").glob("*.jsonl"))
    sought = {text for type_ in SEARCHED_TYPES for text in planted[type_]}
    assert len(sought - set(identities.found_in(everything))) < len(sought) / 200


def test_a_digest_that_spells_a_number_is_not_an_identity() -> None:
    phone = traces.Needles(["03215175"])
    assert phone.found_in(b"..03215175..") == ["03215175"]
    assert phone.found_in(b"@" + b"ab03215175" + b"c" * 22 + b"\x02") == []
