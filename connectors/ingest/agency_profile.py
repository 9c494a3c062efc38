"""Profile of one agency: its cluster access and its own keys, all that it needs to publish.

Purpose: be the only thing that an agency's machine has to hold; no other party's secret can be reached from it.
Called by: `amana.site` makes it, `amana.publisher` takes it; the package `amana` exports it.

Invariants:
- Holds the keys of one agency, the person key that agencies share, and the public key of the de-identifier.
- No key appears in its text form.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from connectors.adapters.cluster import Cluster

__all__ = ["AgencyProfile", "EnvelopeKeys"]


class EnvelopeKeys(NamedTuple):
    """The keys of an envelope.

    Args:
        sealing: ML-KEM and X25519, public; events are sealed to it.
        signing: Ed25519, private; signs this agency's events.
    """

    sealing: bytes
    signing: bytes

    def __repr__(self) -> str:
        """Return a text without the keys."""
        return "EnvelopeKeys()"


@dataclass(frozen=True, slots=True)
class AgencyProfile:
    """One agency's access and keys; keys are 32 raw bytes each.

    Args:
        agency: its id.
        cluster: the broker, as this agency's principal, and the file of schema ids.
        person_key: the first person key, shared by the agencies and unknown to the operators.
        event_key: makes this agency's event ids.
        envelope_keys: returns the keys of envelopes as they are now; they may be replaced while a file is published.
        folder: where journals and reports of published files are kept.
    """

    agency: str
    cluster: Cluster
    person_key: bytes = field(repr=False)
    event_key: bytes = field(repr=False)
    envelope_keys: Callable[[], EnvelopeKeys] = field(repr=False)
    folder: Path
