"""The text forms of a transparency log: checkpoints, signed notes and verifier keys.

Decides which bytes a signature covers and how a note, its signature line and a public key are spelt. Does not sign or
check signatures: keys stay with the caller. Every form has exactly one spelling: parsing refuses what formatting would
not have written, so that no byte of a note can change unnoticed.

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
    """What a signature covers: the log's name, its size in entries, and its root hash."""

    origin: str
    size: int
    root: bytes


def checkpoint_text(checkpoint: Checkpoint) -> str:
    """Spell a checkpoint: origin, size, root in base64, a line each (C2SP tlog-checkpoint)."""
    return f"{checkpoint.origin}\n{checkpoint.size}\n{_base64(checkpoint.root)}\n"


def checkpoint_of(text: str) -> Checkpoint:
    """Read a checkpoint's three lines.

    Raises:
        IntegrityError: INT-112, for anything `checkpoint_text` would not have written.
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
    """Return the four bytes that tell an Ed25519 key in a signature line (C2SP signed-note)."""
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + public).digest()[:4]


def verifier_key(name: str, public: bytes) -> str:
    """Spell a public key the way signed-note tools take it: name, key id, type and key."""
    return f"{name}+{key_id(name, public).hex()}+{_base64(_ED25519 + public)}"


def key_of(spelt: str, *, name: str) -> bytes:
    """Read the Ed25519 key of a verifier key of this name; empty where it is none."""
    _, _, encoded = spelt.rpartition("+" + spelt.removeprefix(f"{name}+")[:8] + "+")
    try:
        public = base64.b64decode(encoded, validate=True)[1:]
    except (ValueError, binascii.Error):
        return b""
    return public if verifier_key(name, public) == spelt else b""


def note(text: str, *, name: str, public: bytes, signature: bytes) -> str:
    """Join a text (it ends in a newline) and its Ed25519 signature into a signed note."""
    return f"{text}\n{_MARK}{name} {_base64(key_id(name, public) + signature)}\n"


def signature_of(signed: str, *, name: str, public: bytes) -> tuple[str, bytes]:
    """Take a signed note apart into its text and its one signature, which the caller MUST check against the text.

    Raises:
        IntegrityError: INT-113, for another form, another name or another key.
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
