"""The files of the transparency log: names, layout, and the reading of checkpoints.

Called by: `streams.transparency.log_storage`, which writes the files, `log_verification`, which checks them whole, and
`connectors.console.trusted_log`.

Layout:
- `entries.jsonl`: one canonical decision a line.
- `leaves`: 32 bytes for each entry, its leaf hash.
- `checkpoints`: every signed checkpoint as a block of six lines: origin, size, root, empty, signature, empty.
- `audit.pub`: the log's verifier key (C2SP signed-note), one line.

Invariants:
- A checkpoint is believed only after its form, its signature and its origin were checked (`checked`).
- The last block of the checkpoint file may be incomplete; whoever reads the blocks decides what that means.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from schemas.errors import IntegrityError
from schemas.signing import is_weak
from streams.transparency import checkpoint
from streams.transparency.checkpoint import Checkpoint

__all__ = ["LEAF_BYTES", "ORIGIN", "AuditFiles", "block_of", "blocks", "checked"]

ORIGIN = "amana/audit"
LEAF_BYTES = 32
BLOCK_LINES = 6


@dataclass(frozen=True, slots=True)
class AuditFiles:
    """The paths of the four files of a log."""

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

    @property
    def all(self) -> tuple[Path, ...]:
        """Return the paths of all four files."""
        return self.entries, self.leaves, self.checkpoints, self.key


def block_of(note: str) -> bytes:
    """Return a signed checkpoint as a block of the file."""
    return note.encode() + b"\n"


def blocks(raw: bytes) -> Iterator[bytes]:
    """Yield the blocks of six lines of the checkpoint file; the last may be incomplete."""
    lines = BytesIO(raw).readlines()  # unlike splitlines, cuts at b"\n" alone
    for start in range(0, len(lines), BLOCK_LINES):
        yield b"".join(lines[start : start + BLOCK_LINES])


def checked(block: bytes, public: bytes, *, origin: str = ORIGIN) -> Checkpoint:
    """Return the checkpoint of one block, its signature checked.

    Raises:
        IntegrityError: INT-112 or INT-113, its form is wrong; INT-115, its signature or origin is.
    """
    try:
        signed = block.decode()
    except UnicodeDecodeError as error:
        raise IntegrityError("INT-113", "a signed note has another form, name or key") from error
    text, signature = checkpoint.signature_of(signed.removesuffix("\n"), name=origin, public=public)
    point = checkpoint.checkpoint_of(text)
    if is_weak(public):
        raise IntegrityError("INT-115", "everybody can sign for the log's key: it has small order, or no form")
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, text.encode())
    except InvalidSignature as error:
        raise IntegrityError("INT-115", "a checkpoint's signature is not of the log's key") from error
    if point.origin != origin:
        raise IntegrityError("INT-115", "a checkpoint is of another log")
    return point
