"""Rules of differential privacy in a policy: the loss that a person-year may suffer, its division, and the coverage.

Purpose: the sections `dp` and `coverage` of a policy file, and the reasons for which one is refused.
Called by: `anonymizer.policy`, which holds both; `streams.core.releasing.dp_release`.

Invariants:
- The publications of a year never spend more than the loss that is promised, nor do the populations together.

Source: Bun and Steinke 2016 for the loss as rho; `docs/adr/0043-workload-of-tables.md` for the relations.
"""

from fractions import Fraction
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from schemas.catalogue import Kind

__all__ = ["Coverage", "Privacy"]

_PUBLICATIONS = 2  # of a window, by the calendar: the first publication and one revision


class Privacy(BaseModel):
    """Privacy loss of a person-year over all populations of mode `dp`, and its division.

    Args:
        epsilon: The loss of a person-year in all populations and publications together, for the `delta` beside it.
        delta: The probability with which the loss may be larger.
        relation: Against whom the loss is bounded. `person-year`: everything about one person is there or not.
            `insider`: what the other agencies report about her is there or not, while an agency's own reports stay.
        populations: The share of the loss for each population.
        shares: The share of a population's loss for the first publication and for its revision.
        late: The largest share of persons who may come or change after the first publication; a revision weighs the two
            publications by it.
        codes: For each dimension in which a person may have several codes: how many of them count in full.
        uncertain: A value whose 90 % interval reaches further than this share of the value is marked as too uncertain.
        first_year: The year from which on windows are published.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    epsilon: float = Field(gt=0, le=20)
    delta: float = Field(gt=0, le=1e-3)
    relation: Literal["insider", "person-year"]
    populations: dict[str, float]
    shares: tuple[float, ...]
    late: float = Field(gt=0, le=0.5)
    codes: dict[str, Annotated[int, Field(ge=1, le=40)]] = {}
    uncertain: float = Field(gt=0, le=10)
    # from a fixed year on, whoever is in a window: publishing only windows with persons would tell that there are some
    first_year: int = Field(ge=1900)

    @property
    def parts(self) -> tuple[Fraction, ...]:
        """The shares of the publications as exact fractions of their decimal text."""
        return tuple(Fraction(str(share)) for share in self.shares)

    @property
    def people_that_differ(self) -> int:
        """The number of cells of a margin that one person may change: two against an insider, one else."""
        return 2 if self.relation == "insider" else 1

    def share_of(self, population: str) -> Fraction:
        """Return a population's share of the loss."""
        return Fraction(str(self.populations[population]))

    @model_validator(mode="after")
    def _is_not_overspent(self) -> Self:
        if len(self.shares) != _PUBLICATIONS or min(self.shares) <= 0:
            msg = "shares: one for the first publication and one for its revision"
            raise ValueError(msg)
        if sum(self.parts) > 1:
            msg = "shares: the publications of a year spend more than its budget"
            raise ValueError(msg)
        of_populations = [self.share_of(name) for name in self.populations]
        if any(share <= 0 for share in of_populations) or sum(of_populations) > 1:
            msg = "populations: each has a share above zero, and together they spend no more than the budget"
            raise ValueError(msg)
        return self


class Coverage(BaseModel):
    """Countries in which agencies of the collaborative report a kind of event, by agreement: this is public.

    Args:
        kind: The kind of event.
        countries: Alpha-3 codes.
        first: The first year of it.
        last: The last year of it, None while it goes on.
        agencies: The agencies that report, by id.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    kind: Kind
    countries: tuple[str, ...] = Field(min_length=1)
    first: int = Field(ge=1900)
    last: int | None = Field(default=None, ge=1900)
    agencies: tuple[str, ...] = ()

    def holds(self, kind: str, year: int) -> bool:
        """Tell whether a kind of event is reported in a year."""
        return self.kind == kind and self.first <= year <= (self.last or year)
