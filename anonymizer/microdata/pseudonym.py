"""Pseudonyms: person tokens and content digests, as keyed hashes that say nothing without the key.

Purpose: make the token that stands for a person in one year, and the digest that tells an altered revision from a
repeated one. Keys are passed in; none is made, read or kept here.
Called by: `streams.core.counting.deidentify`.

Invariants:
- A token has its year in the hash: the tokens of one person in two years cannot be linked without the key.

Source: RFC 2104 (HMAC), FIPS 180-4 (SHA-256), cut to 128 bits.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping

from schemas.identifiers import PersonToken

__all__ = ["content_digest", "person_token"]

_BYTES = 16  # of 32: collisions among a thousand million persons are still out of reach


def person_token(key: bytes, year: str, subject: str) -> PersonToken:
    """Return the token of a person for one year: 32 hex digits.

    Args:
        key: The dedupe party's key.
        year: The year of the event, four digits.
        subject: The person key, or the id of an event that has none.
    """
    return PersonToken(_keyed(key, f"{year}|{subject}"))


def content_digest(key: bytes, content: Mapping[str, object]) -> str:
    """Return the keyed digest of a de-identified record's content: 32 hex digits, whatever the order of its fields."""
    # keyed, because the coarse content of a record has few values: a bare hash could be reversed by trying them all
    canonical = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    # the prefix keeps a digest from ever equalling a token, which begins with a year
    return _keyed(key, f"digest|{canonical}")


def _keyed(key: bytes, message: str) -> str:
    return hmac.new(key, message.encode(), hashlib.sha256).digest()[:_BYTES].hex()
