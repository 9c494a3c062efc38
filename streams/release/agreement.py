"""The agreement of ledger, audit log, budget and topics, without which nothing is planned and nothing is sent.

Purpose: read what each place tells, in an order that leaves no gap for a second release process, and refuse with the
first difference. The rules are `streams.core.releasing.release_comparison`.

1. *Glance*, without the fence: the ledger, the log and the announcements. A process whose files are too old ends here,
   and the one that is at work is not disturbed.
2. *Fence*: from here on nobody else can send.
3. *Compare* everything, the rows of the feeds included.

Called by: `streams.release.release_process`, at its start and whenever the fence was lost; `connectors.operations` for
the records of the audit log.

Invariants:
- After each new fence everything is compared before anything is sent: another process may have released meanwhile.
- The budget is compared before noise is drawn, not only at the start: its file may have been put back meanwhile.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from schemas.errors import IntegrityError
from streams.core.releasing import release_comparison
from streams.core.releasing.release_comparison import LEDGER, LOG, BudgetAnchor, BudgetBooks, Claim, Places, budget_id
from streams.core.releasing.release_decision import Publish, ReleaseDecision
from streams.release.release_ports import ReleaseDeps
from streams.transparency.decision import Decision

__all__ = [
    "anchor_details",
    "anchor_of",
    "glance",
    "hold_fence",
    "log_claims",
    "noisy_decisions",
    "noisy_draws",
    "refuse_budget",
    "refuse_difference",
    "refuse_forgotten_ticks",
    "refuse_other_budget",
]

_EMPTY: Final = "[]"
_CODES: Final = {LEDGER: "INT-170", LOG: "INT-140"}


def glance(deps: ReleaseDeps) -> None:
    """Compare what can be read without the fence.

    Raises:
        IntegrityError: INT-140 or INT-170 to INT-173, two places do not agree.
        TransportError: the brokers do not answer.
    """
    refuse_difference(Places(deps.ledger.claims(), log_claims(deps.log.releases.values()), deps.bus.announced()))
    refuse_budget(deps)


def hold_fence(deps: ReleaseDeps) -> Places | None:
    """Take the fence if it is not held, and compare everything behind it.

    Returns:
        What every place tells, None where the fence was held and nothing had to be read.

    Raises:
        IntegrityError: INT-140 or INT-170 to INT-173, two places do not agree; the process must end.
        TransportError: the brokers do not answer.
    """
    if deps.bus.is_fenced:
        return None
    deps.bus.fence()
    try:
        feeds, announced = deps.bus.feeds(), deps.bus.announced()
        places = Places(deps.ledger.claims(), log_claims(deps.log.releases.values()), announced, feeds)
        refuse_difference(places)
    except BaseException:
        # A fence behind which nothing was compared is as good as none: the next try begins with a new one.
        deps.bus.give_up()
        raise
    return places


def refuse_budget(deps: ReleaseDeps) -> None:
    """Compare the budget with the audit log.

    Raises:
        IntegrityError: INT-173, the budget is behind what the log was told of it, or another one.
    """
    anchor = anchor_of(deps.log.last.get("budget"))
    # Also what was decided and not recorded yet: it will be sent, and must have been charged.
    pending = noisy_decisions(outcome for _, _, outcome in deps.ledger.unpublished())
    refuse_other_budget(deps.budget.books(), anchor, {**noisy_draws(deps.log.releases.values()), **pending})


def refuse_other_budget(books: BudgetBooks, anchor: BudgetAnchor | None, drawn: Mapping[str, str]) -> None:
    """Compare a budget with what a log was told of it; raises as `refuse_budget`."""
    if found := release_comparison.budget_difference(books, anchor, drawn):
        raise IntegrityError(
            "INT-173", f"the privacy budget is not the one that was charged: {found}; see amana restore"
        )


def refuse_difference(places: Places) -> None:
    """Refuse the first difference between places.

    Raises:
        IntegrityError: INT-140, the log lacks an entry; INT-170, the ledger does; INT-171, a topic does; INT-172, two
            places hold different digests of one.
    """
    found = release_comparison.first_difference(places)
    if found is None:
        return
    code = _CODES.get(found.place, "INT-171") if found.is_lacking else "INT-172"
    raise IntegrityError(code, f"{found}; nothing is released: see amana restore")


def refuse_forgotten_ticks(deps: ReleaseDeps, decisions: Sequence[Decision], actor: str) -> Sequence[Decision]:
    """Return decision records from the topic `audit`, if the ledger knows every release that they report.

    Raises:
        IntegrityError: INT-170, the ledger lacks a tick that released something.
    """
    for one in decisions:
        reported = one.details.get("cells", _EMPTY), one.details.get("withheld", _EMPTY)
        is_release = one.action == "calendar" and one.actor == actor and reported != (_EMPTY, _EMPTY)
        tick = one.details.get("tick", "")
        if is_release and not deps.ledger.is_planned(tick):
            raise IntegrityError("INT-170", f"tick {tick} is known to the topic audit, and the release ledger lacks it")
    return decisions


def log_claims(records: Iterable[Decision]) -> dict[str, Claim]:
    """Return what records of releases and of withheld tables tell, as `release|withheld table`."""
    return {
        f"{one.details['release']}|{one.details.get('table', '')}": Claim(
            one.details.get("rows", ""), one.details.get("pattern", "")
        )
        for one in records
    }


def noisy_draws(records: Iterable[Decision]) -> dict[str, str]:
    """Return the SHA-256 of the draw of every noisy release among records, by its name in the budget."""
    noisy = (one.details for one in records if one.details.get("mode") == "dp")
    return {budget_id(of["certificate.kind"], of["window"], int(of["revision"])): of["pattern"] for of in noisy}


def noisy_decisions(decisions: Iterable[ReleaseDecision]) -> dict[str, str]:
    """Return the same as `noisy_draws`, from decisions of the ledger."""
    noisy = (one for one in decisions if isinstance(one, Publish) and one.mode == "dp")
    return {budget_id(of.certificate["kind"], of.header.window, of.header.revision): of.pattern for of in noisy}


def anchor_details(books: BudgetBooks) -> dict[str, str]:
    """Return the details of the record that tells the log of the budget's present state."""
    return {"events": str(books.anchor.events), "head": books.anchor.head}


def anchor_of(record: Decision | None) -> BudgetAnchor | None:
    """Return the state of the budget that a record tells, None without one."""
    return None if record is None else BudgetAnchor(int(record.details["events"]), record.details["head"])
