"""The row of an agency's file for one invented report: HTCDS column names, and the identities that are planted in it.

Called by: `amana.demo.simulation.generator`, `amana.demo.simulation.answer_key` for ages.

Invariants:
- The random source belongs to the record, so every revision describes the person alike unless the report changed.
"""

from random import Random
from typing import Any, Final

from amana.demo.simulation import identities, invented_names, narratives
from amana.demo.simulation.narratives import Voice
from amana.demo.simulation.world import AgencyReport, InventedPerson

__all__ = ["PlantedField", "row"]

PlantedField = tuple[str, str, str]
"""Field, type and text of one planted identity."""

_STATUSES: Final = {
    "A": "ActualVictimOfTrafficking",
    "P": "PossibleVictimOfTrafficking",
    "N": "NotAVictimOfTrafficking",
    None: None,
}
_TEXT_FIELDS: Final = {
    "case": "hte_Description",
    "referral": "cas_OutgoingReferralDetails",
    "assistance": "spl_ActionPlan",
    "indicator": "notes",
    "activity": "notes",
    "justice": "notes",
}
_STAFF_FIELDS: Final = {
    "case": "cas_CaseOwner",
    "referral": "cas_ReferringPrimaryCaseWorker",
    "assistance": "cas_CaseOwner",
    "activity": "facilitator",
}
_ITEM_FIELDS: Final = {
    "DignityKit": "items_dignity_kits", "HygieneKit": "items_hygiene_kits", "Food": "items_food",
    "Clothing": "items_clothing", "Leaflet": "items_leaflets",
}  # fmt: skip
_STREETS: Final = ("Cedar Lane", "Mill Street", "Harbour Road", "Old Market", "Olive Hill", "Station Road")
_STATES: Final = {"LB": "Bekaa", "JO": "Zarqa", "IQ": "Ninewa", "EG": "Giza", "TR": "Hatay"}
_ADULT: Final = 18

_AGES: Final = (
    (8, "0--8"), (17, "9--17"), (20, "18--20"), (23, "21--23"), (26, "24--26"), (29, "27--29"), (38, "30--38"),
    (47, "39--47"), (200, "48+"),
)  # fmt: skip


def row(report: AgencyReport, random: Random, *, with_text: bool) -> tuple[dict[str, Any], list[PlantedField]]:
    """Return the row, without unknown fields, and the identities that are planted in it."""
    facts, planted = report.facts, []
    cells: dict[str, Any] = {
        "record_id": report.record,
        "revision": report.revision,
        "withdrawn": report.withdrawn,
        "event_date": report.date,
        "CountryOfExploitation": facts["country"],
    }
    if report.person is not None:
        cells |= _case(report, report.person)
    else:
        cells |= _aggregate(report)
    # The order of the draws is part of the format: another order gives other bytes for the same seed.
    if report.person is not None and report.person.named:
        planted = _identity(cells, report, report.person, random)
    # The names of staff are personal data too, and must not reach the stream.
    if staff := _STAFF_FIELDS.get(report.kind):
        cells[staff] = (
            invented_names.latin(random.randrange(invented_names.GIVEN))
            + " "
            + invented_names.latin(invented_names.GIVEN + random.randrange(99))
        )
        planted.append((staff, "PERSON", cells[staff]))
    if with_text:
        planted += _text(cells, report, random)
    return {name: value for name, value in cells.items() if value is not None}, planted


def age_of(report: AgencyReport, person: InventedPerson) -> int:
    """Return the age that a report gives, in years."""
    return int(report.date[:4]) - person.birth_year


def band(age: int) -> str:
    """Return CTDC's band of an age."""
    return next(name for end, name in _AGES if age <= end)


