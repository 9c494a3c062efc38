"""The policies of a site as a running process sees them: an act of the officers is followed from the next batch on.

Purpose: tell a stage, before each batch, the policies that it goes over to; and tell the release process why it cannot.
Called by: `amana.composition.stages`, `amana.composition.release_parts`.

Invariants:
- Only acts that continue those that are followed are gone over to, each checked as at a start. One that is not valid
  changes nothing here, and ends the next start.
- Policies that need a new start (`anonymizer.governance.succession`) are not gone over to: the process follows those
  of its start, and the release process releases nothing until the system was started again.
"""

import datetime as dt

from amana.keys.live_folder import LiveFolder
from amana.keys.making import FIRST_YEAR
from amana.site import Site
from anonymizer.governance.policy_timeline import PolicyTimeline
from anonymizer.governance.succession import needs_start
from connectors.adapters.policy_store import PolicyStore

__all__ = ["LivePolicies"]


class LivePolicies:
    """The policies of one site; call it for those to go over to, None if there are none.

    Args:
        site: the site.
    """

    def __init__(self, site: Site) -> None:
        """Read the policies in force, and remember which they are."""
        self._site, self._store = site, PolicyStore(site.dir)
        self._live = LiveFolder((site.path("policies", "acts"),), self._read)
        self._acts, self.followed = self._read()
        """The policies that the process follows."""
        self.waits = ""
        """What of a later act takes a new start; empty if there is no such act."""

    def _read(self) -> tuple[tuple[str, ...], PolicyTimeline]:
        """Return the ids of the acts, and the policies in force; an act in between counts as not followed."""
        return self._ids(), self._site.policies()

    def _ids(self) -> tuple[str, ...]:
        return tuple(act.id for act in self._store.acts())

    def __call__(self) -> PolicyTimeline | None:
        """Return the policies to go over to, if the officers acted since the last call."""
        if (read := self._live()) is None or self.waits:
            return None
        acts, found = read
        # Acts that were taken back are none to follow: the log contradicts them at the next start.
        if acts[: len(self._acts)] != self._acts:
            return None
        # An event may be dated tomorrow: on the last day of a year the next one may have events.
        latest = (dt.datetime.now(dt.UTC) + dt.timedelta(days=1)).year
        self.waits = needs_start(self.followed, found, range(FIRST_YEAR, latest + 1))
        if self.waits:
            return None
        self.followed, self._acts = found, acts
        return found

    @property
    def is_behind(self) -> bool:
        """Whether the acts are others than those of the policies that the process follows."""
        return self._ids() != self._acts
