"""Laws of a rehearsal: it plans and attacks like a release, and leaves ledger and budget as they were."""

import datetime as dt
import hashlib
from pathlib import Path

import pytest

from amana.composition.rehearsal import rehearse_on
from amana.composition.release_parts import planner
from anonymizer.governance.policy_timeline import PolicyTimeline
from anonymizer.policy import Policy
from connectors.adapters.budget_store import SITE_FILE, BudgetStore
from connectors.adapters.release_ledger import ReleaseLedger
from tests.support.disclosure import PEOPLE, RULES, YEAR, cells_of
from tests.support.noisy import NOISE, noisy_policy
from tests.support.noisy import cells_of as noisy_cells_of

KEY = b"k" * 32
FIRST, LATER = dt.date(2023, 8, 1), dt.date(2024, 2, 1)
PLAIN = noisy_policy({"levant": ("IRQ", "LBN"), "pave": ("EGY", "IRQ")}, [("country", "quarter", ())])
NOISY = PLAIN.model_copy(update={"dp": NOISE.model_copy(update={"first_year": 2023}), "digest": "c" * 64})
CELLS = {RULES.digest: cells_of(PEOPLE), NOISY.digest: noisy_cells_of(PEOPLE, YEAR)}
"""Policy → the exact cells that are counted under it."""


def release(folder: Path, policies: PolicyTimeline) -> ReleaseLedger:
    """Release the first half of the year into a ledger, which stays open as that of a release process does."""
    ledger = ReleaseLedger.open(folder / "ledger.sqlite")
    cells = CELLS[policies.newest.digest]
    decisions = planner(policies, KEY, folder / SITE_FILE[-1])(cells, FIRST, ())
    ledger.commit("first", 0, FIRST, (decisions, cells))
    return ledger


def state(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file."""
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.iterdir() if file.is_file()}


@pytest.mark.parametrize("policy", [RULES, NOISY], ids=["suppression", "noise"])
def test_a_rehearsal_says_what_a_release_would_and_keeps_nothing(policy: Policy, tmp_path: Path) -> None:
    """Beside an open ledger, with earlier releases in it; a budget of the same bytes has no further charge or draw."""
    policies = PolicyTimeline.always(policy)
    ledger = release(tmp_path, policies)
    before = state(tmp_path)
    rehearsed = rehearse_on(tmp_path, CELLS[policy.digest], LATER, (policies, KEY))
    assert state(tmp_path) == before
    assert [path for path in tmp_path.iterdir() if path.is_dir()] == []
    assert not rehearsed.answer.code
    lines = {(line.population, line.year) for line in rehearsed.answer.lines}
    assert ("cases", 2023) in lines
    assert rehearsed.recovered == 0
    if policy is RULES:
        assert rehearsed.attacks > 0
        assert "insider" in rehearsed.names
    else:
        budget = BudgetStore.open(tmp_path / SITE_FILE[-1])
        (account,) = budget.state().values()
        assert {charge.window for charge in account.charges.values()} == {"2023-Q1", "2023-Q2"}
        budget.close()
    ledger.close()


def test_a_rehearsal_of_other_rules_for_a_year_with_a_print_is_refused(tmp_path: Path) -> None:
    release(tmp_path, PolicyTimeline.always(RULES)).close()
    lower = RULES.suppression.model_copy(update={"k": 2})
    other = RULES.model_copy(update={"suppression": lower, "digest": "b" * 64})
    rules = PolicyTimeline.of_entries([(0, RULES), (2023, other)])
    rehearsed = rehearse_on(tmp_path, cells_of(PEOPLE), LATER, (rules, KEY))
    assert rehearsed.answer.code == "DIS-152"
    allowed = PolicyTimeline.of_entries([(0, RULES), (2024, other)])
    assert not rehearse_on(tmp_path, cells_of(PEOPLE), LATER, (allowed, KEY)).answer.code
