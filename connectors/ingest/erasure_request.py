"""Request of an agency to erase events of its own: sealed and signed like an event, on the event's topic.

Purpose: a request lies behind everything that was published of its event, in the same partition, so that it erases
exactly what came before it. Sending it twice erases nothing more.
Called by: `amana.publisher`.

Invariants:
- Requests wait for their turn on the topic, as files do: journals tell by end offsets what was published.
- A request is as long as a short event, and its event id stands where that of an event does.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from connectors.ingest import topic_turn
from connectors.ingest.event.envelope import Envelope
from connectors.ingest.sinks.sink import Sink, windows
from schemas.errors import ConfigurationError
from schemas.identifiers import EventId

__all__ = ["ErasureJob", "send"]

_NO_REVISION = 0


@dataclass(frozen=True, slots=True, repr=False)
class ErasureJob:
    """Everything that requests of one agency and kind need.

    Args:
        agency: id of the agency.
        kind: kind of the events.
        folder: place of journals and locks.
        sink: opens the topic of agency and kind.
        envelope: makes the envelopes of requests.
    """

    agency: str
    kind: str
    folder: Path
    sink: Callable[[], Sink]
    envelope: Callable[[], Envelope]


def send(job: ErasureJob, events: Sequence[EventId]) -> None:
    """Send one request for each event; return when the broker has all.

    Raises:
        ConfigurationError: CFG-110, the agency may not write to the topic; CFG-111, another publisher holds it;
            CFG-112, the lock cannot be made.
        TransportError: TRA-110, not all was acknowledged: send them again.
        IntegrityError: INT-116 to INT-118, a journal and the topic contradict each other.
    """
    try:
        job.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with ExitStack() as stack:
            stack.enter_context(topic_turn.lock(job.folder, job.agency, job.kind))
            sink = stack.enter_context(job.sink())
            topic_turn.settle(job.folder, job.agency, job.kind, sink)
            envelope = job.envelope()
            requests = ({"event_id": one, "agency": job.agency, "revision": _NO_REVISION} for one in events)
            for window in windows((envelope.wrap(one, n) for n, one in enumerate(requests)), sink.limit):
                sink.send(window)
    except OSError as error:
        raise ConfigurationError("CFG-112", f"the lock cannot be made: {error.strerror}") from error
