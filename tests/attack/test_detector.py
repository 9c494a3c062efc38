"""Texts made to pass unscanned or to stop the detector: none passes, and none harms another."""

import asyncio
import os
import signal
import socket
import time
from collections.abc import Iterator

import psutil
import pytest
import regex  # type: ignore[import-untyped]  # ships no type information

from anonymizer.detection import pattern_recogniser, presidio, recognisers
from anonymizer.microdata.redaction import Text
from anonymizer.sandbox import detector_pool
from schemas.errors import ConfigurationError, ContractError
from tests.support.raw_events import patterns, shipped

RULES = patterns(timeout_seconds=1.0)
GOOD = Text("write to lina.k@example.org")


@pytest.fixture(scope="module")
def analyzer() -> presidio.Analyzer:
    return presidio.Analyzer(RULES)


@pytest.fixture(scope="module")
def flawed() -> Iterator[detector_pool.DetectorPool]:
    with detector_pool.DetectorPool(RULES, 1, module="tests.support.misbehaving_detector") as pool:
        yield pool


def _codes(pool: detector_pool.DetectorPool, *texts: Text) -> list[str | int]:
    """Return the code of a failed text, the number of findings of any other."""
    verdicts = asyncio.run(pool.detect(texts))
    return [v.code if isinstance(v, ContractError) else len(v) for v in verdicts]


@pytest.mark.parametrize(
    "unit",
    [".", "1-", "a.", "a@", "1 ", "(", "+9", "-", "http://", "A1", "::", "مارس ", "0/", "1", "00 1 ", "+0/", "@", " "],
)
def test_long_repetitions_cost_at_most_two_seconds(analyzer: presidio.Analyzer, unit: str) -> None:
    text = (unit * 8192)[:8100] + " mail ana.k@example.org"
    began = time.process_time()
    found = {f.type for f in analyzer.findings(text)}
    assert time.process_time() - began < 2
    assert "EMAIL_ADDRESS" in found


def test_a_pattern_that_runs_out_of_time_raises() -> None:
    """Presidio logs it and goes on as if the text were clean."""
    recogniser = pattern_recogniser.PatternRecogniser(
        "X", [pattern_recogniser.PatternRule("bomb", r"(a|aa)+$", 1.0)], None, "en", 0.2
    )
    with pytest.raises(TimeoutError):
        list(recogniser.find("a" * 60 + "b"))
    with pytest.raises(TimeoutError):
        recogniser.analyze("a" * 60 + "b", ["X"])


def test_an_analyzer_whose_pattern_runs_out_of_time_refuses_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    own = presidio.Analyzer(patterns(timeout_seconds=0.2))
    mail = next(r for r in own._recognisers["en"] if r.supported_entities == ["EMAIL_ADDRESS"])
    monkeypatch.setattr(mail, "rules", ((regex.compile(r"(a|aa)+$"), 1.0, None), (regex.compile("@"), 1.0, None)))
    with pytest.raises(ContractError, match="CON-041") as caught:
        own.findings("a" * 60 + "b @")
    assert "aaa" not in str(caught.value)


def test_an_entity_without_a_recogniser_refuses_to_start() -> None:
    """Presidio drops it without a word as long as another one is served (its issue 2256)."""
    rules = shipped(entities=("EMAIL_ADDRESS", "PERSON_NAME")).text
    with pytest.raises(ConfigurationError, match="CFG-020"):
        presidio.Analyzer(rules)
    with pytest.raises(ConfigurationError, match="CFG-020"):
        detector_pool.DetectorPool(rules)


def test_every_entity_of_the_shipped_policy_is_served_in_all_three_languages() -> None:
    for language in presidio.LANGUAGES:
        built = recognisers.build(RULES.entities, RULES.phone_regions, language, 1.0)
        assert {entity for recogniser in built for entity in recogniser.supported_entities} == set(RULES.entities)


@pytest.mark.parametrize(("word", "code"), [("crash", "CON-042"), ("memory", "CON-042"), ("hang", "CON-041")])
def test_a_text_that_ends_its_process_fails_alone(flawed: detector_pool.DetectorPool, word: str, code: str) -> None:
    assert _codes(flawed, GOOD, Text(word), GOOD, GOOD) == [1, code, 1, 1]


