"""Authorities: which authority's reports count for which stage of criminal proceedings in which country.

Purpose: several authorities of one country report parts of one pipeline, and a person who was arrested by one and
prosecuted by another is reported by both. Each stage of a country has one owner by declaration, whose reports alone are
counted, so that no stage is added twice.
Called by: `anonymizer.policy`, whose section `authority` this is; `streams.core.counting.admit`, which refuses an event
of a stage that its agency does not own; `anonymizer.tabular.facts`, which counts the owner's part of a cell.

Invariants:
- A stage of a phenomenon in a country has one owner at most.
"""

from collections.abc import Iterable, Iterator
from itertools import product
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from schemas import codelists

__all__ = ["Authority", "faults", "owner"]


class Authority(BaseModel):
    """One declaration: an agency reports these stages in a country.

    Args:
        agency: Id of the agency.
        country: Alpha-3 code.
        stages: Codes of the list `stage`.
        phenomena: Trafficking, smuggling, or both.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    agency: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,30}$")]
    country: str
    stages: tuple[str, ...] = Field(min_length=1)
    phenomena: tuple[Literal["TIP", "SOM"], ...] = ("TIP", "SOM")

    @property
    def owned(self) -> Iterator[tuple[str, str, str]]:
        """Country, stage and phenomenon of everything that it owns."""
        return product((self.country,), self.stages, self.phenomena)


def faults(authorities: Iterable[Authority]) -> Iterator[str]:
    """Yield why declarations cannot hold: a code that is none, or a stage of two owners."""
    owners: dict[tuple[str, str, str], str] = {}
    for one in authorities:
        if not codelists.valid("country", one.country):
            yield f"authority {one.agency}: {one.country} is no alpha-3 code of a country"
        if strange := [stage for stage in one.stages if not codelists.valid("stage", stage)]:
            yield f"authority {one.agency}: {strange[0]} is no stage of proceedings"
        for place in one.owned:
            if place in owners:
                yield f"authority {one.agency}: {' '.join(place)} is declared by {owners[place]}, too"
            owners[place] = one.agency


def owner(authorities: Iterable[Authority], country: str, stage: str, phenomenon: str) -> str | None:
    """Return the agency that owns a stage in a country, None where nobody does."""
    place = country, stage, phenomenon
    return next((one.agency for one in authorities if place in one.owned), None)
