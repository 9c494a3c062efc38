"""The parts of the release process: its log, its ledger, its broker and its plan.

Purpose: choose solvers, mechanism and stores, and hand them to the pure plan and the process.
Called by: `amana.composition.stages`, for `amana worker release`; `amana.composition.rehearsal` (`planner`); tests.

Invariants:
- The solver that attacks the plan is another one than the solver that protects.
- The seed of suppression is a key of its own: repeatable for us, unknown to an attacker.
- Budget and noise are opened only if a population is released under differential privacy.
- The acts of the officers are in the audit log before anything is released under them.
"""

import dataclasses
import datetime as dt
import functools
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Final

from amana.composition import recorded_acts
from amana.composition.code_version import code_version
from amana.composition.live_policies import LivePolicies
from amana.composition.process_map import spread
from amana.composition.release_connection import PRINCIPAL, connect
from amana.keys.live_folder import LiveFolder
from amana.site import Site
from anonymizer.governance.policy_timeline import PolicyTimeline
from anonymizer.mechanisms.discrete_gaussian import OpenDP
from anonymizer.solvers import highs, ortools_engine
from anonymizer.tabular.linear_program import Engine
from connectors.adapters.budget_store import SITE_FILE, BudgetStore, SiteBudget
from connectors.adapters.release_ledger import LEDGER_FILE, ReleaseLedger
from schemas.errors import DisclosureError
from streams.core.releasing import pre_release_attack, release_plan, rules_by_year
from streams.core.releasing.dp_release import Noise
from streams.core.releasing.release_decision import EarlierRelease
from streams.release.release_ports import Cells, ReleaseDecision, ReleaseDeps
from streams.transparency.decision import Decision
from streams.transparency.log_storage import AuditStorage

__all__ = ["Planner", "compose", "planner"]

Planner = Callable[[Cells, dt.date, Sequence[EarlierRelease]], Sequence[ReleaseDecision]]
"""The plan of one tick: exact cells, date and earlier releases in; decisions out."""

_ATTACKS: Final = ("ortools.linear_solver.pywraplp",)
"""Modules that each process of the attack would take long to load."""


def compose(site: Site) -> ReleaseDeps:
    """Return the parts of a site's release process: audit log, release ledger, broker and plan.

    Raises:
        IntegrityError: the log or the ledger cannot be opened.
        TransportError, ConfigurationError: the broker is out of reach, or a schema has no id on file.
    """
    live, own = LivePolicies(site), site.party("release")
    # The ledger first: its lock is that of all files of the release process (`amana restore` takes it too).
    ledger = ReleaseLedger.open(site.path(*LEDGER_FILE))
    successor = LiveFolder((own.path,), own.audit_successor)  # looked at before the log is opened
    log = AuditStorage.open(site.path("audit"), own.key("audit-signing"), own.audit_successor())
    _hand_on(log, own.audit_successor(), live.followed.newest.digest)
    recorded_acts.record(log, site.dir, code_version())
    bus = connect(site)

    def plan(cells: Cells, as_of: dt.date, earlier: Sequence[EarlierRelease]) -> Sequence[ReleaseDecision]:
        # The stages and this process follow the policies of their start: what a newer one changes is not theirs.
        if live.waits:
            raise DisclosureError("DIS-151", f"the officers changed {live.waits}: start the system again")
        if live.is_behind:
            raise DisclosureError("DIS-151", "the officers acted while this release was prepared: ask for it again")
        # The key of suppression is read for each plan: it may have been replaced.
        return planner(live.followed, own.key("suppression"), site.path(*SITE_FILE))(cells, as_of, earlier)

    def renew() -> ReleaseDeps | None:
        _hand_on(log, successor(), live.followed.newest.digest)
        if live() is None:
            return None
        recorded_acts.record(log, site.dir, code_version())
        return dataclasses.replace(made, policy=live.followed.newest.digest)

    budget, digest = SiteBudget(site.path(*SITE_FILE)), live.followed.newest.digest
    made = ReleaseDeps(bus, log, ledger, budget, plan, digest, code_version(), renew)
    return made


def _hand_on(log: AuditStorage, private: bytes | None, policy: str) -> None:
    """Hand the audit log on to the next key, if there is one."""
    if private is not None:
        hour = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H")
        log.hand_on(private, Decision("keys", PRINCIPAL, policy, code_version(), at=hour))


def planner(policies: PolicyTimeline, seed: bytes, budget: Path) -> Planner:
    """Return the plan of a tick under these policies.

    Args:
        policies: each plans the years that it governs.
        seed: the release process's key of suppression: repeatable for us, unknown to an attacker.
        budget: the budget file, opened if a population is released under differential privacy.
    """
    return functools.partial(_plan, policies, Engine(highs.Highs(), ortools_engine.OrtoolsAuditor(), seed), budget)


def _plan(
    policies: PolicyTimeline,
    engine: Engine,
    budget: Path,
    cells: Cells,
    as_of: dt.date,
    earlier: Sequence[EarlierRelease],
) -> Sequence[ReleaseDecision]:
    """Plan a tick: protect or add noise, then attack the result with a solver that the protection did not use."""
    rules_by_year.refuse_changed_rules(cells, earlier, policies)
    apart = functools.partial(spread, modules=(*highs.MODULES, *ortools_engine.MODULES))
    attack = functools.partial(spread, modules=_ATTACKS)
    decisions: list[ReleaseDecision] = []
    with ExitStack() as stack:
        noise = None
        if any(population.mode == "dp" for policy in policies.policies for population in policy.populations):
            noise = Noise(OpenDP(), stack.enter_context(closing(BudgetStore.open(budget))).spend)
        # Years are not linked with each other, so each policy plans its own.
        for policy in policies.policies:
            governed = rules_by_year.governed_by(policies, policy)
            planned = release_plan.plan(
                cells, as_of, earlier, policy, engine=engine, noise=noise, spread=apart, governed=governed
            )
            decisions += pre_release_attack.attack_release(planned, earlier, policy, ortools_engine.ENGINES, attack)
    return tuple(decisions)
