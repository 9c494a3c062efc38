"""The agencies' own aggregates of an invented region: indicators, activities, and stages of criminal proceedings.

Purpose: draw what one such report says. Who reports, where and when is `world`'s subject.
Called by: `amana.demo.simulation.world`.

Invariants:
- Everything follows from the random source.
- An authority reports the stages that the shipped policy declares as its own, and no crisis that it does not declare.
"""

from collections.abc import Sequence
from random import Random
from typing import Any, Final

from amana.demo.simulation.agencies import Agency

__all__ = ["activity", "indicator", "justice"]

_INDICATORS: Final = {
    "ScreenedAtBorder": 18, "ScreenedInDetention": 8, "HotlineCalls": 14, "WagesWithheld": 12, "DocumentsWithheld": 12,
    "DebtForNeeds": 10, "ChildLabourForIncome": 8, "ChildMarriage": 6, "TransactionalSex": 4, "SchoolAttendance": 8,
}  # fmt: skip
_CRISES: Final[dict[str | None, dict[str | None, int]]] = {
    "LBN": {"LBN-2019": 40, "SYR-2011": 40, "LBN-2020": 8, None: 12},
    "SYR": {"SYR-2011": 90, None: 10},
    "JOR": {"SYR-2011": 55, None: 45},
    "IRQ": {"IRQ-2014": 60, "SYR-2011": 15, None: 25},
    "TUR": {"TUR-2023": 45, "SYR-2011": 35, None: 20},
    "AFG": {"AFG-2021": 85, None: 15},
    "IRN": {"AFG-2021": 60, None: 40},
    "PAK": {"AFG-2021": 60, None: 40},
}
_EMERGENCIES: Final = {
    "LBN-2019": "Economic", "LBN-2020": "Industrial", "SYR-2011": "Conflict", "IRQ-2014": "Conflict",
    "TUR-2023": "Earthquake", "AFG-2021": "Displacement",
}  # fmt: skip
_PHASES: Final = {"Acute": 25, "Protracted": 60, "Recovery": 15}
_GROUPS: Final = {
    "Refugees": 38, "Displaced": 16, "HostCommunity": 14, "Migrants": 22, "Returnees": 5, "Stateless": 2, None: 3,
}  # fmt: skip
_OF_CHILDREN: Final = frozenset({"ChildLabourForIncome", "ChildMarriage", "SchoolAttendance"})

# Kind of activity → who it is for. A training of an office has its own audience.
_ACTIVITIES: Final[dict[str, dict[str | None, int]]] = {
    "AwarenessSession": {"Migrants": 60, "HostCommunity": 30, "Journalists": 2, None: 8},
    "SchoolSession": {"HostCommunity": 75, "Migrants": 15, None: 10},
    "FrontlineTraining": {"FrontlineOfficers": 55, "CivilSociety": 30, "Officials": 15},
    "PoliceTraining": {"Police": 90, "Judiciary": 10},
    "InspectorTraining": {"Inspectors": 90, "Officials": 10},
}
_TOPICS: Final = (
    "SexualExploitation", "Sponsorship", "ForcedLabour", "ChildLabour", "Smuggling", "Rights", "Recruitment",
    "Identification",
)  # fmt: skip
_ITEMS: Final = {"DignityKit": 30, "HygieneKit": 20, "Food": 15, "Clothing": 10, "Leaflet": 25}

_STAGES: Final = {
    "Investigations": (24, 12), "Suspected": (22, 18), "Arrested": (16, 12), "Prosecuted": (14, 10),
    "Convicted": (8, 5), "Acquitted": (4, 3), "VictimsInProceedings": (12, 14),
}  # fmt: skip
"""Stage → its weight, and about how many it counts at once."""
_TIP_ONLY: Final = {"TR": ("Investigations", "Suspected", "Prosecuted", "VictimsInProceedings")}
"""Region of an authority that owns stages of trafficking alone → these stages."""


def indicator(random: Random, agency: Agency, country: str | None) -> dict[str, Any]:
    """Return the facts of an indicator: what, how many, in which setting, of which group."""
    name = _pick(random, _INDICATORS)
    crisis = _pick(random, _CRISES.get(country, {None: 1}))
    known = crisis is not None
    return {
        "phenomenon": "SOM" if random.random() < agency.smuggled else "TIP",
        "indicator": name,
        "value": random.randint(1, 60),
        "crisis": crisis,
        "crisis_phase": _pick(random, _PHASES) if known else None,
        "emergency": _EMERGENCIES[crisis] if known else None,
        "population_group": _pick(random, _GROUPS),
        "sex": _pick(random, {"F": 46, "M": 34, None: 20}),
        "majority": "minor" if name in _OF_CHILDREN else _pick(random, {"adult": 62, "minor": 22, None: 16}),
    }


def activity(random: Random) -> dict[str, Any]:
    """Return the facts of an activity: participants by sex, audience, topics, items handed out, partners."""
    kind = random.choice(tuple(_ACTIVITIES))
    facts: dict[str, Any] = {"activity_type": kind, "audience": _pick(random, _ACTIVITIES[kind])}
    facts |= {sex: random.choice((0, 0, 5, 12, 18, 25)) for sex in ("female", "male", "unknown")}
    facts["topics"] = sorted(random.sample(_TOPICS, random.choice((0, 1, 1, 2, 2, 3))))
    # Items are for the public, not for those who are trained.
    public = facts["audience"] in {"Migrants", "HostCommunity"}
    kinds = {_pick(random, _ITEMS) for _ in range(random.choice((0, 1, 1, 2)))} if public else set()
    facts["items"] = {item: 5 * random.randint(1, 30) for item in sorted(kinds)}
    facts["partners"] = random.choice((0, 0, 1, 1, 2, 3, 5))
    return facts


def justice(random: Random, agency: Agency) -> dict[str, Any]:
    """Return the facts of one stage of proceedings, as the authority that owns the stage reports it."""
    own = _TIP_ONLY.get(agency.region, tuple(_STAGES))
    stage = _pick(random, {name: _STAGES[name][0] for name in own})
    trafficking = agency.region in _TIP_ONLY or random.random() < 0.7  # noqa: PLR2004 - a share of an invented region
    persons = stage != "Investigations"
    forms = {"SexualExploitation": 40, "ForcedLabour": 42, "ForcedBegging": 8, None: 10}
    form = _pick(random, forms) if trafficking else None
    return {
        "phenomenon": "TIP" if trafficking else "SOM",
        "stage": stage,
        "value": random.randint(1, 2 * _STAGES[stage][1]),
        "forms": [form] if form else [],
        "sex": _pick(
            random, {"F": 70, "M": 25, None: 5} if stage.startswith("Victims") else {"M": 62, "F": 30, None: 8}
        )
        if persons
        else None,
        "nationality": _pick(random, {"own": 48, "foreign": 44, None: 8}) if persons else None,
        "article": random.choice(_laws(agency, trafficking=trafficking)),
    }


def _laws(agency: Agency, *, trafficking: bool) -> Sequence[str | None]:
    """Return the laws that an authority may name; of smuggling none is in the list for its country."""
    laws = {"LB": "LBN-164-2011", "JO": "JOR-9-2009", "TR": "TUR-80"}
    return (laws[agency.region], None) if trafficking else ("Other", None)


def _pick(random: Random, weights: dict[Any, int]) -> Any:  # noqa: ANN401 - a key of the table
    return random.choices(tuple(weights), tuple(weights.values()))[0]
