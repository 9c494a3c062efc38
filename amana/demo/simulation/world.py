"""The truth of an invented region: its persons, and what each agency knows of them.

Purpose: draw who exists, what happened and what each report contains. Spelling is `event_rows`'s subject, counting
`answer_key`'s.
Called by: `amana.demo.simulation.story`, `amana.demo.simulation.event_rows`, `amana.demo.simulation.answer_key`.

Invariants:
- Everything follows from the seed.
"""

import itertools
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, Final

from amana.demo.simulation import aggregates, invented_names
from amana.demo.simulation.agencies import AGENCIES, Agency
from schemas.catalogue import PERSONAL

__all__ = ["AgencyReport", "InventedPerson", "World"]

_ORIGINS: Final = {
    "SYR": 22, "IRQ": 12, "PHL": 9, "ETH": 10, "LKA": 7, "BGD": 8, "NPL": 5, "KEN": 6, "LBN": 4,
    "JOR": 4, "EGY": 5, "SDN": 3, "AFG": 3, "PAK": 2,
}  # fmt: skip
_FORMS: Final = {"labour": 48, "sexual": 30, "begging": 7, "marriage": 6, "child": 4, "other": 5}
_FORM_CODES: Final = {
    "labour": "ForcedLabour", "sexual": "SexualExploitation", "begging": "ForcedBegging",
    "marriage": "ForcedMarriage", "child": "ChildLabour", "other": "Other",
}  # fmt: skip
_INDUSTRIES: Final = {
    "T_ActivitiesOfHouseholdsAsEmployers": 52, "F_Construction": 18, "A_AgricultureForestryAndFishing": 12,
    "C_Manufacturing": 10, "I_AccommodationAndFoodServiceActivities": 8,
}  # fmt: skip
_WOMEN: Final = {
    "sexual": 0.93, "marriage": 0.97, "begging": 0.45, "child": 0.4, "other": 0.5, "labour": 0.55,
    "T_ActivitiesOfHouseholdsAsEmployers": 0.96, "F_Construction": 0.03,
}  # fmt: skip
_MEANS: Final = (
    "WithholdsDocuments", "WithholdsNecessities", "TakesEarnings", "ExcessiveWorkingHours", "DebtBondage",
    "PhysicalThreats", "FalsePromises", "PhysicalAbuse", "PsychologicalAbuse", "RestrictsFinancialAccess",
)  # fmt: skip
_SERVICES: Final = (
    "Shelter",
    "Medical",
    "Psychosocial",
    "Legal",
    "Avrr",
    "Reintegration",
    "Documentation",
    "Livelihood",
)
_REFERRED_TO: Final = {
    "NGO": 40, "HealthServiceOrganisation": 18, "CentralGovernmentOrganisation": 14, "LegalService": 10,
    "LawEnforcement": 8, "ImmigrationService": 6, None: 4,
}  # fmt: skip
_UPTAKE: Final = {"TakenUp": 62, "Declined": 12, "Unavailable": 8, "NotReached": 6, "Pending": 8, None: 4}
_COUNTRIES: Final = {"LB": "LBN", "JO": "JOR", "TR": "TUR"}
"""Region of an authority → the country of its proceedings."""
_WEIGHTS: Final = {agency: agency.weight for agency in AGENCIES}
_ANOTHER_AGENCY: Final = 0.12
_AGAIN: Final = 0.06
_LONG_AGO: Final = 0.03


@dataclass(frozen=True, slots=True)
class InventedPerson:
    """One person; `names` are three numbers of `invented_names`, `form` the main form of exploitation.

    `smuggled` and `named` are true if agencies meet the person as smuggled, and know the name and date of birth.
    """

    number: int
    names: tuple[int, int, int]
    birth_year: int
    birth_day: str
    woman: bool
    origin: str
    form: str
    industry: str
    smuggled: bool
    named: bool


@dataclass(frozen=True, slots=True)
class AgencyReport:
    """One revision of one record of one agency, as the agency knows it; `facts` holds the row's facts by name."""

    agency: Agency
    kind: str
    record: str
    revision: int
    date: str
    person: InventedPerson | None
    facts: dict[str, Any] = field(compare=False)
    withdrawn: bool = False

    @property
    def period(self) -> str:
        """Year and month of the event, as far as they are known: `YYYY-MM` or `YYYY`."""
        return self.date[:7]


