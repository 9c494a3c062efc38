"""Models of the raw events of every kind: what an agency may publish.

Purpose: decide which records are refused, field by field, and with which code. Sealing, encoding and consent are
decided elsewhere (`schemas.sealing`, `schemas.codec`; consent by both callers).
Called by: `connectors.ingest.event.event_builder` before an event is sealed, and `streams.core.counting.admit` after it
was opened.

Codes: CON-010 a field is missing or unknown; CON-011 a code is not in its list; CON-012 not a date; CON-013 a date in
the future; CON-014 a value of another type, form or range; CON-015 too long.

Invariants:
- The Avro files are the source of truth; a test compares every model with its file, name by name.
- A problem never repeats a value, nor the name of an unknown field that could be a value.

Source: HTCDS 2.0 for names and lists (CC BY 4.0), CTDC codebook for `ageBroad`, `RecruiterRelationship`, `Datasource`.
"""

# ruff: noqa: N815 - the field names are those of the standards
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from schemas import codelists, values
from schemas.catalogue import KINDS
from schemas.errors import ContractError
from schemas.values import Count, Dated, EventHash, HexKey, Listed, LongText, Text, TextDate

__all__ = [
    "MODELS",
    "Activity",
    "Assistance",
    "Case",
    "Indicator",
    "Justice",
    "Problem",
    "RawEvent",
    "Referral",
    "problems",
    "validate",
]

Country = Annotated[str, Listed("country")]
Exploitation = Annotated[str, Listed("vic_TypeOfExploitation")]
Sexual = Annotated[str, Listed("vic_TypeOfSexExploitation")]
Means = Annotated[str, Listed("vic_MethodsOfControl")]
Recruitment = Annotated[str, Listed("vic_MethodOfRecruitment")]
Recruiter = Annotated[str, Listed("RecruiterRelationship")]
Service = Annotated[str, Listed("service")]
Organisation = Annotated[str, Listed("org_Type")]
Topic = Annotated[str, Listed("topic")]
Sex = Annotated[str, Listed("sex")]
Phenomenon = Literal["TIP", "SOM"]

_MOST_PARTNERS = 1_000  # more organisations than take part in anything: a typing error
_MOST_TEXT = 56 * 1024  # leaves room for codes and lengths below the 64 kB that can be sealed and decoded


class _Edge(BaseModel):
    # hide_input_in_errors: pydantic would put the refused value, a name perhaps, into the exception's text
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class RawEvent(_Edge):
    """Fields of every raw event."""

    event_id: EventHash
    agency: values.Agency
    revision: int = Field(ge=1, lt=2**31)
    withdrawn: bool = False
    event_date: Annotated[str, Dated()]
    CountryOfExploitation: Country | None = None
    language: Annotated[str, Listed("language")] | None = None

    @model_validator(mode="after")
    def _fits_in_one_message(self) -> Self:
        if sum(map(values.length_of, self.__dict__.values())) > _MOST_TEXT:
            raise PydanticCustomError("CON-015", "texts that are too long together")
        return self


class _OfPerson(RawEvent):
    """Fields of every event about one person."""

    person: HexKey
    con_Consent: bool
    consent_basis: Literal["Person", "Guardian", "CoveredByPublication", "None"]
    phenomenon: Phenomenon
    vic_TraffickingStatus: Annotated[str, Listed("vic_TraffickingStatus")] | None = None
    vic_TraffickingStatusDecisionMakingOrg: Annotated[str, Listed("vic_TraffickingStatusDecisionMakingOrg")] | None = (
        None
    )
    prs_FirstName: LongText | None = None
    prs_MiddleName: LongText | None = None
    prs_SecondName: LongText | None = None
    prs_Birthdate: TextDate | None = None
    prs_IdentityNumber: LongText | None = None
    prs_Email: LongText | None = None
    prs_MobilePhone: LongText | None = None
    prs_HomePhone: LongText | None = None
    prs_MailingStreet: LongText | None = None
    prs_MailingCity: LongText | None = None
    prs_Gender: Annotated[str, Listed("prs_Gender")] | None = None
    vic_AgeWhenTrafficked: Annotated[int, Field(ge=0, le=120)] | None = None
    ageBroad: Annotated[str, Listed("ageBroad")] | None = None
    prs_Citizenship: tuple[Country, ...] | None = values.Codes
    hte_State: Text | None = None


class Case(_OfPerson):
    """Case profile of one person."""

    vic_TypeOfExploitation: tuple[Exploitation, ...] | None = values.Codes
    vic_ForcedLabourIndustry: Annotated[str, Listed("vic_ForcedLabourIndustry")] | None = None
    vic_TypeOfSexExploitation: tuple[Sexual, ...] | None = values.Codes
    vic_MethodsOfControl: tuple[Means, ...] | None = values.Codes
    vic_MethodOfRecruitment: tuple[Recruitment, ...] | None = values.Codes
    RecruiterRelationship: tuple[Recruiter, ...] | None = values.Codes
    Datasource: Annotated[str, Listed("Datasource")] | None = None
    cas_CaseOwner: LongText | None = None
    hte_Description: LongText | None = None
    cco_CaseComment: LongText | None = None


class Referral(_OfPerson):
    """One referral of one person between organisations."""

    cas_Status: Annotated[str, Listed("cas_Status")] | None = None
    cas_ReasonForOutgoingReferral: Annotated[str, Listed("cas_ReasonForOutgoingReferral")] | None = None
    service: Service | None = None
    cas_ReferringOrganisation: Organisation | None = None
    cas_ReferredOrganisation: Organisation | None = None
    uptake: Annotated[str, Listed("uptake")] | None = None
    cas_ReferringPrimaryCaseWorker: LongText | None = None
    cas_OutgoingReferralDetails: LongText | None = None


