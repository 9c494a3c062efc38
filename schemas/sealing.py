"""Sealing: what names a person travels encrypted to the de-identifier, and can be opened nowhere else.

Decides the construction. Draws no randomness (32 fresh bytes per event are passed in) and keeps no keys.

    sealed = Sealer(public).seal(record, schema, topic=topic, ephemeral=os.urandom(32))   # the agency's publisher
    texts = Opener(private).open(sealed, schema, topic=topic)                              # the de-identifier

`record` is an event as a dict of Avro fields, with `agency` and `event_id`; `schema` its `catalogue.Schema`. `seal`
returns a copy: every sealed field that holds text holds bytes, None stays None, and `sealing` names the keys. `open`
returns field → text for the fields that are not None, and leaves the record alone.

Construction: one X25519 exchange per event between an ephemeral key and the recipient's; HKDF-SHA256 with the salt
`ephemeral public || recipient public` and the info `amana/1|field` gives each field a key of its own; that key is used
once, so ChaCha20-Poly1305 takes the zero nonce. Associated data: `topic|agency|event_id|field`; a text that is moved to
another event, field, agency or topic does not open. Texts are padded to a multiple of 32 bytes (0x80, then zeros).

What was refused is sealed whole, since what an agency sent in the wrong place, or in clear, lies in it as it came:
`wrap` gives key id (8 bytes), ephemeral public key (32) and the bytes under the key for `*`, bound to a place; the
ephemeral key is drawn from the private one, the place and the bytes, so that the same refusal is the same bytes.

- The same 32 bytes must never serve two events: they would give two texts one key.
- Whoever has the recipient's private key can open all; a compromised publisher opens nothing it sealed before.

Source: RFC 7748, RFC 5869, RFC 8439; padding of ISO/IEC 7816-4.
"""

import contextlib
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from schemas.catalogue import Schema
from schemas.errors import ContractError

__all__ = ["KEY_BYTES", "Opener", "Sealer", "key_id_of", "public_key_of"]

KEY_BYTES = 32
"""Length of public, private and ephemeral keys, in bytes."""

_BLOCK = 32
_NONCE = bytes(12)  # every key is used for exactly one message
_INFO = b"amana/1|"
_WHOLE = "*"  # no field has that name


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
        """Return a copy of `record` whose sealed fields are encrypted.

        Args:
            record: an event; its sealed fields are text or None.
            schema: says which fields are sealed.
            topic: the topic that the event is for; it will open there alone.
            ephemeral: 32 random bytes, fresh for every event.
        """
        texts = {name: record[name] for name in schema.sealed if record.get(name) is not None}
        if not texts:
            return {**record, "sealing": None}
        own = X25519PrivateKey.from_private_bytes(ephemeral)
        public = own.public_key().public_bytes_raw()
        keys = _Keys(own.exchange(self._recipient), public + self._public)
        sealed = {name: keys.seal(text, name, _bound(record, name, topic)) for name, text in texts.items()}
        return {**record, **sealed, "sealing": {"key_id": self.key_id, "ephemeral": public}}


class Opener:
    """Opens events sealed to the public key of `private`, a 32-byte X25519 private key."""

    def __init__(self, private: bytes) -> None:
        self._private = X25519PrivateKey.from_private_bytes(private)
        self._secret = hmac.digest(private, _INFO + _WHOLE.encode(), "sha256")
        self._public = self._private.public_key().public_bytes_raw()
        self.key_id = key_id_of(self._public)

    def open(self, record: Mapping[str, Any], schema: Schema, *, topic: str) -> dict[str, str]:
        """Return field → text of the sealed fields of `record`, as read from `topic`.

        Raises:
            ContractError: CON-030, a field does not open: other key, truncated, altered, or moved from another field,
                event, agency or topic.
        """
        sealed = {name: record[name] for name in schema.sealed if record.get(name) is not None}
        if not sealed:
            return {}
        keys = self._keys(record.get("sealing"))
        return {name: keys.open(data, name, _bound(record, name, topic)) for name, data in sealed.items()}

    def wrap(self, data: bytes, place: bytes) -> bytes:
        """Seal whole bytes to this opener itself; they open at that place alone."""
        drawn = hmac.digest(self._secret, b"|".join((_INFO, place, data)), "sha256")
        own = X25519PrivateKey.from_private_bytes(drawn)
        public = own.public_key().public_bytes_raw()
        keys = _Keys(own.exchange(self._private.public_key()), public + self._public)
        return bytes.fromhex(self.key_id) + public + keys.encrypt(data, _WHOLE, place)

    def unwrap(self, wrapped: bytes, place: bytes) -> bytes:
        """Open what `wrap` sealed.

        Raises:
            ContractError: CON-030, it does not open: other key, altered, or moved from another place.
        """
        named, public, data = wrapped[:8], wrapped[8 : 8 + KEY_BYTES], wrapped[8 + KEY_BYTES :]
        return self._keys({"key_id": named.hex(), "ephemeral": public}).decrypt(data, _WHOLE, place)

    def _keys(self, sealing: Mapping[str, Any] | None) -> "_Keys":
        if sealing is None:
            raise ContractError("CON-030", "sealed fields, but nothing says how they were sealed", field="sealing")
        if sealing["key_id"] != self.key_id:
            raise ContractError("CON-030", "sealed to another key", field="sealing.key_id")
        try:
            sender = X25519PublicKey.from_public_bytes(sealing["ephemeral"])
            shared = self._private.exchange(sender)
        except ValueError:  # a wrong length, or a point of low order
            raise ContractError("CON-030", "not a usable public key", field="sealing.ephemeral") from None
        return _Keys(shared, sealing["ephemeral"] + self._public)


class _Keys:
    """The field keys of one event."""

    def __init__(self, shared: bytes, salt: bytes) -> None:
        self._extracted = hmac.digest(salt, shared, "sha256")  # RFC 5869 section 2.2, once per event

    def _cipher(self, field: str) -> ChaCha20Poly1305:
        # RFC 5869 section 2.3: a key of one hash's length is the first block alone
        return ChaCha20Poly1305(hmac.digest(self._extracted, _INFO + field.encode() + b"\x01", "sha256"))

    def seal(self, text: str, field: str, bound: bytes) -> bytes:
        return self.encrypt(text.encode(), field, bound)

    def open(self, data: bytes, field: str, bound: bytes) -> str:
        with contextlib.suppress(UnicodeDecodeError):  # it would carry the text along
            return self.decrypt(data, field, bound).decode()
        raise ContractError("CON-030", "the sealed text does not open", field=field)

    def encrypt(self, data: bytes, field: str, bound: bytes) -> bytes:
        plain = data + b"\x80"
        return self._cipher(field).encrypt(_NONCE, plain + bytes(-len(plain) % _BLOCK), bound)

    def decrypt(self, data: bytes, field: str, bound: bytes) -> bytes:
        with contextlib.suppress(InvalidTag):
            padded = self._cipher(field).decrypt(_NONCE, data, bound).rstrip(b"\x00")
            if padded[-1:] == b"\x80":
                return padded[:-1]
        raise ContractError("CON-030", "the sealed text does not open", field=field)


def _bound(record: Mapping[str, Any], field: str, topic: str) -> bytes:
    """Return the associated data: where this text belongs."""
    return f"{topic}|{record['agency']}|{record['event_id']}|{field}".encode()