class World:
    """Draws persons and reports from `random`; two reports of a person by one agency never share kind and month.

    Dedupe would choose between two such reports by their event ids, which are keyed hashes and unknown here.
    """

    def __init__(self, random: Random) -> None:
        self.random = random
        self._persons = itertools.count(1)
        self._records = {agency.id: itertools.count(1) for agency in AGENCIES}
        self._taken: set[tuple[int, int, int, int]] = set()
        self._months: set[tuple[int, str, str, str]] = set()
        self._recent: list[InventedPerson] = []

    def first_reports(self) -> list[AgencyReport]:
        """Return one thing that happened: a report, often of a person, now and then by two agencies or twice."""
        agency = self._pick(_WEIGHTS)
        kind = self._pick(agency.kinds)
        if kind not in PERSONAL:
            return [self._aggregate(agency, kind)]
        person = self.person(agency)
        reports = [self._report(agency, kind, person)]
        # Only a person whose name is known can be recognised a second time, by the person key.
        if person.named and self.random.random() < _ANOTHER_AGENCY:
            other = self._pick({each: each.weight for each in AGENCIES if each is not agency and kind in each.kinds})
            reports.append(self._report(other, kind, person, near=reports[0]))
        if person.named and self.random.random() < _AGAIN:
            again = self._report(agency, self._pick({"assistance": 3, "referral": 2, kind: 2}), person, near=reports[0])
            reports.append(again)
        return reports

    def person(self, agency: Agency) -> InventedPerson:
        """Return a new person, as `agency` may meet one."""
        random = self.random
        form = self._pick(_FORMS)
        industry = self._pick(_INDUSTRIES) if form == "labour" else ""
        woman = random.random() < _WOMEN.get(industry, _WOMEN[form])
        age = int(random.triangular(6, 17, 13)) if form == "child" else int(random.triangular(12, 60, 24))
        born = 2023 - age  # the first year of the reports
        return InventedPerson(
            next(self._persons), self._names(born), born,
            f"{born}-{random.randint(1, 12):02}-{random.randint(1, 28):02}",
            woman, self._pick(_ORIGINS), form, industry, random.random() < agency.smuggled,
            random.random() < agency.named,
        )  # fmt: skip

    def date(self) -> str:
        """Return an event date: mostly a day of 2023 or 2024, some a month or a year, a few long ago."""
        random = self.random
        year = 2019 if random.random() < _LONG_AGO else random.choice((2023, 2024))
        known = random.random()
        if known < 0.02:  # noqa: PLR2004 - shares of an invented region
            return str(year)
        month = f"{year}-{random.randint(1, 12):02}"
        return month if known < 0.08 else f"{month}-{random.randint(1, 28):02}"  # noqa: PLR2004 - as above

    def free_date(self, agency: Agency, kind: str, person: InventedPerson, year: str | None = None) -> str | None:
        """Return a date in whose month `agency` has no report of this kind on `person`; None if none is found."""
        # A person with a report in every month is rare, but the search must end.
        for _ in range(200):
            date = self.date()
            if year and date[:4] != year:
                date = year + date[4:]
            taken = (person.number, agency.id, kind, date[:7])
            if taken not in self._months:
                self._months.add(taken)
                return date
        return None

    def _report(
        self, agency: Agency, kind: str, person: InventedPerson, near: AgencyReport | None = None
    ) -> AgencyReport:
        """Draw a first report; mostly in the year of `near`, so that the two count as one person of that year."""
        year = near.date[:4] if near and self.random.random() < 0.8 else None  # noqa: PLR2004 - as above
        date = self.free_date(agency, kind, person, year) or "2022-06-01"
        facts = self._personal(agency, person) | self._of_kind(kind, person, agency)
        return AgencyReport(agency, kind, self._record(agency), 1, date, person, facts)

    def corrected(self, report: AgencyReport) -> AgencyReport:
        """Return the next revision of a report about a person: another place, date, status, or person."""
        random, facts, person, date = self.random, dict(report.facts), report.person, report.date
        if person is None:
            raise ValueError(report.kind)
        what = self._pick({"country": 3, "date": 3, "status": 3, "person": 2 if person.named else 0})
        if what == "country":
            facts["country"] = self._pick(report.agency.countries)
        elif what == "status":
            facts["status"] = self._pick({"A": 6, "P": 3, "N": 1})
        elif what == "person":
            # The record was about somebody else: the person counted before must lose a contribution.
            person = self.person(report.agency)
            person = replace(person, named=True)
            facts |= self._personal(report.agency, person)
            self.free_date(report.agency, report.kind, person, date[:4])
        # A record of the closed year 2019 keeps its date: no record may be late in one revision and counted in another.
        elif not date.startswith("2019"):
            year = random.choice(("2023", "2024"))
            date = self.free_date(report.agency, report.kind, person, year) or date
        return replace(report, revision=report.revision + 1, date=date, person=person, facts=facts)

    def _personal(self, agency: Agency, person: InventedPerson) -> dict[str, Any]:
        """Draw the facts that every report about a person has."""
        random = self.random
        gender = "Feminine" if person.woman else "Masculine"
        if random.random() < 0.03:  # noqa: PLR2004 - as above
            gender = random.choice(("TransgenderFeminine", "NonConforming", "NonSpecifiedUnknown", ""))
        citizenship = [person.origin]
        drawn = random.random()
        if drawn < 0.02:  # noqa: PLR2004 - as above
            citizenship = sorted({person.origin, "SYR", "SDN"})[:2]
        elif drawn < 0.05:  # noqa: PLR2004 - as above
            citizenship = []
        return {
            "phenomenon": "SOM" if person.smuggled else "TIP",
            "status": self._pick(agency.statuses),
            "decided_by": self._pick(agency.decided_by),
            "country": self._pick(agency.countries),
            "gender": gender or None,
            "age": self._pick({"years": 82, "band": 10, "none": 8}),
            "citizenship": citizenship,
            "language": self._pick(agency.languages),
        }

    def _of_kind(self, kind: str, person: InventedPerson, agency: Agency) -> dict[str, Any]:
        """Draw the facts of one kind of report about a person."""
        random = self.random
        if kind == "referral":
            return {
                "service": self._pick({**dict.fromkeys(_SERVICES, 12), None: 4}),
                "referred_from": self._pick({agency.organisation: 92, None: 8}),
                "referred_to": self._pick(_REFERRED_TO),
                "uptake": self._pick(_UPTAKE),
            }
        if kind == "assistance":
            return {"services": sorted(random.sample(_SERVICES, random.choice((0, 1, 1, 1, 2, 2, 3))))}
        forms = [] if random.random() < 0.1 else [_FORM_CODES[person.form]]  # noqa: PLR2004 - as above
        if forms and person.form == "labour" and random.random() < 0.06:  # noqa: PLR2004 - as above
            forms.append("SexualExploitation")
        means = random.sample(_MEANS, random.choice((0, 0, 1, 1, 2, 3)))
        source = "Hotline" if agency.prefix == "HTL" else "CaseManagement"
        return {"forms": forms, "industry": person.industry or None, "means": means, "source": source}

    def _aggregate(self, agency: Agency, kind: str) -> AgencyReport:
        place = _COUNTRIES[agency.region] if kind == "justice" else self._pick(agency.countries)
        facts: dict[str, Any] = {"country": place, "language": self._pick(agency.languages)}
        if kind == "indicator":
            facts |= aggregates.indicator(self.random, agency, place)
        elif kind == "activity":
            facts |= aggregates.activity(self.random)
        else:
            facts |= aggregates.justice(self.random, agency)
        return AgencyReport(agency, kind, self._record(agency), 1, self.date(), None, facts)

    def _names(self, born: int) -> tuple[int, int, int]:
        """Return a triple of names that nobody of this birth year has yet."""
        # Two persons of one name and birth year would have one person key, and the answer key would count one too many.
        below = self.random.randrange
        while True:
            three = (
                below(invented_names.GIVEN),
                invented_names.GIVEN + below(invented_names.FATHER),
                invented_names.GIVEN + invented_names.FATHER + below(invented_names.FAMILY),
            )
            if (*three, born) not in self._taken:
                self._taken.add((*three, born))
                return three

    def _record(self, agency: Agency) -> str:
        return f"{agency.prefix}-{self.random.randint(19, 24)}-{next(self._records[agency.id]):06}"

    def _pick(self, weights: dict[Any, int]) -> Any:  # noqa: ANN401 - a key of the table
        return self.random.choices(tuple(weights), tuple(weights.values()))[0]
