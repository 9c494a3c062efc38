"""The way of a policy into force: proposed, signed by two officers, activated; each step in the audit log.

Purpose: bring the officers' acts (`anonymizer.governance`), their folder (`connectors.adapters.policy_store`) and the
state of the site together: which years have a print, and which are counted.
Called by: `amana policy`.

1. `propose_policy`, or `propose_officer`: the text is loaded, its first year is checked, an act is written.
2. `sign`: by each of two officers, with a key that this machine need not keep.
3. `activate`: signatures and years are checked again, and the act is in force. Running processes follow it
   (`amana.composition.live_policies`), or read it at their next start.

Invariants:
- Before the first act there is no broker to record anything at: the release process records it at its first start.
- After it, the broker has acknowledged the record of a step before the step is taken.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from amana.composition import recorded_acts
from amana.composition.code_version import code_version
from amana.site import Site
from anonymizer.governance import activation, approval
from anonymizer.governance.policy_act import PolicyAct
from anonymizer.governance.policy_timeline import PolicyTimeline
from anonymizer.policy import Policy, load
from connectors.adapters.policy_store import PolicyStore, Proposal
from connectors.operations import exact_cells, operator_record
from schemas.errors import ConfigurationError
from streams.broker import access
from streams.core.calendar import Window
from streams.core.releasing import rules_by_year
from streams.transparency import log_verification
from streams.transparency.decision import Decision

__all__ = [
    "YearsTaken", "activate", "first_year_of", "propose_officer", "propose_policy", "sign", "years_taken",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class YearsTaken:
    """The years that a new policy may not govern: those with a print, and those with counts."""

    printed: frozenset[int]
    counted: frozenset[int]


def years_taken(site: Site, policies: PolicyTimeline) -> YearsTaken:
    """Return the years with a print, from the audit log, and those with counts, from the exact cells.

    Raises:
        TransportError: TRA-030, the broker is out of reach.
        DisclosureError: DIS-153, cells are counted that no policy has.
    """
    log = site.path("audit")
    printed = {
        Window.parse(entry.details["window"]).year
        for _, entry in (log_verification.entries(log) if (log / "entries.jsonl").exists() else ())
        if entry.source is None and "window" in entry.details
    }
    cells = exact_cells.by_agency(site.cluster(access.OPERATOR))
    return YearsTaken(frozenset(printed), frozenset(rules_by_year.counted_years(cells, policies)))


def first_year_of(home: Path, policy: Policy, from_year: int | None = None) -> int:
    """Return the first year that a policy may govern, or the year that is asked for if it may govern that.

    Args:
        home: the site's folder.
        policy: the new policy.
        from_year: the year that is asked for; None for the first free one.

    Raises:
        ConfigurationError: CFG-235 and CFG-237, the policy may not govern that year.
        TransportError: TRA-030, the broker is out of reach.
    """
    store = PolicyStore(home)
    if not store.acts():
        return 0
    policies = store.timeline()
    taken = years_taken(Site.open(home), policies)
    if from_year is None:
        from_year = activation.first_free_year(policies, policy, taken.printed, taken.counted)
    activation.refuse_activation(policies, (from_year, policy), taken.printed, taken.counted)
    return from_year


def propose_policy(home: Path, text: str, from_year: int | None = None) -> Proposal:
    """Propose a policy; arguments as of `first_year_of`.

    Raises:
        ConfigurationError: CFG-010, the text is refused; CFG-238, fewer than two officers handed in a key; CFG-235 and
            CFG-237, the policy may not govern that year.
        TransportError: TRA-030 or TRA-171, the broker is out of reach, once a policy is in force.
    """
    store = PolicyStore(home)
    policy, acts = load(text), store.acts()
    first = first_year_of(home, policy, from_year)
    officers = acts[-1].officers if acts else store.handed_in()
    act = PolicyAct(len(acts), acts[-1].id if acts else "", officers, policy.digest, first)
    act.refuse_bad_officers()
    if acts:
        _record(Site.open(home), act, "proposed")
    store.keep(text)
    return store.propose(act)


def propose_officer(home: Path, name: str, key: str | None) -> Proposal | None:
    """Enrol an officer, or remove one if `key` is None; return the proposal, None before the first act.

    Raises:
        ConfigurationError: CFG-238, the name or the key is not accepted, or fewer than two officers would be left.
    """
    store = PolicyStore(home)
    acts = store.acts()
    if not acts:
        if key is None:
            raise ConfigurationError(
                "CFG-238", "before the first policy, take the officer's file out of public/officers"
            )
        store.hand_in(name, key)
        return None
    officers = {known: own for known, own in acts[-1].officers.items() if known != name}
    if (key is None) == (len(officers) == len(acts[-1].officers)):
        raise ConfigurationError("CFG-238", f"there is {'no' if key is None else 'already an'} officer {name}")
    after = officers if key is None else {**officers, name: key.strip()}
    act = PolicyAct(acts[-1].number + 1, acts[-1].id, after, acts[-1].policy, acts[-1].from_year)
    act.refuse_bad_officers()
    _record(Site.open(home), act, "proposed")
    return store.propose(act)


def sign(home: Path, proposal: Proposal, officer: str, private: bytes) -> Proposal:
    """Sign a proposal as an officer.

    Raises:
        ConfigurationError: CFG-241, she has signed already; CFG-233, she is no officer, or the key is not hers;
            CFG-239, the proposal does not follow the acts in force.
    """
    store = PolicyStore(home)
    acts = store.acts()
    _refuse_stale(proposal, acts)
    if officer in proposal.signatures:
        raise ConfigurationError("CFG-241", f"{officer} has signed already: the second signature is another officer's")
    signers = acts[-1].officers if acts else proposal.act.officers
    if signers.get(officer) != approval.public_key_of(private):
        raise ConfigurationError("CFG-233", f"that is not the key of an officer {officer} of this site")
    if acts:
        _record(Site.open(home), proposal.act, "signed", officer)
    return store.add_signature(proposal, officer, approval.sign(proposal.act, private))


def activate(home: Path, proposal: Proposal) -> PolicyAct:
    """Put a proposal in force.

    Raises:
        ConfigurationError: CFG-232 and CFG-233, it is not signed by two officers; CFG-235 and CFG-237, the policy may
            not govern a year any more; CFG-239, the proposal does not follow the acts in force.
    """
    store = PolicyStore(home)
    acts = store.acts()
    _refuse_stale(proposal, acts)
    approval.refuse_unapproved(approval.SignedAct(proposal.act.statement(), proposal.signatures), acts)
    if acts:
        site, policies, act = Site.open(home), store.timeline(), proposal.act
        if (act.policy, act.from_year) != (acts[-1].policy, acts[-1].from_year):
            taken = years_taken(site, policies)
            entry = (act.from_year, store.policy(act.policy))
            activation.refuse_activation(policies, entry, taken.printed, taken.counted)
        _record(site, act, "activated by the operator", ", ".join(sorted(proposal.signatures)))
    return store.activate(proposal)


def _refuse_stale(proposal: Proposal, acts: tuple[PolicyAct, ...]) -> None:
    if (proposal.act.number, proposal.act.previous) != (len(acts), acts[-1].id if acts else ""):
        raise ConfigurationError("CFG-239", "the proposal follows an act that is not the last one: propose it again")


def _record(site: Site, act: PolicyAct, decision: str, by: str = "") -> None:
    """Send the record of a step to the audit log."""
    details: Mapping[str, str] = recorded_acts.details_of(act, decision) | ({"by": by} if by else {})
    entry = Decision(recorded_acts.ACTION, access.OPERATOR, act.policy, code_version(), details=details)
    operator_record.send(site.cluster(access.OPERATOR), entry)
