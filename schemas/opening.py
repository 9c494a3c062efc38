"""Opening: decryption of what agencies sealed, with the private keys of the de-identifier.

Purpose: the private half of `schemas.sealing`, which has the construction. A module of its own, so that an import
contract can say who may open.
Called by: `streams.stages.deidentify` and `connectors.operations.quarantine_entries`; an import contract refuses every
other module outside of `connectors.operations`.

    data = Opener(privates).open(key_id, sealed, bound(topic, event_id, revision, digest))

Invariants:
- Nothing of an event is in an error, whatever was tampered with.
- A content key is unwrapped once for each run of events, and kept for the next ones of the run.

Source: as `schemas.sealing`.
"""

import contextlib
import functools
from collections.abc import Iterable
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from schemas import sealing
from schemas.errors import ContractError

__all__ = ["Opener"]

_RUNS_KEPT: Final = 64
"""Content keys that are kept: partitions are read side by side, and several publishers may take turns in one."""


class Opener:
    """Opens events that were sealed to one of several keys; `privates` are 96-byte private keys, the old ones too."""

    def __init__(self, privates: Iterable[bytes]) -> None:
        self._privates = {
            sealing.key_id_of(sealing.public_key_of(private)): sealing.private_key(private) for private in privates
        }
        self._cipher = functools.lru_cache(maxsize=_RUNS_KEPT)(self._unwrapped)

    def has(self, key_id: str) -> bool:
        """Return whether the key of this id is among those that open."""
        return key_id in self._privates

    def open(self, key_id: str, sealed: bytes, bound_to: bytes) -> bytes:
        """Return the encoded event.

        Args:
            key_id: names the key that it was sealed to.
            sealed: the bytes that `Sealer.seal` made.
            bound_to: what it was bound to (`sealing.bound`).

        Raises:
            ContractError: CON-030, it does not open: another key, truncated, altered, or moved from another topic,
                event, revision or schema.
        """
        if key_id not in self._privates:
            raise ContractError("CON-030", "sealed to a key that the hub does not have", field="key_id")
        nonce_end = sealing.WRAPPED_BYTES + sealing.NONCE_BYTES
        nonce, ciphertext = sealed[sealing.WRAPPED_BYTES : nonce_end], sealed[nonce_end:]
        # An InvalidTag has no text of its own; it is left out of the chain all the same, as every cause here.
        with contextlib.suppress(InvalidTag, ValueError):
            cipher = self._cipher(key_id, sealed[: sealing.WRAPPED_BYTES])
            padded = cipher.decrypt(nonce, ciphertext, bound_to).rstrip(b"\x00")
            if padded[-1:] == b"\x80":
                return padded[:-1]
        raise ContractError("CON-030", "the sealed event does not open", field="sealed")

    def _unwrapped(self, key_id: str, wrapped: bytes) -> AESGCM:
        """Return the cipher under a wrapped content key; a failure is not kept, as it raises."""
        return AESGCM(sealing.SUITE.decrypt(wrapped, self._privates[key_id], sealing.INFO))
