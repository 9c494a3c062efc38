"""Rules of suppression in a policy: which cells are unsafe, and what a table shows of zeros and unknown codes.

Purpose: the section `suppression` of a policy.
Called by: `anonymizer.policy`; `anonymizer.tabular`, `amana protect` and tests, for tables of their own.

Source: Hundepool and others, "Statistical Disclosure Control" (2012), sections 4.2 and 4.4, for thresholds and
dominance.
"""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = ["Suppression"]


class Suppression(BaseModel):
    """Rules of suppression: which cells are unsafe, and what a table shows of zeros and unknown codes.

    Args:
        k: Fewest persons in a published cell.
        min_agencies: Fewest agencies that have persons in a published window; under `dominance` also in a cell.
        rule: `insider`: a cell without any one agency's part counts nobody, or k and more. `dominance`: the cell has
            `min_agencies` agencies, and none above the share `dominance`.
        dominance: The largest share of one agency; for the rule of that name alone.
        single_agency_countries: Countries where the rule `dominance` does not hold.
        zeros: Whether zeros are shown, or hidden as counts of 1 to k-1 are.
        unknown: Whether a table has cells of the code `unknown`, or known codes alone, so that the rest is a remainder.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    k: int = Field(ge=2)
    min_agencies: int = Field(ge=1)
    rule: Literal["insider", "dominance"] = "dominance"
    dominance: float | None = Field(default=None, gt=0, le=1)
    single_agency_countries: tuple[str, ...] = ()
    zeros: Literal["shown", "hidden"] = "shown"
    unknown: Literal["shown", "remainder"] = "shown"

    @model_validator(mode="after")
    def _has_one_rule(self) -> Self:
        if (self.rule == "dominance") != (self.dominance is not None):
            msg = "dominance: a share for the rule dominance, and none for the rule insider"
            raise ValueError(msg)
        if self.rule == "insider" and self.single_agency_countries:
            msg = "single_agency_countries: the rule insider has no country where it does not hold"
            raise ValueError(msg)
        return self
