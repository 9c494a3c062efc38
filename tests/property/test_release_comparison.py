"""Ledger, log and topics agree exactly where an honest process may have left them, whatever was lost or put back."""

from dataclasses import dataclass, field, replace

from hypothesis import given
from hypothesis import strategies as st

from streams.core.releasing.release_comparison import (
    BudgetAnchor,
    BudgetBooks,
    Claim,
    Places,
    budget_difference,
    first_difference,
    sendable_again,
)


@dataclass(frozen=True)
class Moment:
    """What each place holds between two steps of an honest process."""

    ledger: dict[str, Claim] = field(default_factory=dict)
    log: dict[str, Claim] = field(default_factory=dict)
    announced: dict[str, Claim] = field(default_factory=dict)
    topics: dict[str, Claim] = field(default_factory=dict)

    def places(self) -> Places:
        return places(self, self, self)


def places(ledger: Moment, log: Moment, topics: Moment) -> Places:
    announced = {entry: Claim(pattern=one.pattern) for entry, one in topics.announced.items() if entry.endswith("|")}
    feeds = {entry: Claim(one.rows, regions=one.regions) for entry, one in topics.topics.items()}
    return Places(ledger.ledger, log.log, announced, feeds)


@st.composite
def histories(draw: st.DrawFn) -> list[Moment]:
    """Draw the moments of a process over some ticks: decide, record, announce, send, and finish entry by entry."""
    now = Moment()
    moments = [now]
    for tick in range(draw(st.integers(1, 4))):
        entries = [f"r{tick}.{n}|" for n in range(draw(st.integers(1, 3)))]
        entries += [f"{entries[0]}means"] if draw(st.booleans()) else []
        new = {
            entry: Claim(f"rows {entry}", f"pattern {entry}" if entry.endswith("|") else "", False, {"levant": entry})
            for entry in entries
        }
        for place in ("ledger", "log", "announced", "topics"):
            now = replace(now, **{place: {**getattr(now, place), **new}})
            moments.append(now)
        for entry in entries:
            now = replace(now, ledger={**now.ledger, entry: replace(new[entry], sent=True)})
            moments.append(now)
    return moments


@given(histories())
def test_every_moment_of_an_honest_process_is_agreement(moments: list[Moment]) -> None:
    """A crash at any moment is no rollback: the process may go on."""
    assert all(first_difference(moment.places()) is None for moment in moments)


@given(histories(), st.data())
def test_what_agrees_forgets_nothing_that_is_out(moments: list[Moment], data: st.DataObject) -> None:
    """Whatever is put back to whichever moment: if the places agree, ledger and log know all that the topics show.

    And all that the ledger or the log says was sent is on the topics.
    """
    ledger, log, topics = (data.draw(st.sampled_from(moments)) for _ in range(3))
    seen = places(ledger, log, topics)
    if first_difference(seen) is None:
        shown = {*(seen.announced or ()), *(seen.feeds or ())}
        assert shown <= set(log.log) <= set(ledger.ledger)
        assert {entry for entry, one in ledger.ledger.items() if one.sent} <= set(topics.topics)


@given(histories(), st.data())
def test_what_is_sent_again_leaves_the_topics_as_they_were(moments: list[Moment], data: st.DataObject) -> None:
    topics, now = data.draw(st.sampled_from(moments)), moments[-1]
    lost = sendable_again(places(now, now, topics))
    assert lost == {entry: frozenset({"levant"}) for entry in now.topics if entry not in topics.topics}


@given(histories(), st.data())
def test_another_digest_anywhere_is_a_difference(moments: list[Moment], data: st.DataObject) -> None:
    """A second draw, or rows of other numbers, under the id of a release that is out."""
    now = moments[-1]
    place = data.draw(st.sampled_from(["ledger", "log", "topics"]))
    entry = data.draw(st.sampled_from(sorted(now.topics)))
    held = dict(getattr(now, place))
    held[entry] = Claim("other rows", held[entry].pattern, held[entry].sent, held[entry].regions)
    found = first_difference(replace(now, **{place: held}).places())
    assert found is not None
    assert (found.entry, found.is_lacking) == (entry, False)


BUDGETS = st.lists(st.text("0123456789abcdef", min_size=4, max_size=4), unique=True, max_size=6)


@given(BUDGETS, st.data())
def test_a_budget_continues_what_the_log_knows_or_is_refused(heads: list[str], data: st.DataObject) -> None:
    known = data.draw(st.integers(0, len(heads)))
    held = data.draw(st.integers(0, len(heads)))
    chain = ("", *heads)
    found = budget_difference(BudgetBooks(chain[: held + 1]), BudgetAnchor(known, chain[known]), {})
    assert (found is None) == (held >= known)


def test_a_budget_without_the_draw_of_a_release_is_refused() -> None:
    books = BudgetBooks(("", "a", "b"), {"cases|2024|0": "digest"})
    assert budget_difference(books, None, {"cases|2024|0": "digest"}) is None
    assert "another" in str(budget_difference(books, None, {"cases|2024|0": "other"}))
    assert "lacks" in str(budget_difference(books, None, {"cases|2024|1": "digest"}))
