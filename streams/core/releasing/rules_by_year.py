"""The rules that a release follows by year, and the refusal of a release whose year followed other rules before.

Purpose: whatever was activated, restored or edited, a year is released by one policy, from its first print to its last
revision, and out of cells that were counted in the cubes of that policy. Memory of suppression and privacy budget hang
on the kind of event and the year; within a year nothing can be renamed.
Called by: `amana.composition.release_parts`, before every plan, and `amana.composition.rehearsal`.

Invariants:
- Only the releases, the cells and the policies are read: the officers' acts may be older or newer than these.
- A cell of a cube that no policy of the site has is refused, and not left out: it would be missing without a word.
"""

from collections.abc import Callable, Sequence

from anonymizer.governance.policy_timeline import PolicyTimeline
from anonymizer.policy import Policy
from anonymizer.released_dimensions import TIMES
from schemas.errors import DisclosureError
from streams.core.calendar import Window
from streams.core.releasing.release_decision import Cells, EarlierRelease

__all__ = ["counted_years", "governed_by", "refuse_changed_rules"]

_SHOWN_DIGITS = 16
"""Digits of a policy's SHA-256 in a row."""


def governed_by(policies: PolicyTimeline, policy: Policy) -> Callable[[int], bool]:
    """Return whether a year is governed by `policy`, as a function of the year."""
    return lambda year: policies.of(year).digest == policy.digest


def counted_years(cells: Cells, policies: PolicyTimeline) -> dict[int, frozenset[tuple[str, str]]]:
    """Return year → (population, cube) of every cell with a known year.

    Raises:
        DisclosureError: DIS-153, a cell is of a cube that no policy has.
    """
    found: dict[int, set[tuple[str, str]]] = {}
    places: dict[tuple[str, str], int] = {}
    for key in cells:
        population, cube, *values = key.split("|")
        if (population, cube) not in places:
            dimensions = policies.dimensions_of(population, cube)
            if dimensions is None or len(dimensions) != len(values):
                raise DisclosureError(
                    "DIS-153", f"cells of {population}/{cube} are counted, which no policy in force has"
                )
            places[population, cube] = next(i for i, name in enumerate(dimensions) if name in TIMES)
        year = values[places[population, cube]][:4]
        if year.isdigit():
            found.setdefault(int(year), set()).add((population, cube))
    return {year: frozenset(cubes) for year, cubes in found.items()}


def refuse_changed_rules(cells: Cells, earlier: Sequence[EarlierRelease], policies: PolicyTimeline) -> None:
    """Refuse to release while a year has a print, or cells, under another policy than the one that governs it.

    Raises:
        DisclosureError: DIS-152, a year was released under another policy; DIS-153, its cells are of other cubes.
    """
    for period, digest in sorted({(row.period, row.policy) for release in earlier for row in release.rows}):
        year = Window.parse(period).year
        if digest != policies.of(year).digest[:_SHOWN_DIGITS]:
            raise DisclosureError(
                "DIS-152",
                f"{period} was released under policy {digest}, and {policies.of(year).digest[:_SHOWN_DIGITS]} governs"
                f" {year} now: the rules of a year stay those of its first print",
            )
    for year, cubes in sorted(counted_years(cells, policies).items()):
        governing = {(p.name, cube.name) for p in policies.of(year).populations for cube in p.cubes}
        if strange := sorted(cubes - governing):
            raise DisclosureError(
                "DIS-153", f"cells of {'/'.join(strange[0])} are counted in {year}, which the policy of that year lacks"
            )
