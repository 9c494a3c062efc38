"""Sealing: encryption of whole events by the agency, to the de-identifier alone.

Purpose: turn an encoded event into bytes that only the holder of the private key can open. Keeps no keys of others. The
counterpart with the private key is `schemas.opening`, which few may import.
Called by: `amana.publisher` and `connectors.ingest.event.envelope` seal; `schemas.opening` shares the construction;
`amana.keys.making` makes public keys.

    sealer = Sealer(public, os.urandom)                            # the agency's publisher
    sealed = sealer.seal(data, bound(topic, event_id, revision, digest))
    data = Opener([private], ...).open(key_id, sealed, bound(...))  # the de-identifier

Construction:

1. A content key of 32 random bytes serves a run of at most `RUN` events of one sealer. It is wrapped for the recipient
   by HPKE with MLKEM768-X25519, HKDF-SHA256 and AES-256-GCM, info `amana/2|envelope`: 1,168 bytes.
2. The event is padded: 0x80, then zeros, up to 1, 4, 16 or 64 KiB, so that a long narrative does not stand out.
3. AES-256-GCM under the content key, with a random nonce and the associated data
   `topic|event id|revision|schema digest`.
4. The sealed bytes are the wrapped content key, the nonce (12 bytes) and the ciphertext with its tag.

Invariants:
- A sealed event that is moved to another topic, event or revision, or named as of another schema, does not open.
- A compromised publisher opens nothing that it sealed before: content keys are forgotten after their run.
- What was sealed stays closed to who breaks X25519 or ML-KEM, but not both: names must stay closed for decades.

Source: RFC 9180 (HPKE), FIPS 203 (ML-KEM), X-Wing's combination as HPKE's KEM MLKEM768-X25519; NIST SP 800-38D for the
number of messages under random nonces (a run has 2^10 of the 2^32 that are allowed); padding of ISO/IEC 7816-4.
"""

import hashlib
from collections.abc import Callable
from typing import Final

from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from schemas.errors import ContractError

__all__ = [
    "INFO",
    "NONCE_BYTES",
    "PRIVATE_BYTES",
    "PUBLIC_BYTES",
    "RUN",
    "SUITE",
    "WRAPPED_BYTES",
    "Sealer",
    "bound",
    "key_id_of",
    "private_key",
    "public_key_of",
]

SUITE: Final = hpke.Suite(hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
"""The suite by which content keys are wrapped."""

INFO: Final = b"amana/2|envelope"
"""HPKE's info: the construction and its version."""

RUN: Final = 1_000
"""Most events under one content key; the publisher sends windows of twice as many at most."""

PRIVATE_BYTES: Final = 96
"""Length of a private key: the seed of ML-KEM (64), then the X25519 key (32)."""

PUBLIC_BYTES: Final = 1_216
"""Length of a public key: that of ML-KEM (1,184), then that of X25519 (32)."""

WRAPPED_BYTES: Final = 1_168
"""Length of a wrapped content key: encapsulation (1,120), key (32), tag (16)."""

NONCE_BYTES: Final = 12

_SEED_BYTES: Final = 64
_ENCAPSULATION_KEY_BYTES: Final = 1_184
_CONTENT_KEY_BYTES: Final = 32
_STEPS: Final = (1 << 10, 1 << 12, 1 << 14, 1 << 16)  # bytes of a padded event


def private_key(private: bytes) -> hpke.MLKEM768X25519PrivateKey:
    """Return the key in 96 raw bytes."""
    return hpke.MLKEM768X25519PrivateKey(
        MLKEM768PrivateKey.from_seed_bytes(private[:_SEED_BYTES]),
        X25519PrivateKey.from_private_bytes(private[_SEED_BYTES:]),
    )


def public_key_of(private: bytes) -> bytes:
    """Return the 1,216-byte public key of a 96-byte private key."""
    seed, scalar = private[:_SEED_BYTES], private[_SEED_BYTES:]
    post_quantum = MLKEM768PrivateKey.from_seed_bytes(seed).public_key().public_bytes_raw()
    return post_quantum + X25519PrivateKey.from_private_bytes(scalar).public_key().public_bytes_raw()


def key_id_of(public: bytes) -> str:
    """Return the first 16 hex digits of the SHA-256 of a public key."""
    return hashlib.sha256(public).hexdigest()[:16]


def bound(topic: str, event_id: str, revision: int, schema: bytes) -> bytes:
    """Return what a sealed event is bound to: its topic, id and revision, and the digest of its schema."""
    return f"{topic}|{event_id}|{revision}|{schema.hex()}".encode()


class Sealer:
    """Seals events to the recipient whose 1,216-byte public key is `recipient_public`.

    Args:
        recipient_public: the public key.
        draw: returns so many random bytes from the operating system; content keys and nonces are drawn by it. The
            encapsulation draws its own within the library.
    """

    def __init__(self, recipient_public: bytes, draw: Callable[[int], bytes]) -> None:
        self._recipient = hpke.MLKEM768X25519PublicKey(
            MLKEM768PublicKey.from_public_bytes(recipient_public[:_ENCAPSULATION_KEY_BYTES]),
            X25519PublicKey.from_public_bytes(recipient_public[_ENCAPSULATION_KEY_BYTES:]),
        )
        self.key_id = key_id_of(recipient_public)
        self._draw = draw
        self._left = 0

    def seal(self, data: bytes, bound_to: bytes) -> bytes:
        """Return an encoded event sealed; it opens with the same `bound_to` alone (`bound`).

        Raises:
            ContractError: CON-015, the event is longer than the largest step.
        """
        # 1. One content key for a run of events.
        if not self._left:
            key = self._draw(_CONTENT_KEY_BYTES)
            self._cipher, self._wrapped = AESGCM(key), SUITE.encrypt(key, self._recipient, INFO)
            self._left = RUN
        self._left -= 1
        # 2. to 4.
        nonce = self._draw(NONCE_BYTES)
        return self._wrapped + nonce + self._cipher.encrypt(nonce, _padded(data), bound_to)


def _padded(data: bytes) -> bytes:
    """Pad data up to the next step."""
    length = next((step for step in _STEPS if len(data) < step), 0)
    if not length:
        raise ContractError("CON-015", f"an event of {len(data)} bytes; at most {_STEPS[-1] - 1} can be sealed")
    return data + b"\x80" + bytes(length - len(data) - 1)
