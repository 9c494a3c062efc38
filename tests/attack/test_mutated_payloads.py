"""100,000 mutated raw records through the guarded decoder, the signature, the opener and admission: all are refused.

A mutation that still decodes has altered a field, of which its agency's signature tells. What would have come in
without one is counted beside it: nothing, since the event is sealed whole; `docs/reference/hostile-input.md`
gives the figures.
"""

import random
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

import psutil
import pytest

from schemas import catalogue, codec, limits, sealing
from schemas.errors import ContractError
from schemas.opening import Opener
from schemas.signing import Verifier
from streams.core.counting import admit
from streams.runtime.stage import Record
from tests.support import raw_events

EACH = 20_000
"""Mutations of each of the five raw schemas."""

MILLISECONDS = 100
GROWTH_BYTES = 50 * 1024 * 1024
AGENCY = "police-jor"
VERIFIER = Verifier(raw_events.VERIFYING[AGENCY])
UNNOTICED = " alone"


def _flip(draw: random.Random, data: bytearray, _other: bytes) -> None:
    for _ in range(draw.randint(1, 4)):
        data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)


def _cut(draw: random.Random, data: bytearray, _other: bytes) -> None:
    del data[draw.randrange(len(data)) :]


def _splice(draw: random.Random, data: bytearray, other: bytes) -> None:
    """Go on with another record from some byte on, as after a torn write."""
    at = draw.randrange(len(data))
    data[at:] = other[draw.randrange(len(other)) :]


def _inflate(draw: random.Random, data: bytearray, _other: bytes) -> None:
    """Put a long number where a length may stand."""
    at = draw.randrange(5, len(data))
    data[at : at + 1] = bytes([0xFF] * draw.randint(1, 9)) + bytes([draw.randrange(128)])


MUTATIONS = (_flip, _cut, _splice, _inflate)


def _outcome(record: Record, kind: str, opener: Opener) -> str:
    """Take one record through what the de-identifier does before it makes anything of it."""
    try:
        outer = codec.decode(record.value or b"", raw_events.readable("envelope"), limits.ENVELOPE)
    except ContractError as error:
        return error.code
    try:
        VERIFIER.check(record.value or b"", topic=record.topic)
    except ContractError as error:
        return f"decoded, then {error.code}" + _unsigned(outer, record, kind, opener)
    return "admitted"


def _unsigned(outer: Mapping[str, Any], record: Record, kind: str, opener: Opener) -> str:
    """Say what the other checks would have made of it."""
    try:
        bound = sealing.bound(record.topic, outer["event_id"], outer["revision"], outer["schema"])
        data = opener.open(outer["key_id"], outer["sealed"], bound)
        admit.check(
            kind,
            AGENCY,
            codec.decode_body(data, catalogue.load(f"raw.{kind}").parsed),
            raw_events.shipped(),
            today=raw_events.today(),
        )
    except ContractError as error:
        return f" ({error.code})"
    return UNNOTICED


@pytest.mark.parametrize("kind", catalogue.KINDS)
def test_mutated_records_crash_nothing_and_cost_little(kind: str) -> None:
    draw, opener = random.Random(f"mutations of {kind}"), Opener([raw_events.SEALING])
    whole = [raw_events.record(kind, raw_events.planted(kind, n).event, n) for n in range(20)]
    clean = {record.value for record in whole}
    assert {_outcome(record, kind, opener) for record in whole} == {"admitted"}
    process, slowest, outcomes = psutil.Process(), 0.0, Counter[str]()
    before = process.memory_info().rss
    for n in range(EACH):
        record = draw.choice(whole)
        data = bytearray(record.value or b"")
        MUTATIONS[n % len(MUTATIONS)](draw, data, draw.choice(whole).value or b"")
        if bytes(data) in clean:
            continue
        started = time.process_time()
        outcomes[_outcome(Record(record.topic, 0, n, record.key, bytes(data)), kind, opener)] += 1
        slowest = max(slowest, time.process_time() - started)
    grown = process.memory_info().rss - before
    silent = sum(number for outcome, number in outcomes.items() if outcome.startswith("decoded"))
    alone = sum(number for outcome, number in outcomes.items() if outcome.endswith(UNNOTICED))
    print(f"\n{kind}: {outcomes.total()} mutations, {silent} decoded, {alone} told by the signature alone,", end=" ")
    print(f"slowest {slowest * 1000:.1f} ms, memory +{grown / 2**20:.1f} MiB; {dict(sorted(outcomes.items()))}")
    assert not outcomes["admitted"]
    assert slowest * 1000 < MILLISECONDS
    assert grown < GROWTH_BYTES
