"""The entries of the transparency log: one decision each, in one canonical spelling, without personal data.

Decides which fields an entry has and the bytes that are hashed. Does not decide what may stand in `details`: whoever
writes a decision record keeps values of persons and exact counts of persons out of it.

- Canonical JSON: UTF-8, keys sorted, no spaces, no newline inside; integers, strings, nulls and one map of strings.
- `seq` is the entry's index and `checkpoint` the number of the checkpoint that first covered it, so that an entry says
  where it stands and a removed checkpoint is missed.
- `source` is the position (`topic/partition/offset`) of the record the entry was taken from, None where the keeper of
  the log decided itself; a position enters the log once.

Source: RFC 8785 for the canonical form, of which these entries use a subset.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from schemas.errors import IntegrityError

__all__ = ["ACTIONS", "Decision", "canonical", "parse"]

ACTIONS = ("started", "batch", "release", "refusal", "calendar")
_FIELDS = frozenset({
    "seq", "checkpoint", "at", "source",
    "action", "actor", "policy", "code", "topic", "partition", "first_offset", "last_offset", "details",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision: the fields of `audit.avsc`, the hour it was recorded (`YYYY-MM-DDTHH`) and where it came from."""

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
    """Spell an entry, without its newline."""
    entry = {name: getattr(decision, name) for name in Decision.__slots__}
    entry |= {"details": dict(decision.details), "seq": seq, "checkpoint": checkpoint}
    return _spell(entry)


def parse(line: bytes) -> tuple[Decision, int, int]:
    """Read an entry back: the decision, its index and the number of its checkpoint.

    Raises:
        IntegrityError: INT-114, for anything `canonical` would not have written.
    """
    try:
        entry = json.loads(line)
        if not isinstance(entry, dict) or entry.keys() != _FIELDS or _spell(entry) != line:
            raise IntegrityError("INT-114", "an entry is not in canonical form")
    except (ValueError, RecursionError) as error:
        raise IntegrityError("INT-114", "an entry is not in canonical form") from error
    seq, checkpoint = entry.pop("seq"), entry.pop("checkpoint")
    if entry["action"] not in ACTIONS or not isinstance(entry["details"], dict):
        raise IntegrityError("INT-114", "an entry is no decision record")
    return Decision(**entry), seq, checkpoint


def _spell(entry: Mapping[str, object]) -> bytes:
    return json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
