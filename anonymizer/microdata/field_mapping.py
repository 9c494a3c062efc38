"""Field mapping: the one table of which raw field becomes which de-identified field, and by which rule.

Purpose: plan, for a kind of event, which fields are carried, which texts are scanned and which values are looked for in
them. Everything that is not in the table is dropped; what is dropped follows from the roles and is named nowhere.
Called by: `streams.stages.deidentify` plans every kind at its start; `streams.core.counting.deidentify` applies a
plan to a record.

Invariants:
- The role of a field decides which rules may carry it (`ALLOWED`): a direct identifier, a staff identifier and a free
  text are never carried. A schema whose roles got stricter is refused at start, before the first record.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from anonymizer import policy
from anonymizer.measures import MEASURE_FIELDS
from anonymizer.microdata import generalise
from schemas import catalogue
from schemas.errors import ConfigurationError
from schemas.roles import FieldRole

__all__ = ["ALLOWED", "CARRIES", "Carry", "Plan", "plan"]

Raw = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Carry:
    """One de-identified field: the id of the rule that makes it, the raw fields it is made of, and the rule itself."""

    rule: str
    sources: tuple[str, ...]
    value: Callable[[Raw, policy.Generalisation], object]


def _same(rule: str, source: str) -> Carry:
    return Carry(rule, (source,), lambda raw, _: raw[source])


def _code(source: str) -> Carry:
    return Carry("code", (source,), lambda raw, _: generalise.code(raw[source]))


def _group(rule: str, source: str) -> Carry:
    """Carry what an aggregate says of the persons that it counts: a code of few, coarse from the start."""
    return Carry(rule, (source,), lambda raw, _: generalise.code(raw[source]))


def _codes(source: str) -> Carry:
    return Carry("codes", (source,), lambda raw, _: generalise.codes(raw[source]))


def _age(raw: Raw, _: policy.Generalisation) -> str:
    # the exact age is the better source; agencies that hold bands alone send `ageBroad`
    age = raw["vic_AgeWhenTrafficked"]
    return generalise.code(raw["ageBroad"]) if age is None else generalise.age_band(age)


CARRIES: Final[Mapping[str, Carry]] = {
    "period": Carry("date", ("event_date",), lambda raw, to: generalise.period(raw["event_date"], to.date)),
    "country": Carry("place", ("CountryOfExploitation",), lambda raw, _: generalise.code(raw["CountryOfExploitation"])),
    "phenomenon": _same("code", "phenomenon"),
    "status": Carry(
        "status", ("vic_TraffickingStatus",), lambda raw, _: generalise.status(raw["vic_TraffickingStatus"])
    ),
    "decided_by": _code("vic_TraffickingStatusDecisionMakingOrg"),
    "gender": Carry("gender", ("prs_Gender",), lambda raw, _: generalise.gender(raw["prs_Gender"])),
    "age": Carry("age", ("vic_AgeWhenTrafficked", "ageBroad"), _age),
    "citizenship": Carry(
        "citizenship", ("prs_Citizenship",), lambda raw, _: generalise.citizenship(raw["prs_Citizenship"])
    ),
    "exploitation": _codes("vic_TypeOfExploitation"),
    "industry": Carry(
        "section", ("vic_ForcedLabourIndustry",), lambda raw, _: generalise.section(raw["vic_ForcedLabourIndustry"])
    ),
    "sexual": _codes("vic_TypeOfSexExploitation"),
    "means": _codes("vic_MethodsOfControl"),
    "recruiter": _codes("RecruiterRelationship"),
    "datasource": _code("Datasource"),
    "service": _code("service"),
    "reason": _code("cas_ReasonForOutgoingReferral"),
    "services": _codes("services"),
    "indicator": _same("code", "indicator"),
    "activity_type": _same("code", "activity_type"),
    **{name: _same("measure", name) for name in MEASURE_FIELDS},
    "audience": _code("audience"),
    "topics": _codes("topics"),
    "referred_from": _group("organisation", "cas_ReferringOrganisation"),
    "referred_to": _group("organisation", "cas_ReferredOrganisation"),
    "uptake": _code("uptake"),
    "crisis": _code("crisis"),
    "crisis_phase": _code("crisis_phase"),
    "emergency": _code("emergency"),
    "population_group": _code("population_group"),
    "sex": _group("gender", "sex"),
    "majority": _group("age", "majority"),
    "stage": _same("code", "stage"),
    "nationality": _group("citizenship", "nationality"),
    "article": _code("article"),
}
"""De-identified field → the rule that makes it."""

ALLOWED: Final[Mapping[FieldRole, frozenset[str]]] = {
    FieldRole.DIRECT_IDENTIFIER: frozenset(),
    FieldRole.STAFF_IDENTIFIER: frozenset(),
    FieldRole.FREE_TEXT: frozenset(),
    FieldRole.QUASI_IDENTIFIER: frozenset({"date", "place", "gender", "age", "citizenship", "organisation"}),
    FieldRole.SENSITIVE_ATTRIBUTE: frozenset({"code", "codes", "status", "section"}),
    FieldRole.MEASURE: frozenset({"measure"}),
    FieldRole.TECHNICAL: frozenset({"code"}),
}
"""Privacy role → the rules that may carry a field of that role."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan of one kind of event.

    Args:
        carried: De-identified field → the rule that makes it.
        texts: Raw fields of free text, which are scanned.
        identities: Raw fields whose values are looked for in the texts.
        dropped: Role → number of raw fields of that role that are dropped.
        added: De-identified fields of later versions of the schema, with their defaults: a record of an earlier version
            reads as if it had these values.
    """

    carried: Mapping[str, Carry]
    texts: tuple[str, ...]
    identities: tuple[str, ...]
    dropped: Mapping[str, int]
    added: Mapping[str, object]


def plan(raw: catalogue.Schema, deidentified: catalogue.Schema) -> Plan:
    """Derive the plan of a kind from the roles of its raw fields and the names of its de-identified fields.

    Raises:
        ConfigurationError: CFG-021, a rule of the table carries a field that is absent or whose role forbids it.
    """
    roles = {field.name: field.role for field in raw.fields}
    wanted = {field.name for field in deidentified.fields}
    carried = {name: carry for name, carry in CARRIES.items() if name in wanted}
    for name, carry in carried.items():
        for source in carry.sources:
            # the table is code and the roles are data: a role that got stricter must win over the table
            if source not in roles or carry.rule not in ALLOWED[roles[source]]:
                raise ConfigurationError("CFG-021", f"no rule may carry {source} as {name}", field=source)
    sources = {source for carry in carried.values() for source in carry.sources}
    # the receipt counts neither technical fields, which say nothing of a person, nor texts, which it counts by policy
    uncounted = {FieldRole.TECHNICAL, FieldRole.FREE_TEXT}
    drops = Counter(role.value for name, role in roles.items() if name not in sources and role not in uncounted)
    return Plan(
        carried,
        tuple(field.name for field in raw.by_role(FieldRole.FREE_TEXT)),
        tuple(field.name for field in raw.by_role(FieldRole.DIRECT_IDENTIFIER, FieldRole.STAFF_IDENTIFIER)),
        dict(sorted(drops.items())),
        {field.name: field.default for field in deidentified.fields if field.name in carried and field.has_default},
    )
