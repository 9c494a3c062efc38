"""The entries of the transparency log: one decision each, in canonical JSON, without personal data.

Purpose: the fields of an entry, and the bytes that are hashed. The writer of a decision keeps values of persons and
exact counts of persons out of `details`.

Called by: `streams.transparency.log_storage` (`canonical`) and `log_verification` (`parse`); `streams.release` and
`connectors.adapters.release_bus`, which make a `Decision`; `connectors.console.trusted_log` and `amana.audit_log`,
which show one.

Invariants:
- Canonical JSON: UTF-8, keys sorted, no spaces, no newline inside; integers, strings, nulls and one map of strings.
- `seq` is the entry's index, and `checkpoint` the number of the checkpoint that first covered it, so that an entry
  names its own place, and a removed checkpoint is noticed.
- `source` is the position (`topic/partition/offset`) of the record from which the entry was made, None for a decision
  of the log's keeper itself. A position enters the log once.

Source: RFC 8785 for the canonical form, of which these entries use a subset.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from schemas.errors import IntegrityError

__all__ = ["ACTIONS", "Decision", "canonical", "parse", "release_identity"]

ACTIONS = ("started", "batch", "release", "refusal", "calendar", "keys", "policy", "erasure", "budget", "restore")
"""What was decided. The last two are made by the log's keeper alone and never lie on a topic."""

_FIELDS = frozenset({
    "seq", "checkpoint", "at", "source",
    "action", "actor", "policy", "code", "topic", "partition", "first_offset", "last_offset", "details",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision: the fields of `audit.avsc`, the hour of recording (`YYYY-MM-DDTHH`), and the source position."""

    action: str
    actor: str
    policy: str
    code: str
    topic: str | None = None
    partition: int | None = None
    first_offset: int | None = None
    last_offset: int | None = None
    details: Mapping[str, str] = field(default_factory=dict)
    at: str = ""
    source: str | None = None


def canonical(decision: Decision, *, seq: int, checkpoint: int) -> bytes:
    """Return the bytes of an entry, without a newline."""
    entry = {name: getattr(decision, name) for name in Decision.__slots__}
    entry |= {"details": dict(decision.details), "seq": seq, "checkpoint": checkpoint}
    return _spell(entry)


def parse(line: bytes) -> tuple[Decision, int, int]:
    """Read an entry: its decision, its index and the number of its checkpoint.

    Raises:
        IntegrityError: INT-114, `canonical` would not have written this line.
    """
    try:
        entry = json.loads(line)
        # Spelt again and compared: two spellings of one entry would have two hashes.
        if not isinstance(entry, dict) or entry.keys() != _FIELDS or _spell(entry) != line:
            raise IntegrityError("INT-114", "an entry is not in canonical form")
    except (ValueError, RecursionError) as error:
        raise IntegrityError("INT-114", "an entry is not in canonical form") from error
    seq, checkpoint = entry.pop("seq"), entry.pop("checkpoint")
    if entry["action"] not in ACTIONS or not isinstance(entry["details"], dict):
        raise IntegrityError("INT-114", "an entry is no decision record")
    return Decision(**entry), seq, checkpoint


def release_identity(entry: Decision) -> str:
    """Return the release that a decision is about, as `release|withheld table`; empty for other decisions.

    A record that came from a topic is about no release: only the log's keeper enters releases.
    """
    release = entry.details.get("release", "") if entry.source is None else ""
    return f"{release}|{entry.details.get('table', '')}" if release else ""


def _spell(entry: Mapping[str, object]) -> bytes:
    return json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
