"""Access rules of the broker as data: the operations of every principal on topics, groups and transactional ids.

Purpose: the one list from which ACLs are made and checked; an operation that no rule allows is denied. `amana.site`
makes the passwords of the principals. A test asks the real broker about every pair of principal and topic.

Called by: `amana.provisioning.cluster_setup` (applies and compares the rules) and `amana.provisioning.inspection`;
`streams.broker.quotas`, `amana.site`, `amana.local`, the commands and `amana.demo`,
`amana.composition.quarantine_access`, `amana.trend_feed` and `connectors.operations.quarantine_entries` for the names
of principals and workers.

Invariants:
- An agency writes its own raw topics, and reads its own quarantine, its own notices and releases. It has one consumer
  group, as the analysts do. No stage that sees other agencies' events writes what it reads, but for releases.
- An analyst reads releases, and nothing else.
- A worker has what its stage needs, and no more. A writer of a topic may use an idempotent producer (KIP-679).
- The transactional id of the release process belongs to it alone: whoever holds it shuts every earlier holder out.
- A prefix ends in a dot wherever a longer name could begin with a shorter one (`raw.a.` is not `raw.ab.`).

Source: KIP-290 for prefixed rules; KIP-98 for transactional ids; Kafka's rule that READ or WRITE on a resource implies
DESCRIBE.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from schemas.record_seal import AGENCY, EVIDENCE, REFUSED

__all__ = [
    "ADMIN",
    "ANALYSTS",
    "OFFICER",
    "OPERATOR",
    "RELEASE_FENCE",
    "WORKERS",
    "YEARS",
    "AclRule",
    "Operation",
    "acl_rules",
    "agency_principal",
    "allows",
    "principals",
    "scopes_of",
]

Operation = Literal["READ", "WRITE", "DESCRIBE"]
Resource = Literal["TOPIC", "GROUP", "TRANSACTIONAL_ID"]

ADMIN: Final = "admin"
"""The super user: needs no rule; makes topics, users and rules."""
ANALYSTS: Final = "analysts"
OFFICER: Final = "officer"
OPERATOR: Final = "operator"
"""Reads progress, exact counts and quarantine, replays refused records, and moves the calendar."""

RELEASE_FENCE: Final = "worker.release"
"""Transactional id of the release process: the broker lets its last holder alone send releases (KIP-98)."""

WORKERS: Final = ("deidentify", "dedupe", "aggregate", "release")
"""The stages in the order of the flow; the name is also that of the consumer group."""


YEARS: Final = "years"
"""Stands for every year of events among the scopes of the hub's records; `AGENCY` alone for every agency."""

_SCOPES: Final[Mapping[str, frozenset[str]]] = {
    "worker.deidentify": frozenset({YEARS, EVIDENCE, AGENCY, REFUSED}),
    "worker.dedupe": frozenset({YEARS, EVIDENCE}),
    "worker.aggregate": frozenset({YEARS}),
    "worker.release": frozenset({YEARS}),
    OPERATOR: frozenset({YEARS, EVIDENCE, AGENCY}),
    OFFICER: frozenset({EVIDENCE, AGENCY}),
}


@dataclass(frozen=True, slots=True)
class AclRule:
    """`principal` may do `operations` on every `resource` whose name is `name`, or begins with it if `prefixed`."""

    principal: str
    operations: tuple[Operation, ...]
    resource: Resource
    name: str
    prefixed: bool = False

    def covers(self, resource: Resource, name: str) -> bool:
        """Return whether the rule is about this resource."""
        return resource == self.resource and (name.startswith(self.name) if self.prefixed else name == self.name)


def agency_principal(agency: str) -> str:
    """Return the principal of an agency."""
    return f"agency.{agency}"


def principals(agencies: Iterable[str]) -> tuple[str, ...]:
    """Return every principal of a site, the super user first."""
    people = (ANALYSTS, OFFICER, OPERATOR)
    return (ADMIN, *map(agency_principal, agencies), *(f"worker.{name}" for name in WORKERS), *people)


def scopes_of(principal: str) -> frozenset[str]:
    """Return the scopes of the hub's records (`schemas.record_seal`) whose keys a principal's party may have."""
    # `agency.<id>` is the name of an agency's principal and of its scope.
    own = frozenset({principal}) if principal.startswith(AGENCY) else frozenset()
    return own | _SCOPES.get(principal, frozenset())


def allows(rules: Iterable[AclRule], principal: str, operation: Operation, resource: Resource, name: str) -> bool:
    """Return the answer that the broker must give: denied by default, and READ or WRITE implies DESCRIBE."""
    if principal == ADMIN:
        return True
    granted = {
        op for rule in rules if rule.principal == principal and rule.covers(resource, name) for op in rule.operations
    }
    return operation in granted or (operation == "DESCRIBE" and bool(granted))


