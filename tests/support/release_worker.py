"""The release process of a site with a fixed plan, to be killed at any moment: `python -m … DATA`."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from amana.composition.release_parts import compose
from amana.site import Site
from streams.core.releasing.release_decision import EarlierRelease, ReleaseDecision
from streams.release import release_process
from tests.support.releases import a_publish, a_withhold

RELEASES = 40


def planned(release_id: str) -> tuple[ReleaseDecision, ...]:
    """Return what each tick releases: many small tables, and one that is withheld."""
    many = (a_publish(f"{release_id}-{n}", window=f"{1980 + n}", rows=6) for n in range(RELEASES))
    return (*many, a_withhold(f"{release_id}-0"))


def _plan(_cells: object, as_of: object, earlier: Sequence[EarlierRelease]) -> Sequence[ReleaseDecision]:
    name = str(as_of)
    return () if any(row.release.startswith(name) for one in earlier for row in one.rows) else planned(name)


if __name__ == "__main__":
    release_process.run(replace(compose(Site.open(Path(sys.argv[1]))), plan=_plan))
