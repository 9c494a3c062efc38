"""Generalisation rules: the coarse value of one raw value, for dates, ages, gender, citizenship, status and codes.

Purpose: make quasi-identifiers coarse enough that they single out fewer persons. The rule of each field is in
`field_mapping`.
Called by: the rules of `field_mapping`.

Invariants:
- A missing or unknown value is `unknown`, an empty list for several codes: no rule raises.
- A date is never made finer than it is.

Source: HTCDS 2.0 picklists; CTDC codebook for age bands and citizenship.
"""

from collections.abc import Sequence
from typing import Final, Literal

__all__ = ["AGE_BANDS", "UNKNOWN", "age_band", "citizenship", "code", "codes", "gender", "period", "section", "status"]

UNKNOWN: Final = "unknown"
"""The value of a field that the agency left empty."""

AGE_BANDS: Final = ("0--8", "9--17", "18--20", "21--23", "24--26", "27--29", "30--38", "39--47", "48+")
"""The age bands of CTDC, in years; the dashes are doubled as there."""

_BAND_ENDS: Final = (8, 17, 20, 23, 26, 29, 38, 47)  # the last is open
_GENDERS: Final = {  # the small groups share a code: each alone would single persons out
    "Feminine": "F",
    "Masculine": "M",
    "TransgenderFeminine": "X",
    "TransgenderMasculine": "X",
    "NonConforming": "X",
}
_STATUSES: Final = {
    "PossibleVictimOfTrafficking": "possible",
    "ActualVictimOfTrafficking": "confirmed",
    "NotAVictimOfTrafficking": "not-a-victim",
}


def period(date: str, level: Literal["month", "year"]) -> str:
    """Return `YYYY-MM` or `YYYY` of a date `YYYY[-MM[-DD]]`, never finer than the date itself."""
    return date[:7] if level == "month" else date[:4]


def age_band(age: int) -> str:
    """Return the CTDC band of an age in years."""
    return next((band for end, band in zip(_BAND_ENDS, AGE_BANDS, strict=False) if age <= end), AGE_BANDS[-1])


def gender(value: str | None) -> str:
    """Return F, M, X or unknown for an HTCDS gender; the small groups share X."""
    return _GENDERS.get(value or "", UNKNOWN)


def status(value: str | None) -> str:
    """Return possible, confirmed, not-a-victim or unknown for an HTCDS trafficking status."""
    return _STATUSES.get(value or "", UNKNOWN)


def citizenship(values: Sequence[str] | None) -> str:
    """Return the one citizenship, `multiple` for several (which would single a person out), or unknown."""
    distinct = set(values or ())
    if len(distinct) > 1:
        return "multiple"
    return next(iter(distinct), UNKNOWN)


def code(value: str | None) -> str:
    """Return a code of a list, or unknown."""
    return value or UNKNOWN


def codes(values: Sequence[str] | None) -> list[str]:
    """Return the distinct codes of a multiple choice, sorted; an empty list stands for unknown."""
    return sorted(set(values or ()))


def section(value: str | None) -> str:
    """Return the ISIC section letter of an HTCDS industry (F for `F_Construction`), or unknown."""
    return value.partition("_")[0] if value else UNKNOWN
