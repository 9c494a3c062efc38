"""The files of the transparency log, and how they are read.

Decides names and layout; does not decide whether what stands there is right (`audit_verify`) nor write any of it
(`audit_storage`).

- `entries.jsonl`: one canonical decision a line.
- `leaves`: 32 bytes per entry, its leaf hash.
- `checkpoints`: every signed checkpoint as a block of six lines: origin, size, root, empty, signature, empty.
- `audit.pub`: the log's verifier key (C2SP signed-note), one line.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from schemas.errors import IntegrityError
from streams.transparency import checkpoint
from streams.transparency.checkpoint import Checkpoint

__all__ = ["LEAF_BYTES", "ORIGIN", "AuditFiles", "block_of", "blocks", "checked"]

ORIGIN = "amana/audit"
LEAF_BYTES = 32
_BLOCK_LINES = 6


@dataclass(frozen=True, slots=True)
class AuditFiles:
    """Where the four files of a log lie."""

    directory: Path

    @property
    def entries(self) -> Path:
        """Return the path of the entries."""
        return self.directory / "entries.jsonl"

    @property
    def leaves(self) -> Path:
        """Return the path of the leaf hashes."""
        return self.directory / "leaves"

    @property
    def checkpoints(self) -> Path:
        """Return the path of the checkpoints."""
        return self.directory / "checkpoints"

    @property
    def key(self) -> Path:
        """Return the path of the verifier key."""
        return self.directory / "audit.pub"


def block_of(note: str) -> bytes:
    """Return a signed checkpoint as it stands in the file."""
    return note.encode() + b"\n"


def blocks(raw: bytes) -> Iterator[bytes]:
    """Cut the checkpoint file into blocks of six lines; the last may be incomplete."""
    lines = BytesIO(raw).readlines()  # unlike splitlines, cuts at b"\n" alone
    for start in range(0, len(lines), _BLOCK_LINES):
        yield b"".join(lines[start : start + _BLOCK_LINES])


def checked(block: bytes, public: bytes, *, origin: str = ORIGIN) -> Checkpoint:
    """Read one block and check its signature.

    Raises:
        IntegrityError: INT-112 or INT-113 for its form, INT-115 for its signature or origin.
    """
    try:
        signed = block.decode()
    except UnicodeDecodeError as error:
        raise IntegrityError("INT-113", "a signed note has another form, name or key") from error
    text, signature = checkpoint.signature_of(signed.removesuffix("\n"), name=origin, public=public)
    found = checkpoint.checkpoint_of(text)
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, text.encode())
    except InvalidSignature as error:
        raise IntegrityError("INT-115", "a checkpoint's signature is not of the log's key") from error
    if found.origin != origin:
        raise IntegrityError("INT-115", "a checkpoint is of another log")
    return found
