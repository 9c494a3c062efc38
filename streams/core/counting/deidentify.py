"""De-identification rules: the de-identified record of an admitted event, and the effect of its revision.

Purpose: decides the content of a de-identified record, and whether a revision is new, duplicate, superseded, in
conflict, or moved to another person-year. Does not decode, open, detect or send.

Called by: `streams.stages.deidentify_outputs`, once for each admitted event: `record_of`, then `step`;
`streams.stages.deidentify` makes its parts.

Invariants:
- A revision is accepted once: an equal one with equal content is a duplicate, with other content a conflict
  (CON-020); a lower one is superseded.
- A correction that changes the token takes the event from the old token first (`moved`), then reports it under the new
  one, both with the new revision. A `moved` record has the old token's year, and nothing of the new content: it is
  sealed and erased with the old year.
- One event has `MOST_REVISIONS` accepted revisions at most. A withdrawal of what counts is always accepted: it may be
  the consent that is withdrawn.
- `through` is the offset of the last raw record that the state includes; a record at or below it changes nothing again.
- A replayed record keeps its place and leaves `through` as it is: revisions alone decide on it. One that was published
  before its event was erased (`streams.core.counting.erasure`) is superseded, whatever its revision.
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
from schemas.identifiers import PersonToken

__all__ = [
    "CONFLICT",
    "MANY_IN_YEAR",
    "MANY_REVISIONS",
    "MOST_REVISIONS",
    "NONE_YET",
    "DeidentifyStep",
    "EventHistory",
    "Rules",
    "counted_in_year",
    "dump",
    "has_room",
    "load",
    "rank",
    "record_of",
    "step",
    "year_key",
    "year_of",
]

CONFLICT: Final = "CON-020"
"""The code of an equal revision with other content."""

MANY_IN_YEAR: Final = "CON-052"
"""The code of a revision beyond those that the policy admits of one agency, kind and year."""

MANY_REVISIONS: Final = "CON-053"
"""The code of a revision beyond those that one event may have."""

MOST_REVISIONS: Final = 256
"""Revisions of one event that are accepted, and one withdrawal more."""

NONE_YET: Final = -1
"""`through` of an event of which only replayed records were accepted."""

# Fields that may differ between two reports of the same content; the digest leaves them out.
_NOT_CONTENT: Final = frozenset(
    {"event_id", "agency", "revision", "policy", "digest", "source_partition", "source_offset"}
)

_FRAME: Final = ("event_id", "agency", "revision", "policy", "digest", "source_partition", "source_offset")

Scanned = Sequence[tuple[str, tuple[redaction.Finding, ...]]]
"""The texts of a record, each with its findings."""


@dataclass(frozen=True, slots=True)
class EventHistory:
    """The state of an event.

    Args:
        revision: Its highest revision.
        token: The person token of that revision.
        digest: The digest of that revision's content.
        year: The year of that revision.
        through: Offset of the last raw record that the state includes.
        accepted: Number of its revisions that were accepted.
        withdrawn: Whether the highest revision withdraws the event.
        former: Tokens that the event left, each with its year: their person-years remember that it left.
    """

    revision: int
    token: PersonToken
    digest: str
    year: str
    through: int
    accepted: int = 1
    withdrawn: bool = False
    former: tuple[tuple[PersonToken, str], ...] = ()

    @property
    def erased(self) -> bool:
        """True if the event was erased: nothing of a person is left here."""
        return not self.token and not self.digest and self.withdrawn

    def count_in_year(self, through: int) -> "EventHistory":
        """Return the state of a year's count of accepted revisions with one more, up to the raw record `through`."""
        return altered(self, revision=self.revision + 1, through=through)


