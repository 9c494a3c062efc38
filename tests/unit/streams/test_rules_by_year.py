"""Laws of the years of a release: one policy a year, whatever the folder of policies says meanwhile."""

import datetime as dt

import pytest

from anonymizer.governance.policy_timeline import PolicyTimeline
from anonymizer.policy import load
from connectors.adapters.policy_store import shipped_policy
from schemas.errors import DisclosureError
from streams.core.releasing.release_decision import EarlierRelease
from streams.core.releasing.release_plan import plan
from streams.core.releasing.rules_by_year import counted_years, governed_by, refuse_changed_rules
from tests.support.disclosure import PEOPLE, RULES, all_rows, cells_of, engine, kept
from tests.support.policies import without_noise

LOWER = RULES.model_copy(
    update={"suppression": RULES.suppression.model_copy(update={"k": 3}), "digest": "b" * 64, "name": "lower"}
)
DAY = dt.date(2024, 2, 1)
FIRST = PolicyTimeline.always(RULES)


def refusal(cells: dict[str, dict[str, int]], earlier: tuple[EarlierRelease, ...], policies: PolicyTimeline) -> str:
    """Return the code with which a release is refused."""
    with pytest.raises(DisclosureError) as caught:
        refuse_changed_rules(cells, earlier, policies)
    return caught.value.code


def test_a_year_with_a_print_is_not_released_under_another_policy() -> None:
    """Whether the folder was edited, or an act activated that should have been refused."""
    first = kept(PEOPLE, plan(cells_of(PEOPLE), DAY, (), RULES, engine=engine()))
    assert {row.policy for row in first.rows} == {RULES.digest[:16]}
    refuse_changed_rules(cells_of(PEOPLE), (first,), FIRST)
    refuse_changed_rules(cells_of(PEOPLE), (first,), PolicyTimeline.of_entries([(0, RULES), (2024, LOWER)]))
    for entries in ([(0, LOWER)], [(0, RULES), (2023, LOWER)], [(0, RULES), (0, LOWER)]):
        assert refusal(cells_of(PEOPLE), (first,), PolicyTimeline.of_entries(entries)) == "DIS-152"


def test_a_policy_plans_the_years_that_it_governs() -> None:
    """Together the policies of a site plan every year once, each with its own k."""
    policies = PolicyTimeline.of_entries([(0, RULES), (2024, LOWER)])
    cells = {**cells_of(PEOPLE, 2023), **cells_of(PEOPLE, 2024)}
    rows = {
        policy.digest: all_rows(
            plan(cells, dt.date(2025, 2, 1), (), policy, engine=engine(), governed=governed_by(policies, policy))
        )
        for policy in policies.policies
    }
    assert {(row.period[:4], row.k) for row in rows[RULES.digest]} == {("2023", 11)}
    assert {(row.period[:4], row.k) for row in rows[LOWER.digest]} == {("2024", 3)}


def test_cells_of_a_cube_that_no_policy_of_the_year_has_are_refused() -> None:
    """They would be missing from a release without a word."""
    shipped = load(shipped_policy("suppression"))
    renamed = load(
        without_noise(('name = "cases"', 'name = "people"'), ('population = "cases"', 'population = "people"'))
    )
    policies = PolicyTimeline.of_entries([(0, shipped), (2026, renamed)])
    old, new = "cases|origin|TIP|confirmed|LBN|{}|SYR", "people|origin|TIP|confirmed|LBN|{}|SYR"
    refuse_changed_rules({old.format(2025): {"a": 1}, new.format(2026): {"a": 1}}, (), policies)
    assert refusal({old.format(2026): {"a": 1}}, (), policies) == "DIS-153"
    assert refusal({new.format(2025): {"a": 1}}, (), policies) == "DIS-153"
    assert refusal({"others|origin|TIP|confirmed|LBN|2025|SYR": {"a": 1}}, (), policies) == "DIS-153"
    assert refusal({"cases|origin|TIP|LBN|2025|SYR": {"a": 1}}, (), policies) == "DIS-153"


def test_the_years_of_cells_are_read_from_month_or_year() -> None:
    policies = PolicyTimeline.always(load(shipped_policy("suppression")))
    cells = {
        "cases|origin|TIP|confirmed|LBN|2025|SYR": {"a": 1},
        "referrals|service|TIP|confirmed|LBN|2024-03|F|Legal": {"a": 1},
        "indicators|community|SOM|Begging|JOR|2023|Refugees|F|adult": {"a": 1},
    }
    assert counted_years(cells, policies) == {
        2025: {("cases", "origin")},
        2024: {("referrals", "service")},
        2023: {("indicators", "community")},
    }