def test_a_text_that_is_too_long_fails_alone(flawed: detector_pool.DetectorPool) -> None:
    assert _codes(flawed, GOOD, Text("x" * (RULES.max_characters + 1)), GOOD) == [1, "CON-040", 1]
    assert _codes(flawed, GOOD, Text("x", record_identifiers={"a": "y" * 5000}), GOOD) == [1, "CON-040", 1]


def test_a_hundred_thousand_characters_are_scanned_or_refused() -> None:
    """The message is far longer than a socket's buffer; an address at the very end is found."""
    texts = [(unit * 100_000)[:99_900] + " lina.k@example.org" for unit in (".", "1", "she said that ", "قالت ")]
    with detector_pool.DetectorPool(shipped(max_characters=100_000).text, 1) as pool:
        *long, last = asyncio.run(pool.detect([*map(Text, texts), GOOD]))
    assert not isinstance(last, ContractError)
    for text, verdict in zip(texts, long, strict=True):
        whole = isinstance(verdict, tuple) and any(f.end == len(text) for f in verdict)
        assert whole or (isinstance(verdict, ContractError) and verdict.code == "CON-041")


def test_a_detector_that_was_killed_from_outside_costs_no_text(flawed: detector_pool.DetectorPool) -> None:
    assert _codes(flawed, GOOD) == [1]
    _kill(flawed._children[0].pid)
    assert _codes(flawed, GOOD, GOOD) == [1, 1]


def test_the_process_that_forks_may_be_killed_too(flawed: detector_pool.DetectorPool) -> None:
    """Its detectors go with it, and all are begun again."""
    assert _codes(flawed, GOOD) == [1]
    detector = psutil.Process(flawed._children[0].pid)
    _kill(flawed._fork_server._process.pid)
    assert flawed._fork_server._process.wait(10) == -signal.SIGKILL
    psutil.wait_procs([detector], timeout=10)
    assert _codes(flawed, GOOD, GOOD) == [1, 1]


def test_only_detectors_can_be_ended_and_an_order_may_come_in_pieces(flawed: detector_pool.DetectorPool) -> None:
    """The fork server ignores its own pid, the pid of this process and one that no process has."""
    assert _codes(flawed, GOOD) == [1]
    line, detector = flawed._fork_server._socket, psutil.Process(flawed._children[0].pid)
    line.sendall(b"%d\n%d\n4194305\nnonsense\n" % (flawed._fork_server._process.pid, os.getpid()))
    assert _codes(flawed, GOOD) == [1]
    line.sendall(b"%d" % detector.pid)
    assert _codes(flawed, GOOD) == [1]
    assert detector.is_running()
    line.sendall(b"\n")
    assert not psutil.wait_procs([detector], timeout=10)[1]
    assert _codes(flawed, GOOD) == [1]


def _kill(pid: int | None) -> None:
    assert pid
    os.kill(pid, signal.SIGKILL)


def test_no_detector_outlives_its_pool() -> None:
    pool = detector_pool.DetectorPool(RULES, 2)
    asyncio.run(pool.detect([GOOD, GOOD]))
    first = psutil.Process(pool._fork_server._process.pid)
    every = [first, *first.children()]
    pool.close()
    assert len(every) == 3
    assert not psutil.wait_procs(every, timeout=10)[1]


def test_detection_touches_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    own = presidio.Analyzer(shipped().text)
    text = "see www.example.com or write to ana@example.org"
    assert {kind for *_, kind, _ in own.values_by_presidio(text, "en")} == {"URL", "EMAIL_ADDRESS"}
    assert {"URL", "EMAIL_ADDRESS"} <= {found.type for found in own.findings(text)}


def test_all_detectors_of_a_worker_take_less_than_400_megabytes() -> None:
    """Two detectors and what they are forks of, models of all languages included; what they share counts once."""
    with detector_pool.DetectorPool(shipped("mask").text, module="tests.support.readable_detector") as pool:
        asyncio.run(pool.detect([Text(GOOD.text, language) for language in presidio.LANGUAGES] * 20))
        first = psutil.Process(pool._fork_server._process.pid)
        every = [first, *first.children()]
        assert len(every) == 3
        assert sum(process.memory_full_info().pss for process in every) < 400 << 20
