"""The comparison of everything that tells what was released: ledger, audit log, topics, and the privacy budget.

Purpose: no release is planned, and nothing is sent, while one of these places knows more than the others, or something
else. A file that was lost, or that was put back from a backup, would otherwise let a release be made a second time with
other numbers.
Called by: `streams.release.agreement`, whenever the release process has taken its fence;
`connectors.operations.release_backup` and `release_restore`, on copies.

A release id with the table that is withheld from it, as `release|table`, names one entry; the table is empty for the
publication itself. An entry goes through five states:

| state | ledger | log | topic `ledger` | topics `trend.*` |
|---|---|---|---|---|
| decided | entered, not sent | - | - | - |
| recorded | entered, not sent | recorded | - | - |
| announced | entered, not sent | recorded | announced | - |
| out | entered, not sent | recorded | announced | all rows |
| finished | entered, sent | recorded | announced | all rows |

Invariants:
- These five states, and no other, are agreement: each of them is what a crash of an honest process leaves behind.
- A withheld table has no values and is not announced.
- A digest that a place does not hold is compared with nothing.
- A privacy budget agrees if it continues the one that the log was told of, and holds the draw of every noisy release in
  the log.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from schemas.identifiers import ReleaseId

__all__ = [
    "ANNOUNCED",
    "FEEDS",
    "LEDGER",
    "LOG",
    "BudgetAnchor",
    "BudgetBooks",
    "Claim",
    "Difference",
    "Places",
    "budget_difference",
    "budget_id",
    "differences",
    "first_difference",
    "sendable_again",
]

LEDGER: Final = "the release ledger"
LOG: Final = "the audit log"
ANNOUNCED: Final = "the topic ledger"
FEEDS: Final = "the topics trend.*"


@dataclass(frozen=True, slots=True)
class Claim:
    """What one place tells of one entry; an empty text is something that this place does not hold.

    Args:
        rows: SHA-256 of all rows (`schemas.trend.rows_digest`).
        pattern: SHA-256 of the suppression pattern or of the stored draw.
        sent: whether all rows are known to be out; the ledger alone has entries that are not.
        regions: region id -> SHA-256 of the rows of that region's topic.
    """

    rows: str = ""
    pattern: str = ""
    sent: bool = True
    regions: Mapping[str, str] = field(default_factory=dict)


Claims = Mapping[str, Claim]
"""`release|table` -> what a place tells of it, in the order in which it learned of it."""


@dataclass(frozen=True, slots=True)
class Places:
    """What each place tells; None is a place that was not read."""

    ledger: Claims
    log: Claims
    announced: Claims | None = None
    feeds: Claims | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """One entry about which two places do not agree: `place` lacks it, or tells something else than `other`."""

    entry: str
    place: str
    other: str
    is_lacking: bool

    def __str__(self) -> str:
        """Return the sentence for people."""
        release, _, table = self.entry.partition("|")
        name = f"release {release}" + (f", withheld table {table}" if table else "")
        if self.is_lacking:
            return f"{name} is known to {self.other}, and {self.place} lacks it"
        return f"{name} is another one in {self.place} than in {self.other}"


def first_difference(places: Places) -> Difference | None:
    """Return the first difference between the places, in the order of the ledger; None if they agree."""
    return next(differences(places), None)


def differences(places: Places) -> Iterator[Difference]:
    """Yield the first difference of every entry about which the places do not agree."""
    for entry in dict.fromkeys((*places.ledger, *places.log, *(places.feeds or ()), *(places.announced or ()))):
        found = _contradiction(entry, places) or _gap(entry, places)
        if found is not None:
            yield found


def _contradiction(entry: str, places: Places) -> Difference | None:
    """Return the first two places that hold different digests of an entry."""
    told = [(name, claims[entry]) for name, claims in _named(places) if entry in claims]
    for number, (name, claim) in enumerate(told):
        for other, earlier in told[:number]:
            pairs = ((claim.rows, earlier.rows), (claim.pattern, earlier.pattern))
            if any(one and two and one != two for one, two in pairs):
                return Difference(entry, name, other, is_lacking=False)
    return None


def _gap(entry: str, places: Places) -> Difference | None:
    """Return the first place that lacks an entry which another one has."""
    holders = [name for name, claims in _named(places) if entry in claims]
    if entry not in places.ledger:
        return Difference(entry, LEDGER, holders[0], is_lacking=True)
    is_sent = places.ledger[entry].sent
    # Each place is filled before the next one: what a later place has, the earlier ones must have. Where the later ones
    # have nothing, a crash explains what is missing, and the step is finished now.
    needed = {
        LOG: is_sent or ANNOUNCED in holders or FEEDS in holders,
        ANNOUNCED: entry.endswith("|") and (is_sent or FEEDS in holders),
        FEEDS: is_sent,
    }
    for name, claims in _named(places):
        if entry not in claims and needed[name]:
            return Difference(entry, name, holders[-1], is_lacking=True)
    return None


def _named(places: Places) -> Iterator[tuple[str, Claims]]:
    """Yield the places that were read, the ledger first."""
    yield LEDGER, places.ledger
    yield LOG, places.log
    if places.announced is not None:
        yield ANNOUNCED, places.announced
    if places.feeds is not None:
        yield FEEDS, places.feeds


def sendable_again(places: Places) -> Mapping[str, frozenset[str]] | None:
    """Return what the topics lost and the ledger can send again, None where that would not restore what was out.

    Returns:
        Entry -> the regions whose rows are missing; an empty set where the announcement alone is missing.
    """
    lost: dict[str, frozenset[str]] = {}
    feeds, announced = places.feeds or {}, places.announced or {}
    for found in differences(places):
        own, log = places.ledger.get(found.entry), places.log.get(found.entry)
        seen = feeds.get(found.entry, Claim())
        # What is there must be what the ledger holds, region by region, and the log must know the same rows.
        if own is None or log is None or own.rows != log.rows or not seen.regions.items() <= own.regions.items():
            return None
        if announced.get(found.entry, own).pattern != own.pattern:
            return None
        lost[found.entry] = frozenset(own.regions) - frozenset(seen.regions)
    return lost


def budget_id(kind: str, window: str, revision: int) -> ReleaseId:
    """Return the name of a release in the budget: by kind of event, and without its date.

    So it is the same whenever it is made, and whatever name the population has.
    """
    return ReleaseId(f"{kind}|{window}|{revision}")


@dataclass(frozen=True, slots=True)
class BudgetAnchor:
    """The state of the budget that the log was told of: the number of its events, and the head of their chain."""

    events: int
    head: str


@dataclass(frozen=True, slots=True)
class BudgetBooks:
    """The budget as its file holds it.

    Args:
        heads: the head of the chain after 0, 1, 2, … events.
        draws: release of the budget -> SHA-256 of its stored draw.
    """

    heads: Sequence[str] = ("",)
    draws: Mapping[str, str] = field(default_factory=dict)

    @property
    def anchor(self) -> BudgetAnchor:
        """The present state, as the log is told of it."""
        return BudgetAnchor(len(self.heads) - 1, self.heads[-1])


def budget_difference(books: BudgetBooks, anchor: BudgetAnchor | None, released: Mapping[str, str]) -> str | None:
    """Return the sentence that says how a budget differs from what the audit log knows of it; None if it does not.

    Args:
        books: the budget's file.
        anchor: the last state that the log was told of.
        released: release of the budget -> SHA-256 of its draw, for every noisy release in the log.
    """
    if anchor is not None and anchor.events >= len(books.heads):
        return f"it holds {len(books.heads) - 1} of the {anchor.events} charges and draws that the audit log knows"
    if anchor is not None and books.heads[anchor.events] != anchor.head:
        return f"its first {anchor.events} charges and draws are not those that the audit log knows"
    for release, digest in released.items():
        if books.draws.get(release) != digest:
            return f"it {'lacks' if release not in books.draws else 'holds another than'} the draw of release {release}"
    return None
