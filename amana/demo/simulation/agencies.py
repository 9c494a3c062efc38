"""The six invented agencies: the countries, kinds of event, languages and scripts of each, as tables of weights.

Purpose: the character of each agency, from which the simulation draws.
Called by: `amana.demo.simulation.world`.

Invariants:
- The weights of the agencies add up to 100, and their order is that in which their files are written.
"""

from dataclasses import dataclass
from typing import Final

__all__ = ["AGENCIES", "KIND_WEIGHTS", "Agency"]

KIND_WEIGHTS: Final = {"case": 58, "assistance": 17, "referral": 12, "indicator": 7, "activity": 4, "justice": 2}
"""Kind of event → its share of first reports, in percent, over all agencies."""


@dataclass(frozen=True, slots=True, eq=False)
class Agency:
    """One agency: `weight` in percent of reports; `countries`, `kinds`, `languages`, `decided_by`: value → weight.

    `organisation` is the kind that it refers as (HTCDS `org_Type`).
    `named` is the share of its persons whose name and date of birth it knows, `smuggled` of those met as smuggled.
    """

    id: str
    weight: int
    countries: dict[str | None, int]
    kinds: dict[str, int]
    languages: dict[str, int]
    decided_by: dict[str | None, int]
    statuses: dict[str | None, int]
    named: float
    smuggled: float
    region: str
    prefix: str
    organisation: str


# A ministry or a shelter confirms most of its cases; a hotline mostly suspects. A: actual victim, P: possible, N: not
# one.
_CONFIRMING: Final[dict[str | None, int]] = {"A": 62, "P": 30, "N": 5, None: 3}
_SUSPECTING: Final[dict[str | None, int]] = {"A": 22, "P": 68, "N": 4, None: 6}

AGENCIES: Final = (
    Agency(
        "interior-ministry-lbn", 22, {"LBN": 88, "SYR": 5, "JOR": 2, "EGY": 2, None: 3},
        {"case": 62, "assistance": 6, "referral": 16, "indicator": 9, "activity": 3, "justice": 4},
        {"ar": 60, "fr": 30, "en": 10},
        {"NonPoliceGovernmentalOrganization": 62, "Police": 20, "CourtOrProsecution": 12, None: 6},
        _CONFIRMING, 0.97, 0.14, "LB", "MOI", "CentralGovernmentOrganisation",
    ),
    Agency(
        "police-jor", 20, {"JOR": 84, "IRQ": 6, "SAU": 3, "SYR": 3, "EGY": 2, None: 2},
        {"case": 70, "referral": 14, "indicator": 8, "activity": 4, "justice": 4}, {"ar": 80, "en": 20},
        {"Police": 78, "CourtOrProsecution": 18, None: 4}, _CONFIRMING, 0.98, 0.20, "JO", "CTU", "LawEnforcement",
    ),
    Agency(
        "un-mission-irq", 18,
        {"IRQ": 42, "JOR": 11, "LBN": 8, "TUR": 15, "SYR": 7, "EGY": 5, "AFG": 4, "IRN": 4, "PAK": 4},
        {"case": 48, "assistance": 30, "referral": 10, "indicator": 6, "activity": 6}, {"en": 85, "ar": 10, "fr": 5},
        {"NGO": 20, "Other": 62, "NonPoliceGovernmentalOrganization": 10, None: 8}, _SUSPECTING,
        0.95, 0.22, "IQ", "UNM", "NGO",
    ),
    Agency(
        "shelter-lbn", 14, {"LBN": 70, "KWT": 8, "SAU": 8, "ARE": 5, "JOR": 4, "EGY": 3, None: 2},
        {"case": 42, "assistance": 44, "referral": 8, "indicator": 2, "activity": 4}, {"fr": 45, "ar": 30, "en": 25},
        {"NGO": 88, "Other": 6, None: 6}, _CONFIRMING, 0.94, 0.03, "LB", "SHL", "NGO",
    ),
    Agency(
        "hotline-egy", 14, {"EGY": 54, "SAU": 10, "KWT": 8, "ARE": 7, "LBN": 5, "JOR": 5, "IRQ": 3, None: 8},
        {"case": 66, "assistance": 6, "referral": 18, "indicator": 8, "activity": 2}, {"ar": 85, "en": 15},
        {"NGO": 70, "Other": 14, None: 16}, _SUSPECTING, 0.45, 0.08, "EG", "HTL", "NGO",
    ),
    Agency(
        "labour-inspectorate-tur", 12, {"TUR": 80, "IRQ": 8, "SYR": 6, "IRN": 4, None: 2},
        {"case": 66, "assistance": 4, "referral": 10, "indicator": 12, "activity": 6, "justice": 2}, {"en": 100},
        {"NonPoliceGovernmentalOrganization": 90, None: 10}, _SUSPECTING,
        0.96, 0.04, "TR", "LAB", "CentralGovernmentOrganisation",
    ),
)  # fmt: skip
"""The agencies, in the order in which their files are written."""
