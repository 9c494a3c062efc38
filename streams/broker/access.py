"""Who may do what on the broker: the table that is applied to it, and that the tests ask it about.

Decides the rules of every principal; whatever no rule allows is denied. Does not apply them
(`amana.provisioning.cluster_setup`) and does not make the principals' passwords (`amana.site`).

- An agency writes its own raw topics and reads nothing but its own quarantine.
- An analyst reads releases and nothing else.
- A worker holds what its stage needs, no more; a writer of a topic may use an idempotent producer (KIP-679).
- Prefixes end in a dot wherever a longer name could begin with the shorter one (`raw.a.` is not `raw.ab.`).

Source: KIP-290 for prefixed rules; Kafka's rule that READ or WRITE on a resource implies DESCRIBE.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

__all__ = [
    "ADMIN",
    "ANALYSTS",
    "OFFICER",
    "OPERATOR",
    "WORKERS",
    "AclRule",
    "Operation",
    "acl_rules",
    "agency_principal",
    "allows",
    "principals",
]

Operation = Literal["READ", "WRITE", "DESCRIBE"]
Resource = Literal["TOPIC", "GROUP"]

ADMIN: Final = "admin"
ANALYSTS: Final = "analysts"
OFFICER: Final = "officer"
OPERATOR: Final = "operator"
"""The super user: needs no rule, makes topics, users and rules."""

WORKERS: Final = ("deidentify", "dedupe", "aggregate", "release")
"""The stages, in the order of the flow; the short name is also the consumer group's."""


@dataclass(frozen=True, slots=True)
class AclRule:
    """`principal` may do `operations` on every `resource` whose name is `name`, or begins with it if `prefixed`."""

    principal: str
    operations: tuple[Operation, ...]
    resource: Resource
    name: str
    prefixed: bool = False

    def covers(self, resource: Resource, name: str) -> bool:
        """Tell whether the rule speaks of this resource."""
        return resource == self.resource and (name.startswith(self.name) if self.prefixed else name == self.name)


def agency_principal(agency: str) -> str:
    """Name the principal of an agency."""
    return f"agency.{agency}"


def principals(agencies: Iterable[str]) -> tuple[str, ...]:
    """List every principal of a site, the super user first."""
    people = (ANALYSTS, OFFICER, OPERATOR)
    return (ADMIN, *map(agency_principal, agencies), *(f"worker.{name}" for name in WORKERS), *people)


def allows(rules: Iterable[AclRule], principal: str, operation: Operation, resource: Resource, name: str) -> bool:
    """Tell what the broker must answer: deny by default, and READ or WRITE implies DESCRIBE."""
    if principal == ADMIN:
        return True
    held = {
        op for rule in rules if rule.principal == principal and rule.covers(resource, name) for op in rule.operations
    }
    return operation in held or (operation == "DESCRIBE" and bool(held))


def acl_rules(agencies: Iterable[str]) -> tuple[AclRule, ...]:
    """List every rule of a site with these agencies."""
    return (*(rule for agency in agencies for rule in _agency(agency)), *_WORKERS, *_PEOPLE)


def _agency(agency: str) -> tuple[AclRule, ...]:
    principal = agency_principal(agency)
    return (
        AclRule(principal, ("WRITE", "DESCRIBE"), "TOPIC", f"raw.{agency}.", prefixed=True),
        AclRule(principal, ("READ",), "TOPIC", f"quarantine.{agency}"),
        AclRule(principal, ("READ",), "GROUP", f"{principal}.", prefixed=True),
    )


def _on(principal: str, operations: tuple[Operation, ...], *names: str) -> tuple[AclRule, ...]:
    """Write one topic rule per name; a name that ends in `.` is a prefix."""
    return tuple(AclRule(principal, operations, "TOPIC", name, prefixed=name.endswith(".")) for name in names)


def _group(principal: str, prefix: str, operations: tuple[Operation, ...] = ("READ",)) -> AclRule:
    return AclRule(principal, operations, "GROUP", prefix, prefixed=True)


_READ: Final[tuple[Operation, ...]] = ("READ",)
_WRITE: Final[tuple[Operation, ...]] = ("WRITE",)
_BOTH: Final[tuple[Operation, ...]] = ("READ", "WRITE")
_SEE: Final[tuple[Operation, ...]] = ("DESCRIBE",)

_WORKERS: Final = (
    *_on("worker.deidentify", _READ, "raw.", "replay"),
    *_on("worker.deidentify", _WRITE, "deidentified.", "outcomes", "quarantine.", "late", "audit"),
    *_on("worker.deidentify", _BOTH, "state.deidentify"),
    _group("worker.deidentify", "deidentify"),
    *_on("worker.dedupe", _READ, "deidentified."),
    *_on("worker.dedupe", _WRITE, "deltas", "outcomes", "quarantine."),
    *_on("worker.dedupe", _BOTH, "state.dedupe"),
    _group("worker.dedupe", "dedupe"),
    *_on("worker.aggregate", _READ, "deltas"),
    *_on("worker.aggregate", _BOTH, "cells"),
    _group("worker.aggregate", "aggregate"),
    *_on("worker.release", _READ, "cells", "calendar", "audit"),
    *_on("worker.release", _WRITE, "trend.", "ledger", "audit"),
    # It releases only when all stages are idle, and so looks at their lags; it reads none of their topics.
    *_on("worker.release", _SEE, "raw.", "replay", "deidentified.", "deltas", "outcomes"),
    *(_group("worker.release", name, _SEE) for name in WORKERS[:-1]),
    _group("worker.release", "release"),
)

_PEOPLE: Final = (
    *_on("analysts", _READ, "trend."),
    _group("analysts", "analysts-"),
    *_on("officer", _READ, "audit", "ledger", "quarantine.", "late", "trend.", "outcomes"),
    # An officer reconciles: offsets and lags, of topics that are not read.
    *_on("officer", _SEE, "raw.", "replay", "deidentified.", "deltas"),
    *(_group("officer", name, _SEE) for name in WORKERS),
    _group("officer", "officer-"),
    *_on("operator", _READ, "cells", "outcomes", "deidentified.", "deltas", "trend.", "audit", "late", "ledger"),
    *_on("operator", _READ, "quarantine."),
    # Raw records are counted, never read: offsets need DESCRIBE alone.
    *_on("operator", _SEE, "raw."),
    # A replay is the refused bytes again, a tombstone in quarantine ends an entry; both enter the audit log.
    *_on("operator", _SEE, "replay"),
    *_on("operator", _WRITE, "calendar", "replay", "quarantine.", "audit"),
    *(_group("operator", name, _SEE) for name in WORKERS),
    _group("operator", "operator-"),
)
