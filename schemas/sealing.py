"""Sealing: encryption of the fields that name a person, by the agency, to the de-identifier alone.

Purpose: encrypt every sealed field of an event under a key of its own. Draws no randomness: 32 fresh bytes per event
are passed in. Keeps no keys. The counterpart with the private key is `schemas.opening`, which few may import.
Called by: `amana.publisher` and `connectors.ingest.event.envelope` seal; `schemas.opening` shares the construction;
`amana.site_keys` makes public keys.

    sealed = Sealer(public).seal(record, schema, topic=topic, ephemeral=os.urandom(32))   # the agency's publisher
    texts = Opener(private).open(sealed, schema, topic=topic)                              # the de-identifier

Construction:

1. One X25519 exchange per event between the event's ephemeral key and the recipient's key.
2. HKDF-SHA256 with the salt `ephemeral public || recipient public` and the info `amana/1|field` gives each field a key.
3. ChaCha20-Poly1305 under that key, with the zero nonce and the associated data `topic|agency|event_id|field`. The text
   is padded to a multiple of 32 bytes (0x80, then zeros), so that its length says little.

Invariants:
- The same 32 ephemeral bytes never serve two events: they would give two texts one key and one nonce.
- A sealed text that is moved to another event, field, agency or topic does not open.
- Whoever has the recipient's private key can open everything; a compromised publisher opens nothing it sealed before.

Source: RFC 7748 (X25519), RFC 5869 (HKDF), RFC 8439 (ChaCha20-Poly1305); padding of ISO/IEC 7816-4.
"""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from schemas.catalogue import Schema

__all__ = ["INFO", "KEY_BYTES", "NONCE", "FieldKeys", "Sealer", "associated_data", "key_id_of", "public_key_of"]

KEY_BYTES: Final = 32
"""Length of public, private and ephemeral keys, in bytes."""

NONCE: Final = bytes(12)
"""The nonce of every message. A fixed one is safe here, because every key encrypts exactly one message."""

INFO: Final = b"amana/1|"
"""Prefix of the info of every key: the construction and its version."""

_BLOCK: Final = 32  # bytes; a name of any usual length fills one block


def public_key_of(private: bytes) -> bytes:
    """Return the 32-byte public key of a 32-byte private key."""
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def key_id_of(public: bytes) -> str:
    """Return the first 16 hex digits of the SHA-256 of a public key."""
    return hashlib.sha256(public).hexdigest()[:16]


class Sealer:
    """Seals events to the recipient whose 32-byte X25519 public key is `recipient_public`."""

    def __init__(self, recipient_public: bytes) -> None:
        self._public = recipient_public
        self._recipient = X25519PublicKey.from_public_bytes(recipient_public)
        self.key_id = key_id_of(recipient_public)

    def seal(self, record: Mapping[str, Any], schema: Schema, *, topic: str, ephemeral: bytes) -> dict[str, Any]:
        """Return a copy of `record` in which every sealed field that holds text holds bytes.

        Args:
            record: an event, with `agency` and `event_id`; its sealed fields are text or None, and None stays None.
            schema: says which fields are sealed.
            topic: the topic that the event is for; it opens there alone.
            ephemeral: 32 random bytes, fresh for every event.

        Returns:
            The copy, whose field `sealing` names the recipient's key and the ephemeral one; None where nothing was
            there to seal.
        """
        texts = {name: record[name] for name in schema.sealed if record.get(name) is not None}
        if not texts:
            return {**record, "sealing": None}
        # 1. one exchange per event
        own = X25519PrivateKey.from_private_bytes(ephemeral)
        public = own.public_key().public_bytes_raw()
        keys = FieldKeys(own.exchange(self._recipient), public + self._public)
        sealed = {
            name: keys.encrypt(text.encode(), name, associated_data(record, name, topic))
            for name, text in texts.items()
        }
        return {**record, **sealed, "sealing": {"key_id": self.key_id, "ephemeral": public}}


class FieldKeys:
    """The keys of one event's fields, derived from the exchange's 32-byte result and both public keys as the salt."""

    def __init__(self, shared: bytes, salt: bytes) -> None:
        # 2. RFC 5869 section 2.2, extract: once per event
        self._extracted = hmac.digest(salt, shared, "sha256")

    def cipher(self, field: str) -> ChaCha20Poly1305:
        """Return the cipher under the key of a field."""
        # 2. RFC 5869 section 2.3, expand: a key as long as one hash is the first block alone
        return ChaCha20Poly1305(hmac.digest(self._extracted, INFO + field.encode() + b"\x01", "sha256"))

    def encrypt(self, data: bytes, field: str, bound: bytes) -> bytes:
        """Pad and encrypt data under the key of a field; `bound` is the associated data."""
        plain = data + b"\x80"
        # 3. up to a whole number of blocks
        return self.cipher(field).encrypt(NONCE, plain + bytes(-len(plain) % _BLOCK), bound)


def associated_data(record: Mapping[str, Any], field: str, topic: str) -> bytes:
    """Return what a sealed text is bound to: topic, agency, event and field."""
    return f"{topic}|{record['agency']}|{record['event_id']}|{field}".encode()
