"""Checkpoints, signed notes and verifier keys of the transparency log, in their text forms.

Purpose: the bytes that a signature covers, and the spelling of a note, its signature line and a public key. Does not
sign or check signatures: the callers hold the keys.

Called by: `streams.transparency.log_storage`, `log_files` and `log_verification`; `connectors.console.trusted_log`.

Invariants:
- Every form has exactly one spelling: parsing refuses whatever formatting would not have written, so that no byte of a
  note can change unnoticed.

Source: C2SP tlog-checkpoint and signed-note, https://c2sp.org.
"""

import base64
import binascii
import hashlib
from dataclasses import dataclass

from schemas.errors import IntegrityError

__all__ = [
    "Checkpoint",
    "checkpoint_of",
    "checkpoint_text",
    "key_id",
    "key_of",
    "note",
    "signature_of",
    "verifier_key",
]

_HASH_BYTES = 32
_ED25519 = b"\x01"  # signature type of C2SP signed-note
_MARK = "— "  # every signature line of a signed note begins with an em dash and a space


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The signed head of a log: its name (origin), its size in entries, and its root hash."""

    origin: str
    size: int
    root: bytes


def checkpoint_text(checkpoint: Checkpoint) -> str:
    """Return the text of a checkpoint: origin, size and root in base64, one line each (C2SP tlog-checkpoint)."""
    return f"{checkpoint.origin}\n{checkpoint.size}\n{_base64(checkpoint.root)}\n"


def checkpoint_of(text: str) -> Checkpoint:
    """Read the three lines of a checkpoint.

    Raises:
        IntegrityError: INT-112, `checkpoint_text` would not have written this text.
    """
    try:
        origin, size, digest, rest = text.split("\n")
        checkpoint = Checkpoint(origin, int(size), base64.b64decode(digest, validate=True))
    except (ValueError, binascii.Error) as error:
        raise IntegrityError("INT-112", "a checkpoint has another form") from error
    if rest or len(checkpoint.root) != _HASH_BYTES or not origin or checkpoint_text(checkpoint) != text:
        raise IntegrityError("INT-112", "a checkpoint has another form")
    return checkpoint


def key_id(name: str, public: bytes) -> bytes:
    """Return the four bytes that name an Ed25519 key in a signature line (C2SP signed-note)."""
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + public).digest()[:4]


def verifier_key(name: str, public: bytes) -> str:
    """Return a public key in the form that signed-note tools read: name, key id, type and key."""
    return f"{name}+{key_id(name, public).hex()}+{_base64(_ED25519 + public)}"


def key_of(spelt: str, *, name: str) -> bytes:
    """Return the Ed25519 key in a verifier key of this name; empty if the text is none."""
    # The name may contain a plus sign, and so may base64: the key id between the two is found first.
    _, _, encoded = spelt.rpartition("+" + spelt.removeprefix(f"{name}+")[:8] + "+")
    try:
        public = base64.b64decode(encoded, validate=True)[1:]
    except (ValueError, binascii.Error):
        return b""
    return public if verifier_key(name, public) == spelt else b""


def note(text: str, *, name: str, public: bytes, signature: bytes) -> str:
    """Return the signed note of a text, which ends in a newline, and its Ed25519 signature."""
    return f"{text}\n{_MARK}{name} {_base64(key_id(name, public) + signature)}\n"


def signature_of(signed: str, *, name: str, public: bytes) -> tuple[str, bytes]:
    """Return the text of a signed note and its one signature, which the caller MUST check against the text.

    Raises:
        IntegrityError: INT-113, the note has another form, name or key.
    """
    try:
        text, line = signed.split("\n\n")
        raw = base64.b64decode(line.removeprefix(f"{_MARK}{name} ").removesuffix("\n"), validate=True)
    except (ValueError, binascii.Error) as error:
        raise IntegrityError("INT-113", "a signed note has another form, name or key") from error
    text, signature = text + "\n", raw[4:]
    if note(text, name=name, public=public, signature=signature) != signed:
        raise IntegrityError("INT-113", "a signed note has another form, name or key")
    return text, signature


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
