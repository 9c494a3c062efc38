"""Running processes go over to a new policy where that changes no count, and wait for a new start elsewhere."""

import pytest

from anonymizer import policy as policies
from anonymizer.governance.policy_timeline import PolicyTimeline
from anonymizer.governance.succession import needs_start
from tests.support.policies import without_noise

YEARS = range(1990, 2028)
PROFILE = '  { name = "profile", dimensions'
SHIPPED = policies.load(without_noise())


def after(first: int, *changes: tuple[str, str]) -> PolicyTimeline:
    """Return the shipped policy followed by an altered one from a year on."""
    return PolicyTimeline.of_entries([(0, SHIPPED), (first, policies.load(without_noise(*changes)))])


def needed(first: int, *changes: tuple[str, str]) -> str:
    return needs_start(PolicyTimeline.always(SHIPPED), after(first, *changes), YEARS)


def test_rules_of_release_are_followed_at_once() -> None:
    assert needed(2020, ("k = 11 ", "k = 20 ")) == ""


def test_texts_are_treated_anew_after_a_start_alone() -> None:
    assert needed(2030, ('narratives = "withhold"', 'narratives = "mask"')) == "the treatment of texts"


@pytest.mark.parametrize(("first", "waits"), [(2027, True), (2028, False)])
def test_cubes_change_at_once_only_in_a_year_without_events(first: int, waits: bool) -> None:  # noqa: FBT001 - a case
    found = needed(
        first, (PROFILE, f'  {{ name = "extra", dimensions = ["phenomenon", "country", "period"] }},\n{PROFILE}')
    )
    assert found == ("the cubes of a year that may have events" if waits else "")


def test_a_region_without_a_topic_waits() -> None:
    assert needed(2030, ('name = "levant"\ncountries', 'name = "elsewhere"\ncountries')).startswith("a region")
