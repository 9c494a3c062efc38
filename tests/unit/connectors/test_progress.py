"""Lag of the stages: arithmetic on offsets, and brokers that do not answer."""

import socket
import threading
import time

import pytest
from kafka import TopicPartition

from connectors.adapters.progress import Lag, Offsets
from schemas.errors import TransportError

A, B, REPLAY = TopicPartition("raw.a.case", 0), TopicPartition("raw.a.case", 1), TopicPartition("replay", 0)


def test_lag_adds_up_by_stage_and_by_topic() -> None:
    """A committed offset beyond the end, as a broker that lost its disk leaves it, is no negative lag."""
    found = Lag(
        {"deidentify": {A: 3, B: 9, REPLAY: 1}, "dedupe": {}}, {"deidentify": {A: 5, B: 7, REPLAY: 2}, "dedupe": {}}
    )
    assert found.by_stage() == {"deidentify": 3, "dedupe": 0}
    assert found.records("deidentify", "replay") == 1


def test_brokers_that_are_away_are_a_typed_fault_in_time_and_leave_no_thread() -> None:
    """The fault repeats, as a process asks again and again: nothing of a failed connection may stay."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        server = f"127.0.0.1:{free.getsockname()[1]}"
    before, begun = threading.active_count(), time.monotonic()
    with Offsets({"bootstrap_servers": [server]}, seconds=0.5) as offsets:
        for _ in range(2):
            with pytest.raises(TransportError, match="TRA-031"):
                offsets.ends([A])
    assert time.monotonic() - begun < 10
    assert threading.active_count() == before
