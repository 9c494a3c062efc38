"""Signatures: an event is what its agency wrote, whoever has carried or kept it since.

Decides the construction. Keeps no keys.

    value = Signer(private).sign(codec.encode(number, parsed, record | {"signature": UNSIGNED}), topic=topic)
    Verifier(public).check(value, topic=topic)

Construction: Ed25519 over `amana/1|topic|` and the wire form without its last 64 bytes. The signature is the last field
of every raw schema, so those bytes are it: signed is what is sent, as bytes, and nothing needs to be encoded again to
be verified. It travels with the event into quarantine and back.

- A sealed field says to whom it is sealed; this says from whom the whole event is, and of its fields in clear too.
- The same event sent twice verifies twice: what is counted once is the business of revisions.

Source: RFC 8032.
"""

import contextlib

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from schemas.errors import ContractError

__all__ = ["SIGNATURE_BYTES", "UNSIGNED", "Signer", "Verifier", "public_key_of"]

SIGNATURE_BYTES = 64
UNSIGNED = bytes(SIGNATURE_BYTES)
"""What stands in the field `signature` until the event is signed."""


def public_key_of(private: bytes) -> bytes:
    """Return the 32-byte public key of a 32-byte private key."""
    return Ed25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


class Signer:
    """Signs the events of the agency whose 32-byte Ed25519 private key is `private`."""

    def __init__(self, private: bytes) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(private)

    def sign(self, value: bytes, *, topic: str) -> bytes:
        """Return the wire form with its signature, for `topic` alone; it was encoded with `UNSIGNED`."""
        said = value[:-SIGNATURE_BYTES]
        return said + self._private.sign(_bound(said, topic))


class Verifier:
    """Verifies the events of the agency whose 32-byte Ed25519 public key is `public`."""

    def __init__(self, public: bytes) -> None:
        self._public = Ed25519PublicKey.from_public_bytes(public)

    def check(self, value: bytes, *, topic: str) -> None:
        """Refuse a wire form that this agency did not sign for this topic.

        Raises:
            ContractError: CON-031, it is not signed, altered, from another topic, or signed with another key.
        """
        with contextlib.suppress(InvalidSignature):
            return self._public.verify(value[-SIGNATURE_BYTES:], _bound(value[:-SIGNATURE_BYTES], topic))
        raise ContractError("CON-031", "the event is not signed by its agency, or was altered since", field="signature")


def _bound(said: bytes, topic: str) -> bytes:
    return b"amana/1|" + topic.encode() + b"|" + said