@dataclass(frozen=True, slots=True)
class DeidentifyStep:
    """The effect of one raw record: de-identified records in order, or its outcome; `code` of a conflict."""

    history: EventHistory
    records: tuple[Mapping[str, Any], ...] = ()
    outcome: str | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules for the records of one kind.

    Args:
        plan: The treatment of each field, from the privacy roles of the schemas.
        policy: The policy, for its levels of generalisation and its text rules.
        key: The dedupe party's key, 32 bytes: tokens, digests and the shifts of dates depend on it.
        models: SHA-256 of each names model by language.
        schemas: SHA-256 of the raw and the de-identified schema by stem.
        later: Keys that took the place of `key`, by the first year of events that each is for.
    """

    plan: field_mapping.Plan
    policy: Policy
    key: bytes = field(repr=False)
    models: Mapping[str, str] = field(default_factory=dict)
    schemas: Mapping[str, str] = field(default_factory=dict)
    later: Mapping[int, bytes] = field(default_factory=dict, repr=False)

    def key_of(self, year: str) -> bytes:
        """Return the key of a year of events: within a year it never changes, or a person would have two tokens."""
        first = max((first for first in self.later if first <= int(year)), default=None)
        return self.key if first is None else self.later[first]


def year_key(agency: str, kind: str, year: str, partition: int) -> str:
    """Return the state key of the count of revisions that were accepted of one agency, kind, year and raw partition."""
    # An event's key has 32 digits and no partition. Each raw partition has offsets of its own, and so its own count.
    return f"{agency}/{kind}/{year}/{partition}"


def has_room(count: EventHistory | None, record: Mapping[str, Any], offset: int, most: int, *, replayed: bool) -> bool:
    """Tell whether a year has room for one more revision that no event's state includes; a withdrawal always has.

    Args:
        count: The state of the year's count, None before the first revision.
        record: The de-identified record of the revision.
        offset: Offset of its raw record.
        most: Revisions of one raw partition that are accepted.
        replayed: Whether it comes from quarantine.
    """
    if count is None or record["state"] == "withdrawn":
        return True
    # The count is written after the states of all events that it counts: a revision before its end that no state
    # includes was refused, and is refused again when a crash makes the batch be handled again.
    return count.revision < most and (replayed or offset > count.through)


def counted_in_year(count: EventHistory | None, year: str, offset: int, *, replayed: bool) -> EventHistory:
    """Return the state of a year's count with one more accepted revision; one that it includes adds nothing."""
    before = count or EventHistory(0, PersonToken(""), "", year, NONE_YET)
    if replayed:  # its place lies before records that the count includes
        return before.count_in_year(before.through)
    return before if offset <= before.through else before.count_in_year(offset)


def record_of(
    raw: Mapping[str, Any], scanned: Scanned, rules: Rules, identifiers: Collection[str] = ()
) -> tuple[dict[str, Any], Receipt]:
    """Return the de-identified record of an admitted raw event and its receipt.

    Args:
        raw: The decoded event; its texts and names are not read.
        scanned: Its free texts with their findings.
        rules: The rules for its kind.
        identifiers: The opened values of its identifying fields, a date among them is a birth date.
    """
    key, policy = rules.key_of(raw["event_date"][:4]), rules.policy
    content = {name: rule.value(raw, policy.generalise) for name, rule in rules.plan.carried.items()}
    content["narrative"] = None
    if scanned and policy.text.narratives != "withhold":
        # All texts of a record are read together: a person who is named in two of them has one placeholder.
        own = replacement.RecordContext(
            text_dates.days_of(key, raw["event_id"]), int(raw["event_date"][:4]), identifiers
        )
        content["narrative"] = "\n".join(replacement.replaced_together(scanned, policy.text.replace, own))
    # An event without a person is its agency's own: no other agency can report under its token.
    subject = raw.get("person") or f"{raw['agency']}/{raw['event_id']}"
    content["state"] = "withdrawn" if raw["withdrawn"] else "reported"
    content["token"] = pseudonym.person_token(key, raw["event_date"][:4], subject)
    frame = {name: raw[name] for name in ("event_id", "agency", "revision")}
    digest = pseudonym.content_digest(key, _told(content, rules.plan.added))
    return {**frame, **content, "policy": policy.digest[:16], "digest": digest}, _receipt(scanned, rules)


def _told(content: Mapping[str, Any], added: Mapping[str, object]) -> dict[str, Any]:
    """Return what is digested: without the frame, and without fields of later versions that say nothing."""
    # A report that came before such a field existed has the same digest when it comes again: a duplicate, no conflict.
    silent = {name for name, default in added.items() if content[name] == default}
    return {name: value for name, value in content.items() if name not in _NOT_CONTENT and name not in silent}


