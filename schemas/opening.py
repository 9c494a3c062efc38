"""Opening: decryption of what agencies sealed, with the private key of the de-identifier.

Purpose: the private half of `schemas.sealing`, which has the construction; and the sealing of whole refused records to
oneself. A module of its own, so that an import contract can say who may open.
Called by: `streams.stages.deidentify`, `streams.stages.quarantine_seal` and `connectors.operations.quarantine_entries`;
an import contract refuses every other module outside of `connectors.operations`.

    texts = Opener(private).open(record, schema, topic=topic)   # field → text
    kept = opener.wrap(payload, place)                          # into quarantine
    payload = opener.unwrap(kept, place)                        # and out of it

A refused record is wrapped whole, since an agency may have sent personal data in clear or in the wrong field. A wrapped
record is the key id (8 bytes), the ephemeral public key (32), and the bytes under the key of the field `*`, bound to a
place. The ephemeral key is drawn from the private key, the place and the bytes.

Invariants:
- Nothing of a text is in an error, whatever was tampered with.
- The same record at the same place is wrapped into the same bytes, so that a stage that repeats a batch after a crash
  sends the same quarantine record again.

Source: as `schemas.sealing`.
"""

import contextlib
import hmac
from collections.abc import Mapping
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from schemas.catalogue import Schema
from schemas.errors import ContractError
from schemas.sealing import INFO, KEY_BYTES, NONCE, FieldKeys, associated_data, key_id_of

__all__ = ["Opener"]

_KEY_ID_BYTES: Final = 8
_WHOLE: Final = "*"  # no field has that name


class Opener:
    """Opens events that were sealed to the public key of `private`, a 32-byte X25519 private key."""

    def __init__(self, private: bytes) -> None:
        self._private = X25519PrivateKey.from_private_bytes(private)
        self._secret = hmac.digest(private, INFO + _WHOLE.encode(), "sha256")
        self._public = self._private.public_key().public_bytes_raw()
        self.key_id = key_id_of(self._public)

    def open(self, record: Mapping[str, Any], schema: Schema, *, topic: str) -> dict[str, str]:
        """Return field → text of the sealed fields of `record`, as read from `topic`; fields that are None have none.

        Raises:
            ContractError: CON-030, a field does not open: other key, truncated, altered, or moved from another field,
                event, agency or topic.
        """
        sealed = {name: record[name] for name in schema.sealed if record.get(name) is not None}
        if not sealed:
            return {}
        keys = self._keys(record.get("sealing"))
        return {
            name: _text(_decrypt(keys, data, name, associated_data(record, name, topic)), name)
            for name, data in sealed.items()
        }

    def wrap(self, data: bytes, place: bytes) -> bytes:
        """Seal whole bytes to this opener itself; they open at that place alone."""
        # Drawn and not random: the same refusal must be the same bytes. Another record gives another key, so that the
        # fixed nonce stays safe.
        drawn = hmac.digest(self._secret, b"|".join((INFO, place, data)), "sha256")
        own = X25519PrivateKey.from_private_bytes(drawn)
        public = own.public_key().public_bytes_raw()
        keys = FieldKeys(own.exchange(self._private.public_key()), public + self._public)
        return bytes.fromhex(self.key_id) + public + keys.encrypt(data, _WHOLE, place)

    def unwrap(self, wrapped: bytes, place: bytes) -> bytes:
        """Return the bytes that `wrap` sealed for that place.

        Raises:
            ContractError: CON-030, they do not open: other key, altered, or moved from another place.
        """
        key_id, rest = wrapped[:_KEY_ID_BYTES], wrapped[_KEY_ID_BYTES:]
        keys = self._keys({"key_id": key_id.hex(), "ephemeral": rest[:KEY_BYTES]})
        return _decrypt(keys, rest[KEY_BYTES:], _WHOLE, place)

    def _keys(self, sealing: Mapping[str, Any] | None) -> FieldKeys:
        """Derive the field keys of an event from its field `sealing`."""
        if sealing is None:
            raise ContractError("CON-030", "sealed fields, but nothing says how they were sealed", field="sealing")
        if sealing["key_id"] != self.key_id:
            raise ContractError("CON-030", "sealed to another key", field="sealing.key_id")
        try:
            sender = X25519PublicKey.from_public_bytes(sealing["ephemeral"])
            shared = self._private.exchange(sender)
        except ValueError:  # a wrong length, or a point of low order
            raise ContractError("CON-030", "not a usable public key", field="sealing.ephemeral") from None
        return FieldKeys(shared, sealing["ephemeral"] + self._public)


def _decrypt(keys: FieldKeys, data: bytes, field: str, bound: bytes) -> bytes:
    """Decrypt the data of a field and take the padding off."""
    with contextlib.suppress(InvalidTag):
        padded = keys.cipher(field).decrypt(NONCE, data, bound).rstrip(b"\x00")
        if padded[-1:] == b"\x80":
            return padded[:-1]
    raise _does_not_open(field)


def _text(plain: bytes, field: str) -> str:
    with contextlib.suppress(UnicodeDecodeError):  # the exception would carry the text along
        return plain.decode()
    raise _does_not_open(field)


def _does_not_open(field: str) -> ContractError:
    return ContractError("CON-030", "the sealed text does not open", field=field)
