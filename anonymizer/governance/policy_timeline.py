"""The policies of a site by year: which policy governs the events, the cells and the releases of a year.

Purpose: one set of rules for a year. Rules that hold at the moment, whatever the year, are those of the newest policy:
the treatment of free text and the levels of generalisation.
Called by: `connectors.adapters.policy_store`, which makes one out of the officers' acts; `streams.stages`,
`streams.core.counting.cube`, `streams.core.releasing.rules_by_year` and `amana.composition`, which ask it.

Invariants:
- Every year has exactly one policy: the last one put in force of those whose first year is not after it.
- A cube of one name has one list of dimensions in all policies, so a cell key can be read without its year.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from anonymizer.policy import Policy
from schemas.errors import ConfigurationError

__all__ = ["PolicyTimeline"]


@dataclass(frozen=True, slots=True)
class PolicyTimeline:
    """Policies in the order in which they were put in force, each with the first year that it governs.

    Args:
        entries: (first year, policy); the first entry governs from year 0 on.
    """

    entries: tuple[tuple[int, Policy], ...]

    @classmethod
    def always(cls, policy: Policy) -> Self:
        """Return the timeline of a policy that governs every year."""
        return cls(((0, policy),))

    @classmethod
    def of_entries(cls, entries: Sequence[tuple[int, Policy]]) -> Self:
        """Return the timeline of these policies.

        Raises:
            ConfigurationError: CFG-237, one name stands for two cubes, or for populations of two kinds.
        """
        kinds: dict[str, tuple[str, str | None]] = {}
        cubes: dict[tuple[str, str], tuple[str, ...]] = {}
        for population in (population for _, policy in entries for population in policy.populations):
            counted = population.kind, population.measure
            if kinds.setdefault(population.name, counted) != counted:
                raise ConfigurationError(
                    "CFG-237", f"population {population.name} counted something else: give it another name"
                )
            for cube in population.cubes:
                if cubes.setdefault((population.name, cube.name), cube.dimensions) != cube.dimensions:
                    raise ConfigurationError(
                        "CFG-237", f"cube {population.name}/{cube.name} had other dimensions: give it another name"
                    )
        return cls(tuple(entries))

    @property
    def newest(self) -> Policy:
        """The policy that was put in force last."""
        return self.entries[-1][1]

    @property
    def policies(self) -> tuple[Policy, ...]:
        """Every policy once, in the order in which they were put in force first."""
        return tuple({policy.digest: policy for _, policy in self.entries}.values())

    def of(self, year: int) -> Policy:
        """Return the policy that governs a year."""
        return next(policy for first, policy in reversed(self.entries) if first <= year)

    def dimensions_of(self, population: str, cube: str) -> tuple[str, ...] | None:
        """Return the dimensions of a cube of any of the policies; None if none has it."""
        named = (
            one.dimensions
            for policy in self.policies
            for counted in policy.populations
            if counted.name == population
            for one in counted.cubes
            if one.name == cube
        )
        return next(named, None)