def _receipt(scanned: Scanned, rules: Rules) -> Receipt:
    applied = Counter(rule.rule for rule in rules.plan.carried.values())
    applied.update({f"drop.{role}": count for role, count in rules.plan.dropped.items()})
    if scanned:
        applied[f"text.{rules.policy.text.narratives}"] = len(scanned)
    types = Counter(finding.type for _, findings in scanned for finding in redaction.united(findings))
    return Receipt(dict(applied), dict(types), Origin(rules.policy.digest, rules.models, rules.schemas))


def step(
    history: EventHistory | None, record: Mapping[str, Any], *, partition: int, offset: int, replayed: bool = False
) -> DeidentifyStep | None:
    """Return the effect of one revision of an event; None if the state includes this raw record already.

    Args:
        history: The state of the event, None for a new one.
        record: Its de-identified record, as `record_of` returns it.
        partition: Partition of the raw record.
        offset: Offset of the raw record.
        replayed: Whether it comes from quarantine, and so was left out of the state when it was first read.
    """
    before = history.through if history is not None else NONE_YET
    if not replayed and offset <= before:
        return None
    # A replayed record lies before records that the state includes: `through` must not go back to it.
    through = before if replayed else offset
    erased = history is not None and history.erased
    # What was published before its erasure, and is replayed after it, is superseded whatever its revision.
    if history is not None and (record["revision"] <= history.revision or (erased and offset <= before)):
        return _not_higher(altered(history, through=through), record)
    withdrawn, accepted = record["state"] == "withdrawn", history.accepted + 1 if history is not None else 1
    if history is not None and history.accepted >= MOST_REVISIONS and (history.withdrawn or not withdrawn):
        return DeidentifyStep(altered(history, through=through), outcome="quarantined", code=MANY_REVISIONS)
    placed = {**record, "source_partition": partition, "source_offset": offset}
    after = EventHistory(
        record["revision"], record["token"], record["digest"], year_of(record), through, accepted, withdrawn
    )
    if history is None or erased or history.token == record["token"]:
        kept = () if history is None else history.former
        return DeidentifyStep(altered(after, former=kept), (placed,))
    # Both have the new revision: from then on the state of the old token refuses earlier ones.
    frame = {name: placed[name] for name in _FRAME}
    left = {name: _nothing_like(value) for name, value in placed.items()} | frame
    moved = {**left, "token": history.token, "period": history.year, "state": "moved"}
    former = tuple(one for one in dict.fromkeys((*history.former, (history.token, history.year))))
    return DeidentifyStep(altered(after, former=former), (moved, placed))


def year_of(record: Mapping[str, Any]) -> str:
    """Return the year of a de-identified record: that of its token, and of the keys that it is sealed under."""
    return str(record["period"])[:4]


def _nothing_like(value: object) -> object:
    """Return a value of the same type that says nothing."""
    if isinstance(value, str | int):
        return "unknown" if isinstance(value, str) else 0
    return [] if isinstance(value, list | tuple) else None


def _not_higher(history: EventHistory, record: Mapping[str, Any]) -> DeidentifyStep:
    """Return the outcome of a revision that is not higher than the latest one."""
    if record["revision"] < history.revision or history.erased:
        return DeidentifyStep(history, outcome="superseded")
    if record["digest"] == history.digest:
        return DeidentifyStep(history, outcome="duplicate")
    return DeidentifyStep(history, outcome="quarantined", code=CONFLICT)


def dump(history: EventHistory) -> bytes:
    """Write the state of an event without `through`, which the state table keeps before every value."""
    state = [history.revision, history.token, history.digest, history.year, history.accepted, int(history.withdrawn)]
    return json.dumps([*state, *([history.former] if history.former else [])], separators=(",", ":")).encode()


def load(through: int, value: bytes) -> EventHistory:
    """Read a value that `dump` wrote."""
    revision, token, digest, year, accepted, withdrawn, *more = json.loads(value)
    former = tuple((PersonToken(left), of_year) for left, of_year in (more[0] if more else ()))
    return EventHistory(revision, token, digest, year, through, accepted, bool(withdrawn), former)


def rank(through: int, revision: int) -> int:
    """Return a number that ranks two values of one event: by `through`, then by revision.

    Of two values that include the same raw records, the one with the higher revision also includes a replayed record.
    """
    return (through << 64) + revision
