"""The parts of the release process: its log, its ledger, its broker and its plan.

Purpose: choose solvers, mechanism and stores, and hand them to the pure plan and the process.
Called by: `amana.composition.stages`, for `amana worker release`; tests.

Invariants:
- The solver that attacks the plan is another one than the solver that protects.
- The seed of suppression is a key of its own: repeatable for us, unknown to an attacker.
- Budget and noise are opened only if a population is released under differential privacy.
"""

import datetime as dt
import functools
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Final

from amana.composition.code_version import code_version
from amana.composition.process_map import spread
from amana.composition.release_connection import connect
from amana.site import Site
from anonymizer.mechanisms.discrete_gaussian import OpenDP
from anonymizer.policy import Policy
from anonymizer.solvers import highs, ortools_engine
from anonymizer.tabular.linear_program import Engine
from connectors.adapters.budget_store import SITE_FILE, BudgetStore, SiteBudget
from connectors.adapters.release_ledger import LEDGER_FILE, ReleaseLedger
from streams.core.releasing import pre_release_attack, release_plan
from streams.core.releasing.dp_release import Noise
from streams.core.releasing.release_decision import EarlierRelease
from streams.release.release_ports import Cells, ReleaseDecision, ReleaseDeps
from streams.transparency.log_storage import AuditStorage

__all__ = ["compose"]

_ATTACKS: Final = ("ortools.linear_solver.pywraplp",)
"""Modules that each process of the attack would take long to load."""


def compose(site: Site) -> ReleaseDeps:
    """Return the parts of a site's release process: audit log, release ledger, broker and plan.

    Raises:
        IntegrityError: the log or the ledger cannot be opened.
        TransportError, ConfigurationError: the broker is out of reach, or a schema has no id on file.
    """
    policy, own = site.policy(), site.party("release")
    # The ledger first: its lock is that of all files of the release process (`amana restore` takes it too).
    ledger = ReleaseLedger.open(site.path(*LEDGER_FILE))
    log = AuditStorage.open(site.path("audit"), own.key("audit-signing"))
    bus = connect(site)
    # The choice between equally good suppressions must be repeatable for us and unknown to an attacker.
    seed = own.key("suppression")
    plan = functools.partial(
        _plan, policy, Engine(highs.Highs(), ortools_engine.OrtoolsAuditor(), seed), site.path(*SITE_FILE)
    )
    return ReleaseDeps(bus, log, ledger, SiteBudget(site.path(*SITE_FILE)), plan, policy.digest, code_version())


def _plan(
    policy: Policy, engine: Engine, budget: Path, cells: Cells, as_of: dt.date, earlier: Sequence[EarlierRelease]
) -> Sequence[ReleaseDecision]:
    """Plan a tick: protect or add noise, then attack the result with a solver that the protection did not use."""
    apart = functools.partial(spread, modules=(*highs.MODULES, *ortools_engine.MODULES))
    with ExitStack() as stack:
        noise = None
        if any(population.mode == "dp" for population in policy.populations):
            noise = Noise(OpenDP(), stack.enter_context(closing(BudgetStore.open(budget))).spend)
        planned = release_plan.plan(cells, as_of, earlier, policy, engine=engine, noise=noise, spread=apart)
    return pre_release_attack.attack_release(
        planned, earlier, policy, ortools_engine.ENGINES, functools.partial(spread, modules=_ATTACKS)
    )
