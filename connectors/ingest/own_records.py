"""An agency's view of its own records: the notices that hold, and the balance of what it published.

Purpose: decide what is read, and in which order. The rules are those of `streams.core.counting.agency_notices`.
Called by: `amana notices`, tests.

1. Read the ends of the agency's raw partitions.
2. Read its notices.
3. Read which of its records quarantine holds.

Invariants:
- The agency's own credential and keys are enough: no secret of another party is needed, and none is asked for.
- Ends are read first: a record that is published meanwhile is no part of the books.
"""

import time
from typing import Final

from connectors.adapters import notices_topic
from connectors.adapters.cluster import Cluster
from streams.core.counting.agency_notices import Notice, NoticeBook, OwnBooks, own_books

__all__ = ["books", "notices"]

_PAUSE_SECONDS: Final = 1.0


def notices(cluster: Cluster, agency: str) -> list[Notice]:
    """Return the notice that holds for each record of an agency, by place.

    Args:
        cluster: access to the broker, as the agency.
        agency: its id.

    Raises:
        TransportError: TRA-030 or TRA-031, the broker is out of reach.
        IntegrityError: INT-020, INT-026 or INT-027, a notice does not open.
    """
    return NoticeBook(notices_topic.present_notices(cluster, agency)).notices()


def books(cluster: Cluster, agency: str, *, wait: float = 0.0) -> OwnBooks:
    """Return an agency's books, as soon as every record is read or when `wait` seconds have passed; raises as above."""
    deadline = time.monotonic() + wait
    # 1.
    ends = notices_topic.raw_ends(cluster, agency)
    while True:
        # 2.
        book = NoticeBook(notices_topic.present_notices(cluster, agency))
        # 3.
        found = own_books(ends, book, notices_topic.held_places(cluster, agency))
        if not found.unread or time.monotonic() > deadline:
            return found
        time.sleep(_PAUSE_SECONDS)