def acl_rules(agencies: Iterable[str]) -> tuple[AclRule, ...]:
    """Return every rule of a site with these agencies."""
    rules: list[AclRule] = []
    for agency in agencies:
        principal = agency_principal(agency)
        rules += [
            # The final dot is part of the prefix: without it `raw.a` would also give away the topics of `raw.ab`.
            AclRule(principal, ("WRITE", "DESCRIBE"), "TOPIC", f"raw.{agency}.", prefixed=True),
            AclRule(principal, ("READ",), "TOPIC", f"quarantine.{agency}"),
            AclRule(principal, ("READ",), "TOPIC", f"notices.{agency}"),
            # Releases are for everybody: by them an agency finds out in which its events were considered.
            AclRule(principal, ("READ",), "TOPIC", "trend.", prefixed=True),
            # One group: with a prefix an agency could make as many as it likes, and the broker keeps each for years.
            AclRule(principal, ("READ",), "GROUP", principal),
        ]
    return (*rules, *_WORKERS, *_PEOPLE)


def _on(principal: str, operations: tuple[Operation, ...], *names: str) -> tuple[AclRule, ...]:
    """Return one topic rule for each name; a name that ends in `.` is a prefix."""
    return tuple(AclRule(principal, operations, "TOPIC", name, prefixed=name.endswith(".")) for name in names)


def _group(principal: str, prefix: str, operations: tuple[Operation, ...] = ("READ",)) -> AclRule:
    return AclRule(principal, operations, "GROUP", prefix, prefixed=True)


_READ: Final[tuple[Operation, ...]] = ("READ",)
_WRITE: Final[tuple[Operation, ...]] = ("WRITE",)
_BOTH: Final[tuple[Operation, ...]] = ("READ", "WRITE")
_SEE: Final[tuple[Operation, ...]] = ("DESCRIBE",)

_WORKERS: Final = (
    *_on("worker.deidentify", _READ, "raw.", "replay"),
    *_on("worker.deidentify", _WRITE, "deidentified.", "outcomes", "quarantine.", "notices."),
    *_on("worker.deidentify", _WRITE, "late", "audit", "erasures"),
    *_on("worker.deidentify", _BOTH, "state.deidentify"),
    _group("worker.deidentify", "deidentify"),
    *_on("worker.dedupe", _READ, "deidentified."),
    *_on("worker.dedupe", _WRITE, "deltas", "outcomes", "refusals", "audit"),
    *_on("worker.dedupe", _BOTH, "state.dedupe"),
    _group("worker.dedupe", "dedupe"),
    *_on("worker.aggregate", _READ, "deltas"),
    *_on("worker.aggregate", _BOTH, "cells"),
    _group("worker.aggregate", "aggregate"),
    *_on("worker.release", _READ, "cells", "calendar", "audit"),
    *_on("worker.release", _WRITE, "audit"),
    # It reads what it sent: what is out is compared with its ledger and with the audit log at every start.
    *_on("worker.release", _BOTH, "trend.", "ledger"),
    AclRule("worker.release", _WRITE, "TRANSACTIONAL_ID", RELEASE_FENCE),
    # It releases only while no stage has a lag: lags need DESCRIBE alone, and it reads none of these topics.
    *_on("worker.release", _SEE, "raw.", "replay", "deidentified.", "deltas", "outcomes"),
    *(_group("worker.release", name, _SEE) for name in WORKERS[:-1]),
    _group("worker.release", "release"),
)

_PEOPLE: Final = (
    *_on("analysts", _READ, "trend."),
    AclRule("analysts", ("READ",), "GROUP", "analysts"),
    *_on("officer", _READ, "audit", "ledger", "quarantine.", "refusals", "late", "trend.", "outcomes"),
    # An officer reconciles offsets and lags, which need DESCRIBE alone.
    *_on("officer", _SEE, "raw.", "replay", "deidentified.", "deltas"),
    *(_group("officer", name, _SEE) for name in WORKERS),
    _group("officer", "officer-"),
    *_on("operator", _READ, "cells", "outcomes", "deidentified.", "deltas", "trend.", "audit", "late", "ledger"),
    *_on("operator", _READ, "quarantine.", "refusals", "erasures"),
    # Raw records are counted, never read: offsets need DESCRIBE alone.
    *_on("operator", _SEE, "raw."),
    # A replay sends the refused bytes again, and a tombstone drops them from quarantine; both enter the audit log.
    *_on("operator", _SEE, "replay"),
    *_on("operator", _WRITE, "calendar", "replay", "quarantine.", "refusals", "audit", "erasures"),
    *(_group("operator", name, _SEE) for name in WORKERS),
    _group("operator", "operator-"),
)
