"""Seal of the hub's own records: authenticated encryption under a key of the record's scope.

Purpose: nothing about a person lies in clear on the broker, on its disk or in a backup of either. What the stages send
to one another is sealed before it leaves a process.
Called by: `streams.stages` (writes and reads); `connectors.adapters.release_bus`, `connectors.console.reconciliation`,
`connectors.operations` and the demonstration (read); `amana.site` gives each process the keys of the scopes that its
party may open.

Scopes:
- a year of events, as `2024`: de-identified records, changes of counts, exact cells, the states of the stages. The keys
  of a year are destroyed together, which erases the year everywhere, backups included.
- `evidence`: outcomes, late records, refusals of dedupe: places and results, nothing about a person.
- an agency, as `agency.police-jor`: its notices and the entries of its quarantine, which it reads itself: places,
  results and codes.
- `refused`: the bytes of refused records, for the de-identifier alone.

Construction: a sealed record is the id of the key (8 bytes), a random nonce (12 bytes), and AES-256-GCM's ciphertext
with its tag; the associated data is the name of the topic and the key of the record. Record keys that would tell
something are replaced by their HMAC-SHA256 under the scope's index key, cut to 16 bytes.

Invariants:
- A sealed record that is altered, or moved to another topic or key, does not open.
- The index key of a scope never changes, since the state of a person and of a cell is found by it. Sealing keys may be
  replaced at any time: the last one seals, all of them open.
- A process that runs takes over keys that were replaced: before a batch (`renew`), and at once where a record needs a
  key that is not here yet. Destroyed keys are forgotten in the same way.

Source: NIST SP 800-38D (GCM; at most 2^32 messages with random nonces under one key), RFC 2104 (HMAC).
"""

import hashlib
import hmac
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from schemas import catalogue, codec, limits
from schemas.errors import ContractError, IntegrityError

__all__ = ["AGENCY", "EVIDENCE", "REFUSED", "ErasedError", "PartyKeys", "RecordSeal", "ScopeKeys", "key_id"]

AGENCY: Final = "agency."
"""Prefix of the scopes of agencies."""

EVIDENCE: Final = "evidence"
REFUSED: Final = "refused"

_ID_BYTES: Final = 8
_NONCE_BYTES: Final = 12
_INDEX_BYTES: Final = 16  # 128 bits: no two of a thousand million keys meet by chance


class ErasedError(IntegrityError):
    """The keys of a record were destroyed on purpose: it counts as gone, and whoever meets it passes it over."""


@dataclass(frozen=True, slots=True)
class ScopeKeys:
    """The keys of one scope, 32 bytes each.

    Args:
        index: makes record keys; never replaced.
        sealing: opens records, the last one seals them; at least one.
    """

    index: bytes = field(repr=False)
    sealing: tuple[bytes, ...] = field(repr=False)


PartyKeys = tuple[Mapping[str, ScopeKeys], Iterable[str]]
"""The keys of every scope that a party has, and the ids of the sealing keys that were destroyed."""