class Assistance(_OfPerson):
    """Assistance given to one person."""

    services: tuple[Service, ...] | None = values.Codes
    spl_Type: Annotated[str, Listed("spl_Type")] | None = None
    cas_CaseOwner: LongText | None = None
    spl_ActionPlan: LongText | None = None


class Indicator(RawEvent):
    """Aggregate of an agency for a place and a period, without persons."""

    indicator: Annotated[str, Listed("indicator")]
    phenomenon: Phenomenon
    value: Count
    crisis: Annotated[str, Listed("crisis")] | None = None
    crisis_phase: Annotated[str, Listed("crisis_phase")] | None = None
    emergency: Annotated[str, Listed("emergency")] | None = None
    population_group: Annotated[str, Listed("population_group")] | None = None
    sex: Sex | None = None
    majority: Annotated[str, Listed("majority")] | None = None
    notes: LongText | None = None


class Activity(RawEvent):
    """Awareness session or training."""

    activity_type: Annotated[str, Listed("activity_type")]
    participants_female: Count = 0
    participants_male: Count = 0
    participants_unknown: Count = 0
    audience: Annotated[str, Listed("audience")] | None = None
    topics: tuple[Topic, ...] | None = values.Codes
    items_dignity_kits: Count = 0
    items_hygiene_kits: Count = 0
    items_food: Count = 0
    items_clothing: Count = 0
    items_leaflets: Count = 0
    items_phones: Count = 0
    items_other: Count = 0
    partner_organisations: Annotated[int, Field(ge=0, le=_MOST_PARTNERS)] = 0
    facilitator: LongText | None = None
    notes: LongText | None = None

    @model_validator(mode="after")
    def _has_one_count(self) -> Self:
        # Tables without the sex show them together, and no cell of one event is larger than a count may be.
        if self.participants_female + self.participants_male + self.participants_unknown > values.LARGEST_COUNT:
            raise PydanticCustomError("CON-014", "more participants together than one event may count")
        return self


class Justice(RawEvent):
    """Aggregate of an authority: one stage of criminal proceedings in its country."""

    CountryOfExploitation: Country
    stage: Annotated[str, Listed("stage")]
    phenomenon: Phenomenon
    value: Count
    vic_TypeOfExploitation: tuple[Exploitation, ...] | None = values.Codes
    sex: Sex | None = None
    nationality: Annotated[str, Listed("nationality")] | None = None
    article: Annotated[str, Listed("article")] | None = None
    notes: LongText | None = None

    @model_validator(mode="after")
    def _is_about_its_stage_and_country(self) -> Self:
        if self.stage == "Investigations" and (self.sex or self.nationality):
            raise PydanticCustomError("CON-014", "investigations are files: they have no sex and no citizenship")
        if self.article not in {None, "Other", *_laws_of(self.CountryOfExploitation)}:
            raise PydanticCustomError("CON-014", "a law of another country than the authority's")
        return self


def _laws_of(country: str) -> Iterator[str]:
    """Yield the laws of a country: their codes begin with its own."""
    return (code for code in codelists.labels("article") if code.startswith(f"{country}-"))


# in the order of KINDS; the contract tests hold every model against the Avro file of its kind
MODELS: Final[Mapping[str, type[RawEvent]]] = dict(
    zip(KINDS, (Case, Referral, Assistance, Indicator, Activity, Justice), strict=True)
)
"""Kind → model."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One reason for refusing a record: its code, the field's path, a sentence that repeats no value."""

    code: str
    field: str
    message: str


def validate(kind: str, record: Mapping[str, Any], *, today: date | None) -> RawEvent:
    """Return the event in `record`.

    Args:
        kind: one of `catalogue.KINDS`.
        record: field → value.
        today: the last date that is not in the future; None leaves that unchecked.

    Raises:
        ContractError: the first problem, CON-010 to CON-015, with its field.
    """
    try:
        return MODELS[kind].model_validate(record, context={"today": today})
    except ValidationError as error:
        first = next(_problems(error))
    raise ContractError(first.code, first.message, field=first.field)


def problems(kind: str, record: Mapping[str, Any], *, today: date | None) -> tuple[Problem, ...]:
    """Return every reason for refusing `record`, none if it is valid; arguments as in `validate`."""
    try:
        MODELS[kind].model_validate(record, context={"today": today})
    except ValidationError as error:
        return tuple(dict.fromkeys(_problems(error)))  # a field of two types is refused once for each
    return ()


_CODES = {"missing": "CON-010", "extra_forbidden": "CON-010"}
_MESSAGES = {"missing": "a field is missing", "extra_forbidden": "a field that the contract does not know"}
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")


def _problems(error: ValidationError) -> Iterator[Problem]:
    for details in error.errors(include_url=False, include_context=False, include_input=False):
        kind = details["type"]
        ours = kind.startswith("CON-")  # raised by `schemas.values`; pydantic's own messages may quote the value
        message = details["msg"] if ours else _MESSAGES.get(kind, "a value of another type, form or range")
        parts = [str(part) for part in details["loc"]]
        # a name that is no plain field name becomes `?`: it could be a person's
        path = ".".join(part if part.isdigit() or _PLAIN.fullmatch(part) else "?" for part in parts)
        yield Problem(kind if ours else _CODES.get(kind, "CON-014"), path, message)
