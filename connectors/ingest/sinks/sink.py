"""Port of a destination of sealed events, as the publisher of one topic sees it.

Purpose: name the few operations that publishing once needs, so that the same code can publish to a broker or through a
gateway.
Called by: `connectors.ingest.file_publisher`. Implemented by: `connectors.ingest.sinks.kafka_sink`.

Invariants that an implementation must keep, since the journal (`connectors.ingest.files.journal`) relies on them:
- One partition's part of a window is stored whole or not at all, in the order of sending, at consecutive offsets.
- `send` returns only when all of the window is stored for good.
- After `quiet_ends` nothing that an earlier, killed publisher has sent can still arrive.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from connectors.ingest.event.envelope import Sendable

__all__ = ["Sink", "WindowLimit", "windows"]


@dataclass(frozen=True, slots=True)
class WindowLimit:
    """Most messages, and most bytes of keys and values, that a sink takes at once."""

    messages: int
    size: int


class Sink(Protocol):
    """One raw topic, open for one publisher; a context manager."""

    @property
    def limit(self) -> WindowLimit:
        """The largest window that `send` takes."""

    def ends(self) -> Mapping[int, int]:
        """Return the end offset of every partition: the offset that its next message will get.

        Raises:
            TransportError: TRA-110.
        """

    def quiet_ends(self) -> Mapping[int, int]:
        """Return the end offsets after they have stopped moving; raises as `ends`."""

    def send(self, window: Sequence[Sendable]) -> Mapping[int, Sequence[int]]:
        """Send a window, wait for it, and return its offsets by partition, in the order of sending.

        Raises:
            TransportError: TRA-110, not all of it was acknowledged; some of its partitions may have it.
            ConfigurationError: CFG-110, this agency may not write to this topic.
        """

    def __enter__(self) -> Self:
        """Return the sink."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Disconnect."""


def windows(messages: Iterable[Sendable], limit: WindowLimit) -> Iterator[list[Sendable]]:
    """Yield messages in windows within `limit`; one that is too large by itself gets a window of its own."""
    window: list[Sendable] = []
    size = 0
    for message in messages:
        cost = len(message.key) + len(message.value)
        if window and (len(window) == limit.messages or size + cost > limit.size):
            yield window
            window, size = [], 0
        window.append(message)
        size += cost
    if window:
        yield window
