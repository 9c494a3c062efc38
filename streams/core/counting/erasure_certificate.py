"""The certificate of erasures: what an entry of the audit log says of them, and the digest that the requester knows.

Purpose: the log says how many events of which agency were erased, and when; whoever knows the event ids recomputes the
digest and finds them named. It names nobody to anybody else.
Called by: `amana.publisher` and `streams.stages.erasure_outputs` (digests), `amana.composition.erasures`.

Invariants:
- A digest is over event ids, which are keyed hashes of 128 bits: nobody can guess what it was made of.

>>> digest_of([name_of(EventId("a" * 32)), name_of(EventId("b" * 32))]) == digest_of(
...     [name_of(EventId("b" * 32)), name_of(EventId("a" * 32))])
True
"""

import hashlib
from collections.abc import Iterable
from typing import Final

from schemas.identifiers import EventId

__all__ = ["REMAINS", "certificate", "digest_of", "name_of"]

REMAINS: Final = (
    "figures released before; entries of this log; copies that others made of the broker's disks, until the keys that "
    "they were sealed with are destroyed; the place, kind and outcome of the records; a keyed hash of each event id, "
    "by which a late copy is refused"
)
"""What an erasure cannot take back, or leaves on purpose."""


def name_of(event: EventId) -> str:
    """Return the name of an event in notes about erasures: the SHA-256 of its id, 64 hex digits."""
    return hashlib.sha256(event.encode()).hexdigest()


def digest_of(names: Iterable[str]) -> str:
    """Return the digest of several events: the SHA-256 of their names in ascending order, one a line."""
    return hashlib.sha256("".join(f"{name}\n" for name in sorted(set(names))).encode()).hexdigest()


def certificate(agency: str, kind: str, names: Iterable[str], *, requested: str, gone: str) -> dict[str, str]:
    """Return the details of an entry about erased events of one agency and kind.

    Args:
        agency: the agency that asked.
        kind: kind of the events.
        names: the events, as `name_of` names them.
        requested: hour at which the hub took the first of the requests.
        gone: hour at which nothing of them was left.
    """
    found = sorted(set(names))
    return {
        "agency": agency,
        "kind": kind,
        "events": str(len(found)),
        "digest": digest_of(found),
        "requested": requested,
        "gone": gone,
        "remains": REMAINS,
    }
