"""Windows of messages: nothing lost or reordered, and both limits of a sink kept."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from connectors.ingest.event.envelope import Sendable
from connectors.ingest.sinks.sink import WindowLimit, windows


@given(st.lists(st.integers(0, 30), max_size=40), st.integers(1, 5), st.integers(1, 60))
def test_windows_keep_the_order_and_both_limits(sizes: list[int], most: int, size: int) -> None:
    messages = [Sendable(ref, 0, b"k", bytes(length)) for ref, length in enumerate(sizes)]
    cut = list(windows(messages, WindowLimit(most, size)))
    assert [message for window in cut for message in window] == messages
    for window in cut:
        assert 1 <= len(window) <= most
        assert len(window) == 1 or sum(len(m.key) + len(m.value) for m in window) <= size


@given(st.lists(st.integers(0, 30), min_size=2, max_size=40), st.integers(1, 5), st.integers(1, 60))
def test_no_window_could_have_taken_the_first_message_of_the_next(sizes: list[int], most: int, size: int) -> None:
    messages = [Sendable(ref, 0, b"k", bytes(length)) for ref, length in enumerate(sizes)]
    cut = list(windows(messages, WindowLimit(most, size)))
    for window, following in itertools.pairwise(cut):
        grown = [*window, following[0]]
        assert len(grown) > most or sum(len(m.key) + len(m.value) for m in grown) > size