class RecordSeal:
    """Seals and opens the hub's records.

    Args:
        scopes: the keys of every scope that this party may open.
        draw: returns so many random bytes from the operating system.
        erased: ids of the sealing keys that were destroyed, 16 hex digits each (`key_id`).
        replaced: returns the party's keys if they were changed since it was called last, else None.
    """

    def __init__(
        self,
        scopes: Mapping[str, ScopeKeys],
        draw: Callable[[int], bytes],
        erased: Iterable[str] = (),
        *,
        replaced: Callable[[], PartyKeys | None] = lambda: None,
    ) -> None:
        self._draw, self._replaced = draw, replaced
        self._take(scopes, erased)

    def _take(self, scopes: Mapping[str, ScopeKeys], erased: Iterable[str]) -> None:
        """Use these keys and no others."""
        sealing, opening = dict[str, tuple[bytes, AESGCM]](), dict[bytes, AESGCM]()
        for name, keys in scopes.items():
            for key in keys.sealing:
                sealing[name] = bytes.fromhex(key_id(key)), AESGCM(key)
                opening[sealing[name][0]] = sealing[name][1]
        self._erased = frozenset(map(bytes.fromhex, erased))
        self._index = {name: keys.index for name, keys in scopes.items()}
        self._sealing, self._opening = sealing, opening

    def renew(self) -> bool:
        """Take over keys that were replaced, added or destroyed since; return whether there were any."""
        keys = self._replaced()
        if keys is not None:
            self._take(*keys)
        return keys is not None

    def has(self, scope: str) -> bool:
        """Return whether the keys of a scope are here, so that records of it can be sealed."""
        return scope in self._sealing or (self.renew() and scope in self._sealing)

    def seal(self, scope: str, data: bytes, topic: str, key: str = "") -> bytes:
        """Return a record sealed for a topic and record key.

        Raises:
            IntegrityError: INT-026, there are no keys of that scope here.
        """
        if not self.has(scope):
            raise _no_keys(scope)
        name, cipher = self._sealing[scope]
        nonce = self._draw(_NONCE_BYTES)
        return name + nonce + cipher.encrypt(nonce, data, f"{topic}|{key}".encode())

    def open(self, sealed: bytes, topic: str, key: str = "") -> bytes:
        """Return the record that `seal` sealed for that topic and key.

        Raises:
            ErasedError: INT-028, it was sealed under a key that was destroyed.
            IntegrityError: INT-026, it was sealed under a key that is not here; INT-027, it was altered, or moved from
                another topic or key.
        """
        name = sealed[:_ID_BYTES]
        cipher = self._opening.get(name)
        if cipher is None and name not in self._erased and self.renew():
            cipher = self._opening.get(name)
        if name in self._erased:
            raise ErasedError("INT-028", f"a record of {topic} was erased with the keys of its year")
        if cipher is None:
            raise _no_keys(topic)
        nonce = sealed[_ID_BYTES : _ID_BYTES + _NONCE_BYTES]
        try:
            return cipher.decrypt(nonce, sealed[_ID_BYTES + _NONCE_BYTES :], f"{topic}|{key}".encode())
        except (InvalidTag, ValueError):
            raise IntegrityError("INT-027", f"a record of {topic} was altered or moved since it was sealed") from None

    def write(self, stem: str, scope: str, record: Mapping[str, Any], topic: str, key: str = "") -> bytes:
        """Return a record of the shipped schema `stem` encoded and sealed; raises as `seal`, and CON-006 as `codec`."""
        return self.seal(scope, codec.encode_inner(catalogue.load(stem), record), topic, key)

    def read(self, stem: str, sealed: bytes, topic: str, key: str = "") -> dict[str, Any]:
        """Return the record of the schema `stem` that `write` sealed.

        Raises:
            IntegrityError: INT-026 to INT-028 as `open`; INT-020, what was sealed is no record of that schema.
        """
        data = self.open(sealed, topic, key)
        try:
            return codec.decode_inner(data, stem, limits.INTERNAL)
        except ContractError as error:
            raise IntegrityError("INT-020", f"a record of {topic} cannot be read: {error.code}") from None

    def index(self, scope: str, text: str) -> str:
        """Return the record key for `text` in a scope, 32 hex digits: equal texts give equal keys.

        Raises:
            IntegrityError: INT-026, there are no keys of that scope here.
        """
        if not self.has(scope):
            raise _no_keys(scope)
        return hmac.digest(self._index[scope], text.encode(), "sha256")[:_INDEX_BYTES].hex()


def key_id(key: bytes) -> str:
    """Return the id of a sealing key: the first 16 hex digits of its SHA-256."""
    return hashlib.sha256(key).hexdigest()[: 2 * _ID_BYTES]


def _no_keys(of: str) -> IntegrityError:
    return IntegrityError("INT-026", f"the keys for records of {of} are not among those of this party")
