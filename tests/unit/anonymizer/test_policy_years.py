"""Laws of the years of a policy, and of the words in which a change is said."""

import tomllib
from typing import Any

import pytest

from anonymizer.governance.activation import first_free_year, refuse_activation
from anonymizer.governance.policy_change import changes
from anonymizer.governance.policy_timeline import PolicyTimeline
from anonymizer.policy import Policy, load
from connectors.adapters.policy_store import shipped_policy
from schemas.errors import ConfigurationError
from tests.support.policies import without_noise

SHIPPED = load(shipped_policy("suppression"))
BEFORE = PolicyTimeline.always(SHIPPED)
LOWER = load(without_noise(("k = 11 ", "k = 5 ")))
RENAMED = load(without_noise(('name = "cases"', 'name = "people"'), ('population = "cases"', 'population = "people"')))
OTHER_CUBE = load(without_noise(('name = "origin", dimensions = [', 'name = "corridor", dimensions = ["gender", ')))
LAWS = (LOWER, RENAMED, load(without_noise(("grace_days = 15", "grace_days = 30"))))


def refusal(policy: Policy, from_year: int, printed: set[int], counted: set[int]) -> str:
    """Return the code with which an activation is refused."""
    with pytest.raises(ConfigurationError) as caught:
        refuse_activation(BEFORE, (from_year, policy), printed, counted)
    return caught.value.code


@pytest.mark.parametrize("policy", LAWS)
def test_a_year_with_a_print_keeps_its_policy(policy: Policy) -> None:
    """Whatever changes: a lower k, another name of a population, another calendar."""
    assert refusal(policy, 2024, {2023, 2024}, set()) == "CFG-235"
    assert refusal(policy, 0, {2023}, set()) == "CFG-235"
    refuse_activation(BEFORE, (2025, policy), {2023, 2024}, set())


def test_other_cubes_govern_years_without_counts() -> None:
    """A renamed population counts in other cells, and so does another dimension."""
    for policy in (RENAMED, OTHER_CUBE):
        assert refusal(policy, 2025, {2024}, {2024, 2025}) == "CFG-237"
        assert first_free_year(BEFORE, policy, {2024}, {2024, 2025}) == 2026
    refuse_activation(BEFORE, (2025, LOWER), {2024}, {2024, 2025})
    assert first_free_year(BEFORE, LOWER, {2024}, {2024, 2025}) == 2025


def test_a_cube_keeps_its_dimensions_for_ever() -> None:
    """A cell key is read without its year, so one name cannot stand for two lists of dimensions."""
    other = load(without_noise(('"country", "year", "citizenship"', '"year", "country", "citizenship"')))
    assert refusal(other, 2030, set(), set()) == "CFG-237"
    kind = without_noise(('name = "referrals"\nkind = "referral"', 'name = "assistance"\nkind = "referral"'))
    kind = kind.replace('name = "assistance"\nkind = "assistance"', 'name = "referrals"\nkind = "assistance"')
    kind = kind.replace('population = "referrals"', 'population = "x"').replace(
        '"assistance"\ncube', '"referrals"\ncube'
    )
    assert refusal(load(kind.replace('population = "x"', 'population = "assistance"')), 2030, set(), set()) == "CFG-237"


def test_every_year_has_the_policy_that_was_activated_last_for_it() -> None:
    timeline = PolicyTimeline.of_entries([(0, SHIPPED), (2026, LOWER), (2025, RENAMED)])
    assert [timeline.of(year).digest for year in (1990, 2024)] == [SHIPPED.digest] * 2
    assert {timeline.of(year).digest for year in (2025, 2026, 2040)} == {RENAMED.digest}
    assert timeline.newest is RENAMED
    assert timeline.dimensions_of("people", "origin") == timeline.dimensions_of("cases", "origin") is not None
    assert timeline.dimensions_of("nobody", "origin") is None


def test_a_lower_threshold_is_said_in_persons() -> None:
    (change,) = changes(SHIPPED, LOWER)
    assert str(change) == "- Cells of 5 to 10 persons, suppressed so far, will be shown."
    (back,) = changes(LOWER, SHIPPED)
    assert str(back) == "+ Cells of 5 to 10 persons, shown so far, will be suppressed."


def test_another_name_is_said_once() -> None:
    assert [change.sentence for change in changes(SHIPPED, RENAMED)] == ["The population cases will be called people."]


def test_nothing_is_said_of_no_change() -> None:
    assert changes(SHIPPED, load(shipped_policy("suppression") + "\n# a comment")) == ()


def _settings(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:  # noqa: ANN401 - TOML
    """Return the paths of all single settings of a parsed policy."""
    if isinstance(node, dict):
        return [found for name, below in node.items() for found in _settings(below, (*path, name))]
    if isinstance(node, list) and node and isinstance(node[0], dict):
        return [found for number, below in enumerate(node) for found in _settings(below, (*path, number))]
    return [path]


def _changed(value: Any, name: str) -> Any:  # noqa: ANN401 - TOML
    """Return another value for a setting, one that a policy may have."""
    others = {"country": "region", "region": "country", "quarter": "year", "year": "month", "month": "year"}
    others |= {"withhold": "mask", "suppression": "dp", "dp": "suppression", "person-year": "aggregate"}
    if isinstance(value, list):
        return value[:-1] if value else ["JOR"]
    if isinstance(value, bool | int):
        return value + 1
    if isinstance(value, float):
        return value / 2
    return others.get(value, f"{value}-x" if name in {"name", "scheme"} else value)


def test_no_setting_changes_without_a_word() -> None:
    """Each single setting of the shipped policy is changed; where the policy still loads, something is said."""
    tried = 0
    for path in _settings(tomllib.loads(shipped_policy("suppression"))):
        document = tomllib.loads(shipped_policy("suppression"))
        node = document
        for step in path[:-1]:
            node = node[step]
        if (other := _changed(node[path[-1]], str(path[-1]))) == node[path[-1]]:
            continue
        node[path[-1]] = other
        try:
            after = Policy.model_validate({**document, "digest": "other"})
        except ValueError:
            continue
        tried += 1
        assert changes(SHIPPED, after), path
    assert tried > 60
