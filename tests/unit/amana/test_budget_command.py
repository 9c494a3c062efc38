"""`amana budget show`: what an officer reads of spent and left."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from amana.__main__ import build
from anonymizer.budget.account import BudgetScope, Charge, Opened
from anonymizer.budget.accounting import granted
from connectors.adapters.budget_store import BudgetStore
from schemas.errors import ConfigurationError
from schemas.identifiers import ReleaseId, Rho

RHO = granted(1.0, 1e-6)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return a data directory whose budget paid for a first quarter of one population and a whole year of another."""
    budget = BudgetStore.open(tmp_path / "ledger" / "budget.sqlite")
    for population, rho in (("cases", RHO // 4), ("referrals", RHO)):
        scope = BudgetScope(population, 2024)
        charge = Charge(ReleaseId(f"{population}-1"), scope, "f" * 64, 0, "2024-Q1", Rho(rho))
        budget.spend(Opened(scope, "f" * 64, Rho(RHO), 2), charge, lambda _: b"drawn")
    budget.close()
    return tmp_path


def test_an_officer_reads_spent_and_left(data: Path) -> None:
    answer = CliRunner().invoke(build(), ["budget", "show", "--data", str(data)])
    assert answer.exit_code == 0
    assert "referrals 2024, for one person-year, policy ffffffffffffffff" in answer.output
    assert "left     rho 0.000000000   epsilon 0.0000 at delta 1e-06" in answer.output
    assert "spent    rho 0.024355970   epsilon 1.0000 at delta 1e-06" in answer.output


def test_a_program_reads_every_release(data: Path) -> None:
    answer = CliRunner().invoke(build(), ["budget", "show", "--data", str(data), "--json"])
    cases, referrals = map(json.loads, answer.output.splitlines())
    assert cases["spent_rho_ppb"] + cases["left_rho_ppb"] == cases["granted_rho_ppb"] == RHO
    assert cases["spent_epsilon"] < 0.5
    assert referrals["spent_epsilon_exact"] == pytest.approx(0.93, abs=0.005)
    assert referrals["releases"] == [
        {"release": "referrals-1", "window": "2024-Q1", "revision": 0, "rho_ppb": RHO, "drawn": True}
    ]


def test_a_site_without_a_budget_is_said_to_have_none(tmp_path: Path) -> None:
    answer = CliRunner().invoke(build(), ["budget", "show", "--data", str(tmp_path)])
    assert isinstance(answer.exception, ConfigurationError)
    assert answer.exception.code == "CFG-160"
    assert not (tmp_path / "ledger").exists()
