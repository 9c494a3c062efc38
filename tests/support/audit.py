"""Hand-made transparency logs."""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from streams.transparency.decision import Decision
from streams.transparency.log_storage import AuditStorage

PRIVATE = bytes(range(32))
PUBLIC = Ed25519PrivateKey.from_private_bytes(PRIVATE).public_key().public_bytes_raw()
FILES = ("entries.jsonl", "leaves", "checkpoints", "audit.pub")


def a_batch(offset: int) -> Decision:
    """Return the decision record of one de-identified batch, from this position of the audit topic."""
    return Decision(
        "batch", "deidentify", "policy", "code", topic="raw.police-jor.case", partition=0,
        first_offset=offset * 10, last_offset=offset * 10 + 9, details={"rules": "≤10"}, source=f"audit/0/{offset}",
    )  # fmt: skip


def a_log(directory: Path, *, batches: int = 4, each: int = 3) -> Path:
    """Write a log of `batches` checkpoints over `each` entries."""
    log = AuditStorage.open(directory, PRIVATE)
    for batch in range(batches):
        log.append([a_batch(batch * each + place) for place in range(each)])
    log.close()
    return directory
