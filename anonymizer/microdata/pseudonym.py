"""Person tokens and content digests: keyed, so that they say nothing without the key.

Decides how a token and a digest are made. Does not hold, read or make keys: they are passed in.
Source: RFC 2104 (HMAC), FIPS 180-4 (SHA-256).
"""

import hashlib
import hmac
import json
from collections.abc import Mapping

__all__ = ["content_digest", "person_token"]

_LENGTH = 16


def person_token(key: bytes, year: str, subject: str) -> str:
    """Return the token of a person (or of an event that has none) for one year: 32 hex digits."""
    return _keyed(key, f"{year}|{subject}")


def content_digest(key: bytes, content: Mapping[str, object]) -> str:
    """Return the keyed digest of a de-identified record's content: 32 hex digits, whatever the order of its fields."""
    canonical = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return _keyed(key, f"digest|{canonical}")


def _keyed(key: bytes, message: str) -> str:
    return hmac.new(key, message.encode(), hashlib.sha256).digest()[:_LENGTH].hex()
