"""Signatures: proof that an event is as its agency wrote it, whoever has carried or kept it since.

Purpose: sign the wire form of an event, and verify it. Keeps no keys.
Called by: `amana.publisher` and `connectors.ingest.event.envelope` sign; `streams.stages.deidentify` verifies, also
what comes back from quarantine; `amana.keys.making` makes public keys; `streams.transparency` asks
`is_weak` of a log's key.

    value = Signer(private).sign(codec.encode(number, parsed, envelope | {"signature": UNSIGNED}), topic=topic)
    Verifier(public).check(value, topic=topic)

Construction: Ed25519 over `amana/2|topic|` and the wire form without its last 64 bytes. The signature is the last field
of the schema `envelope`, so it is those bytes: the bytes on the wire are signed, and nothing is encoded again to verify
them. The digest of the inner event's schema is among them: what is signed is the meaning, not bytes that a registry
could explain in another way.

Invariants:
- The signature covers the whole envelope. The seal says to whom an event is; only the signature says from whom it is.
- A public key is refused if it is one of the eight points of small order, for which everybody can sign, or is spelt in
  another way than RFC 8032 does.
- The same event sent twice verifies twice. Counting it once is the part of revisions, not of signatures.

Source: RFC 8032; Chalkias, Garillot and Nikolaenko, Taming the Many EdDSAs (2020), for the points of small order.
"""

import contextlib

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from schemas.errors import ConfigurationError, ContractError

__all__ = ["SIGNATURE_BYTES", "UNSIGNED", "Signer", "Verifier", "is_weak", "public_key_of"]

KEY_BYTES = 32
"""Length of a key, in bytes."""

SIGNATURE_BYTES = 64
"""Length of a signature, in bytes."""

UNSIGNED = bytes(SIGNATURE_BYTES)
"""Value of the field `signature` until the event is signed."""


_PRIME = 2**255 - 19
_ORDER_EIGHT = int.from_bytes(
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"
)
_SMALL_ORDER = {1, _PRIME - 1, 0, _ORDER_EIGHT, _PRIME - _ORDER_EIGHT}
"""The y coordinates of the eight points of small order: one point of order 1 and 2 each, two of 4, four of 8."""


def is_weak(public: bytes) -> bool:
    """Tell whether a public key has small order, another length than 32 bytes, or another than its one spelling."""
    # The highest bit is the sign of x; y below the prime has one spelling.
    y = int.from_bytes(public, "little") & ((1 << 255) - 1)
    return len(public) != KEY_BYTES or y >= _PRIME or y in _SMALL_ORDER


def public_key_of(private: bytes) -> bytes:
    """Return the 32-byte public key of a 32-byte private key."""
    return Ed25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


class Signer:
    """Signs the events of the agency whose 32-byte Ed25519 private key is `private`."""

    def __init__(self, private: bytes) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(private)

    def sign(self, value: bytes, *, topic: str) -> bytes:
        """Return the wire form with its signature, for `topic` alone; it was encoded with `UNSIGNED`."""
        content = value[:-SIGNATURE_BYTES]
        return content + self._private.sign(_signed_bytes(content, topic))


class Verifier:
    """Verifies the events of the agency whose 32-byte Ed25519 public key is `public`.

    Args:
        public: the agency's present key.
        earlier: keys that it replaced, of which events may still be on their way.

    Raises:
        ConfigurationError: CFG-255, for one of the keys everybody can sign.
    """

    def __init__(self, public: bytes, *earlier: bytes) -> None:
        if any(map(is_weak, (public, *earlier))):
            raise ConfigurationError(
                "CFG-255", "a public key of an agency is none: its point has small order or no form"
            )
        self._keys = tuple(map(Ed25519PublicKey.from_public_bytes, (public, *earlier)))

    def check(self, value: bytes, *, topic: str) -> None:
        """Raise unless this agency signed this wire form for this topic.

        Raises:
            ContractError: CON-031, it is not signed, altered, from another topic, or signed with another key.
        """
        signed = _signed_bytes(value[:-SIGNATURE_BYTES], topic)
        for key in self._keys:
            with contextlib.suppress(InvalidSignature):
                return key.verify(value[-SIGNATURE_BYTES:], signed)
        raise ContractError("CON-031", "the event is not signed by its agency, or was altered since", field="signature")


def _signed_bytes(content: bytes, topic: str) -> bytes:
    # with the topic, so that nobody can replay an agency's event of one kind as an event of another
    return b"amana/2|" + topic.encode() + b"|" + content
