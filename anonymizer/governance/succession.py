"""The going over of running processes from the policies in force to those after an act of the officers.

Purpose: say whether it may happen between two batches, each process at a moment of its own.
Called by: `amana.composition.live_policies`.

Invariants:
- Whether a process has gone over changes no count: the cubes of every year that may have events are the same.
- Whatever a new policy changes that needs a process, a topic or a detector of its own waits for the next start.
"""

from anonymizer.governance.activation import cubes_of
from anonymizer.governance.policy_timeline import PolicyTimeline

__all__ = ["needs_start"]


def needs_start(before: PolicyTimeline, after: PolicyTimeline, years: range) -> str:
    """Return what of the new policies takes a new start of the system, empty if nothing does.

    Args:
        before: the policies that the process follows.
        after: the policies after the act.
        years: every year that may have events by now.
    """
    if any(cubes_of(before.of(year)) != cubes_of(after.of(year)) for year in years):
        return "the cubes of a year that may have events"
    # The detectors are started with the rules for texts.
    if before.newest.text != after.newest.text:
        return "the treatment of texts"
    if _regions(after) - _regions(before):
        return "a region, which has no topic yet"
    return ""


def _regions(policies: PolicyTimeline) -> frozenset[str]:
    return frozenset(region.id for policy in policies.policies for region in policy.regions)
