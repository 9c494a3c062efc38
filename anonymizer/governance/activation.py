"""The years that a new policy may govern: those without a print, and without counts in other cubes.

Purpose: decide whether a policy may be put in force from a year on, and which year is the first that it may govern.
Called by: `amana.composition.policy_changes`, when a policy is proposed and again when it is activated. The release
plan asks the like at every release (`streams.core.releasing.rules_by_year`), from the releases themselves.

Invariants:
- A year keeps its policy from its first print to its last revision and after it: whatever changes, the rows of a year
  stay comparable, and no protection that the first print relied on is taken away.
- The exact cells of a year are counted in the cubes of one policy.
"""

from collections.abc import Collection

from anonymizer.governance.policy_timeline import PolicyTimeline
from anonymizer.policy import Policy
from schemas.errors import ConfigurationError

__all__ = ["cubes_of", "first_free_year", "refuse_activation"]


def cubes_of(policy: Policy) -> frozenset[tuple[str, ...]]:
    """Return what a policy counts: one tuple of kind, population, cube and dimensions for each cube."""
    return frozenset((p.kind, p.name, cube.name, *cube.dimensions) for p in policy.populations for cube in p.cubes)


def first_free_year(
    timeline: PolicyTimeline, policy: Policy, printed: Collection[int], counted: Collection[int]
) -> int:
    """Return the first year that a policy may govern; 0, every year, if nothing was printed or counted yet.

    Args:
        timeline: the policies in force.
        policy: the new policy.
        printed: the years of which anything was released.
        counted: the years in which events are counted.
    """
    taken = [*printed, *(year for year in counted if cubes_of(timeline.of(year)) != cubes_of(policy))]
    return max(taken, default=-1) + 1


def refuse_activation(
    timeline: PolicyTimeline, entry: tuple[int, Policy], printed: Collection[int], counted: Collection[int]
) -> None:
    """Refuse a policy that would change the rules of a year with a print, or mix two kinds of counts.

    Args:
        timeline: the policies in force.
        entry: the first year that the new policy is to govern, and the policy.
        printed: the years of which anything was released.
        counted: the years in which events are counted.

    Raises:
        ConfigurationError: CFG-235, a year has a print; CFG-237, the cubes of a year would change, or a name would
            stand for two things.
    """
    from_year, policy = entry
    PolicyTimeline.of_entries([*timeline.entries, entry])
    for year in sorted(year for year in printed if year >= from_year):
        if timeline.of(year).digest != policy.digest:
            raise ConfigurationError(
                "CFG-235",
                f"{year} has a print: its rules stay those of policy {timeline.of(year).digest[:16]};"
                f" the first free year is {first_free_year(timeline, policy, printed, counted)}",
            )
    for year in sorted(year for year in counted if year >= from_year):
        if cubes_of(timeline.of(year)) != cubes_of(policy):
            raise ConfigurationError(
                "CFG-237",
                f"events of {year} are counted in the cubes of policy {timeline.of(year).digest[:16]};"
                f" the first free year is {first_free_year(timeline, policy, printed, counted)}",
            )