def _case(report: AgencyReport, person: InventedPerson) -> dict[str, Any]:
    """Return the fields of a report about one person, without direct identifiers."""
    facts = report.facts
    cells = {
        # A withdrawal carries no consent; a guardian consents for a child.
        "con_Consent": not report.withdrawn,
        "consent_basis": "None" if report.withdrawn else "Guardian" if age_of(report, person) < _ADULT else "Person",
        "phenomenon": facts["phenomenon"],
        "vic_TraffickingStatus": _STATUSES[facts["status"]],
        "vic_TraffickingStatusDecisionMakingOrg": facts["decided_by"],
        "prs_Gender": facts["gender"],
        "prs_Citizenship": facts["citizenship"] or None,
        "hte_State": _STATES[report.agency.region],
    }
    if facts["age"] == "years":
        cells["vic_AgeWhenTrafficked"] = age_of(report, person)
    elif facts["age"] == "band":
        cells["ageBroad"] = band(age_of(report, person))
    if report.kind == "case":
        cells |= {
            "vic_TypeOfExploitation": facts["forms"] or None,
            "vic_ForcedLabourIndustry": facts["industry"] if "ForcedLabour" in facts["forms"] else None,
            "vic_MethodsOfControl": facts["means"] or None,
            "Datasource": facts["source"],
        }
    elif report.kind == "assistance":
        cells["services"] = facts["services"] or None
    else:
        cells |= {name: facts[name] for name in ("service", "uptake")}
        cells |= {"cas_ReferringOrganisation": facts["referred_from"], "cas_ReferredOrganisation": facts["referred_to"]}
    return cells


def _aggregate(report: AgencyReport) -> dict[str, Any]:
    """Return the fields of an agency's own aggregate."""
    facts = report.facts
    if report.kind == "activity":
        return {
            **{name: facts[name] for name in ("activity_type", "audience")},
            **{f"participants_{sex}": facts[sex] for sex in ("female", "male", "unknown")},
            **{_ITEM_FIELDS[item]: amount for item, amount in facts["items"].items()},
            "topics": facts["topics"] or None,
            "partner_organisations": facts["partners"],
        }
    cells = {name: value for name, value in facts.items() if name not in {"country", "language", "forms"}}
    if report.kind == "justice":
        cells["vic_TypeOfExploitation"] = facts["forms"] or None
    return cells


def _identity(
    cells: dict[str, Any], report: AgencyReport, person: InventedPerson, random: Random
) -> list[PlantedField]:
    """Put the person's identity into the row, in the agency's language and script."""
    in_arabic = report.facts["language"] == "ar"
    variant = 1 if report.facts["language"] == "fr" else 0
    # French agencies spell the same name with other vowels: the person key must not depend on them.
    spelt = [
        invented_names.arabic(number) if in_arabic else invented_names.latin(number, variant) for number in person.names
    ]
    region, latin = report.agency.region, invented_names.latin(person.names[0])
    planted: list[PlantedField] = [
        (field, "PERSON", text)
        for field, text in zip(("prs_FirstName", "prs_MiddleName", "prs_SecondName"), spelt, strict=True)
    ]
    planted.append(("prs_Birthdate", "DATE_TIME", person.birth_day))
    planted.append(("prs_IdentityNumber", "NATIONAL_ID", identities.national_id(random, region)))
    if random.random() < 0.4:  # noqa: PLR2004 - shares of an invented region
        planted.append(("prs_Email", "EMAIL_ADDRESS", identities.email(random, latin)))
    if random.random() < 0.6:  # noqa: PLR2004 - as above
        planted.append(("prs_MobilePhone", "PHONE_NUMBER", identities.phone(random, region, "en")))
    if random.random() < 0.5:  # noqa: PLR2004 - as above
        planted.append(("prs_MailingStreet", "ADDRESS", f"{random.randint(1, 200)} {random.choice(_STREETS)}"))
    cells.update((field, text) for field, _, text in planted)
    return planted


def _text(cells: dict[str, Any], report: AgencyReport, random: Random) -> list[PlantedField]:
    """Put a narrative into the row, and return the identities in it."""
    language, field = report.facts["language"], _TEXT_FIELDS[report.kind]
    numbers = (
        report.person.names
        if report.person
        else (random.randrange(invented_names.GIVEN), invented_names.GIVEN, invented_names.GIVEN + 1)
    )
    spelt = invented_names.arabic(numbers[0]) if language == "ar" else invented_names.latin(numbers[0])
    voice = Voice(language, spelt, invented_names.latin(numbers[0]), report.agency.region, report.agency.prefix)
    text, planted = narratives.narrative(random, voice)
    cells[field], cells["language"] = text, language
    # A sentence may be used twice; one identity in one field is listed once.
    return [(field, *identity) for identity in dict.fromkeys(planted)]
