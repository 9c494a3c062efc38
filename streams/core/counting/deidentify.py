"""From an admitted raw event and what was found in its texts to de-identified records.

Decides what a de-identified record holds and what becomes of a revision: new, duplicate, superseded, in conflict, or
moved to another person-year. Does not decode, open, detect or send.

- A revision is accepted once: an equal one with equal content is a duplicate, with other content a conflict
  (CON-020); a lower one is superseded.
- A correction that changes the token takes the event from the old token first (`moved`), then reports it under the new
  one, both with the new revision.
- `through` is the offset of the last raw record that the state includes; what lies at or below it was handled before.
- A record that comes again from quarantine keeps its place and leaves `through` alone: revisions alone decide on it.
"""

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from dataclasses import replace as altered
from typing import Any, Final

from anonymizer.microdata import field_mapping, pseudonym, redaction, replacement, text_dates
from anonymizer.microdata.receipt import Origin, Receipt
from anonymizer.policy import Policy

__all__ = [
    "CONFLICT",
    "NONE_YET",
    "DeidentifyStep",
    "EventHistory",
    "Rules",
    "dump",
    "includes",
    "load",
    "record_of",
    "step",
]

CONFLICT: Final = "CON-020"
NONE_YET: Final = -1
"""`through` of an event that was accepted from quarantine alone."""

_NOT_CONTENT: Final = frozenset(
    {"event_id", "agency", "revision", "policy", "digest", "source_partition", "source_offset"}
)

Scanned = Sequence[tuple[str, tuple[redaction.Finding, ...]]]
"""The texts of a record, each with what was found in it."""


@dataclass(frozen=True, slots=True)
class EventHistory:
    """What is remembered of an event: its highest revision, that one's token and digest, and `through`."""

    revision: int
    token: str
    digest: str
    through: int


@dataclass(frozen=True, slots=True)
class DeidentifyStep:
    """What one raw record comes to: records in order, or the outcome that ends it here; `code` of a conflict."""

    seen: EventHistory
    records: tuple[Mapping[str, Any], ...] = ()
    outcome: str | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """What the records of one kind are made by.

    Args:
        plan: What the roles of the kind ask for.
        policy: Whose levels and text rules hold.
        key: The dedupe party's key, 32 bytes: tokens, digests and the days by which dates are shifted hang on it.
        models: SHA-256 of each names model by language.
        schemas: SHA-256 of the raw and the de-identified schema by stem.
    """

    plan: field_mapping.Plan
    policy: Policy
    key: bytes = field(repr=False)
    models: Mapping[str, str] = field(default_factory=dict)
    schemas: Mapping[str, str] = field(default_factory=dict)


def record_of(
    raw: Mapping[str, Any], scanned: Scanned, rules: Rules, known: Collection[str] = ()
) -> tuple[dict[str, Any], Receipt]:
    """Return the de-identified record of an admitted raw event and its receipt.

    Args:
        raw: The decoded event; its sealed fields are not looked at.
        scanned: Its free texts with their findings.
        rules: What the records of its kind are made by.
        known: The opened values of its identifying fields; none of them is carried.
    """
    key, policy = rules.key, rules.policy
    content = {name: rule.value(raw, policy.generalise) for name, rule in rules.plan.carried.items()}
    content["narrative"] = _narrative(raw, scanned, rules, known)
    content["state"] = "withdrawn" if raw["withdrawn"] else "reported"
    content["token"] = pseudonym.person_token(key, raw["event_date"][:4], raw.get("person") or raw["event_id"])
    frame = {name: raw[name] for name in ("event_id", "agency", "revision")}
    digest = pseudonym.content_digest(key, {k: v for k, v in content.items() if k not in _NOT_CONTENT})
    return {**frame, **content, "policy": policy.digest[:16], "digest": digest}, _receipt(scanned, rules)


def _narrative(raw: Mapping[str, Any], scanned: Scanned, rules: Rules, known: Collection[str]) -> str | None:
    """Return the texts of a record with their findings replaced, None where the policy withholds them."""
    if not scanned or rules.policy.text.narratives == "withhold":
        return None
    own = replacement.RecordContext(text_dates.days_of(rules.key, raw["event_id"]), int(raw["event_date"][:4]), known)
    return "\n".join(replacement.replaced_together(scanned, rules.policy.text.replace, own))


def _receipt(scanned: Scanned, by: Rules) -> Receipt:
    rules = Counter(rule.rule for rule in by.plan.carried.values())
    rules.update({f"drop.{role}": count for role, count in by.plan.dropped.items()})
    if scanned:
        rules[f"text.{by.policy.text.narratives}"] = len(scanned)
    types = Counter(finding.type for _, findings in scanned for finding in redaction.united(findings))
    return Receipt(dict(rules), dict(types), Origin(by.policy.digest, by.models, by.schemas))


def step(
    seen: EventHistory | None, record: Mapping[str, Any], *, partition: int, offset: int, again: bool = False
) -> DeidentifyStep | None:
    """Decide on one revision of an event; None where the state includes this raw record already.

    Args:
        seen: What is remembered of the event, None for a new one.
        record: As `record_of` made it.
        partition: Partition of the raw record.
        offset: Its offset.
        again: Whether it comes from quarantine, where it was left out of the state.
    """
    known = seen.through if seen is not None else NONE_YET
    if not again and offset <= known:
        return None
    through = known if again else offset
    if seen is not None and record["revision"] <= seen.revision:
        return _old(altered(seen, through=through), record)
    placed = {**record, "source_partition": partition, "source_offset": offset}
    now = EventHistory(record["revision"], record["token"], record["digest"], through)
    if seen is None or seen.token == record["token"]:
        return DeidentifyStep(now, (placed,))
    return DeidentifyStep(now, ({**placed, "token": seen.token, "state": "moved", "narrative": None}, placed))


def _old(seen: EventHistory, record: Mapping[str, Any]) -> DeidentifyStep:
    if record["revision"] < seen.revision:
        return DeidentifyStep(seen, outcome="superseded")
    if record["digest"] == seen.digest:
        return DeidentifyStep(seen, outcome="duplicate")
    return DeidentifyStep(seen, outcome="quarantined", code=CONFLICT)


def dump(seen: EventHistory) -> bytes:
    """Write what is remembered, `through` aside: the state keeps that before every value."""
    return json.dumps([seen.revision, seen.token, seen.digest]).encode()


def includes(through: int, value: bytes) -> int:
    """Rank two values of one event by what they include: raw records first, then what came from quarantine."""
    return (through << 64) + load(through, value).revision


def load(through: int, value: bytes) -> EventHistory:
    """Read what `dump` wrote."""
    revision, token, digest = json.loads(value)
    return EventHistory(revision, token, digest, through)
