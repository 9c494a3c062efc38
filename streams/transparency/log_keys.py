"""The keys of the transparency log one after another: an entry hands the log on from one key to the next.

Purpose: a log outlives its key. The entry that names the next key is covered by a checkpoint of the key before it, and
by every later one: whoever trusts one of the keys can follow the log to the others.
Called by: `log_storage`, which hands a log on; `log_verification` and `connectors.console.trusted_log` follow it.

Invariants:
- Only an entry of the log's keeper hands the log on: what lies on the topic `audit` says nothing about keys.
- What is read here is not verified: `log_verification` checks every checkpoint with the key that is due.
"""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from schemas.errors import IntegrityError
from schemas.signing import is_weak
from streams.transparency import decision
from streams.transparency.decision import Decision

__all__ = ["NAME", "Handover", "details_of", "handover_of", "handovers", "keys_of"]

NAME: Final = "key of the audit log"
"""The secret that the entry names."""

_FIELDS: Final = ("before", "public")


class Handover(NamedTuple):
    """An entry that hands the log on: its number in the log, and both public keys."""

    number: int
    before: bytes
    after: bytes


def details_of(before: bytes, after: bytes) -> dict[str, str]:
    """Return the details of the entry that hands a log on from one public key to another."""
    return {"act": "rotate", "secret": NAME, "before": before.hex(), "public": after.hex()}


def handover_of(entry: Decision, number: int) -> Handover | None:
    """Return what an entry hands on, None if it is another entry."""
    if entry.source is not None or entry.action != "keys" or entry.details.get("act") != "rotate":
        return None
    if entry.details.get("secret") != NAME:
        return None
    with suppress(KeyError, ValueError):
        before, after = (bytes.fromhex(entry.details[name]) for name in _FIELDS)
        if not is_weak(after):
            return Handover(number, before, after)
    return None


def handovers(entries: Path) -> tuple[Handover, ...]:
    """Return every handover of a log, in order; entries that cannot be read are passed over."""
    found = []
    with entries.open("rb") as lines:
        for number, line in enumerate(lines):
            # Few entries are about keys: the others are not parsed a second time.
            if NAME.encode() not in line:
                continue
            with suppress(IntegrityError):
                entry, *_ = decision.parse(line.removesuffix(b"\n"))
                if handover := handover_of(entry, number):
                    found.append(handover)
    return tuple(found)


def keys_of(found: Sequence[Handover], otherwise: bytes) -> tuple[bytes, ...]:
    """Return the keys of a log in order; `otherwise` of a log that was never handed on."""
    return (found[0].before, *(one.after for one in found)) if found else (otherwise,)
