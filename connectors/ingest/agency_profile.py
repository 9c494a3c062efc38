"""Profile of one agency: its cluster access and its own keys, all that it needs to publish.

Purpose: be the only thing that an agency's machine has to hold; no other party's secret can be reached from it.
Called by: `amana.site` makes it, `amana.publisher` takes it; the package `amana` exports it.

Invariants:
- Holds the keys of one agency, the person key that agencies share, and the public key of the de-identifier.
- No key appears in its text form.
"""

from dataclasses import dataclass, field
from pathlib import Path

from connectors.adapters.cluster import Cluster

__all__ = ["AgencyProfile"]


@dataclass(frozen=True, slots=True)
class AgencyProfile:
    """One agency's access and keys; keys are 32 raw bytes each.

    Args:
        agency: its id.
        cluster: the broker, as this agency's principal, and the file of schema ids.
        person_key: the first person key, shared by the agencies and unknown to the operators.
        event_key: makes this agency's event ids.
        signing_key: Ed25519, private; signs this agency's events.
        sealing_key: X25519, public; events are sealed to it.
        folder: where journals and reports of published files are kept.
    """

    agency: str
    cluster: Cluster
    person_key: bytes = field(repr=False)
    event_key: bytes = field(repr=False)
    signing_key: bytes = field(repr=False)
    sealing_key: bytes = field(repr=False)
    folder: Path
