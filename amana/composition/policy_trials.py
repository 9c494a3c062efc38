"""The trial of a policy that is proposed: its text rules, and its tables on invented people.

Purpose: bring `streams.core.releasing.policy_trial` together with the solver, the mechanism and the recognisers.
Called by: `amana policy propose`.

Invariants:
- No budget is charged, and no real cell is read.
"""

from collections.abc import Callable, Iterator
from typing import Final

from anonymizer.budget.account import Account, Charge, Opened, Reserved, apply
from anonymizer.detection import presidio
from anonymizer.mechanisms.discrete_gaussian import OpenDP
from anonymizer.noise import accuracy
from anonymizer.policy import Policy
from anonymizer.solvers import highs, ortools_engine
from anonymizer.tabular.linear_program import Engine, WorkLimits
from schemas.identifiers import Rho
from streams.core.releasing import dp_release, policy_trial
from streams.core.releasing.dp_release import Noise

__all__ = ["accuracy_of", "drawn_for_nobody", "try_out"]

_NO_SEED = b"a trial needs no secret"

_PROGRAMS: Final = 60
"""Programs of one joint system: enough to see that it can be planned, not to plan it to its end (DIS-022)."""


def try_out(policy: Policy) -> tuple[policy_trial.TrialResult, ...]:
    """Check that every entity type has a recogniser, and plan three universes under a policy.

    Raises:
        ConfigurationError: CFG-010, the policy cannot be released; CFG-020, an entity type has no recogniser.
    """
    presidio.refuse_unserved(policy.text)
    engine = Engine(highs.Highs(), ortools_engine.OrtoolsAuditor(), _NO_SEED, WorkLimits(programs=_PROGRAMS))
    # In this process: so little work is done before other processes have loaded the solvers.
    return policy_trial.try_policy(policy, engine=engine, noise=Noise(OpenDP(), drawn_for_nobody))


def accuracy_of(policy: Policy) -> Iterator[str]:
    """Yield what the budget of a policy buys, and what one more table would cost; nothing where none is spent."""
    for population in policy.populations if policy.dp is not None else ():
        if population.mode == "dp" and policy.dp is not None:
            first = Rho(int(dp_release.grant_of(policy.dp, population.name) * policy.dp.parts[0]))
            yield from accuracy.statement(policy, population, first)


def drawn_for_nobody(opened: Opened, charge: Charge, draw: Callable[[Account], bytes]) -> bytes:
    """Draw as a budget of its own would allow, and keep nothing."""
    return draw(apply(apply({}, opened), Reserved(charge))[charge.scope])
