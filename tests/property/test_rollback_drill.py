"""Ledger, log, budget and topics, each lost or put back to an earlier state, in all combinations.

No release is made that differs from what is out, and no second draw: the process refuses and names the difference, or a
restore rebuilds everything equal to what was out.
"""

import itertools
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from connectors.operations.release_backup import open_backup
from connectors.operations.release_restore import Restorer
from schemas.errors import IntegrityError
from streams.release import agreement, release_process
from streams.transparency.decision import Decision
from tests.support.audit import PRIVATE, PUBLIC
from tests.support.bus import PowerCut
from tests.support.rollback import NOW, Broker, Process, States, history

LOST_OR_WHOLE = (NOW, None)
STATES = (*LOST_OR_WHOLE, 1)
EVERY = (*STATES, 2)
Combination = tuple[int | None, int | None, int | None, int | None]
"""The states of ledger, log, budget and topics."""

REFUSALS = {"INT-140", "INT-142", "INT-170", "INT-171", "INT-172", "INT-173"}


def _combinations(states: Sequence[int | None]) -> list[object]:
    """Return every combination of all states, those with other states than these with the mark `long`."""
    short = set(itertools.product(states, repeat=4))
    every = sorted(itertools.product(EVERY, repeat=4), key=str)
    return [pytest.param(one, marks=() if one in short else pytest.mark.long, id=_name(one)) for one in every]


def _name(combination: Sequence[int | None]) -> str:
    return "-".join("lost" if state is None else str(state) for state in combination)


@pytest.fixture(scope="module", autouse=True)
def _no_pause() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(release_process, "_STILL_SECONDS", 0.0)
        yield


@pytest.fixture(scope="module")
def states(tmp_path_factory: pytest.TempPathFactory) -> States:
    """One history for all combinations."""
    return history(tmp_path_factory.mktemp("history"))


@pytest.mark.parametrize("combination", _combinations(STATES))
def test_nothing_is_released_twice_whatever_was_lost(states: States, combination: Combination, tmp_path: Path) -> None:
    """The process refuses, unless nothing was lost; a healthy one beside it goes on where its topics are whole."""
    ledger, log, budget, feeds = combination
    broker = states.broker(feeds)
    home = states.assemble(tmp_path / "site", ledger=ledger, log=log, budget=budget)
    code = _attempt(home, broker)
    assert (code == "") == (combination == (NOW,) * 4), f"{code} at {combination}"
    assert code in {"", *REFUSALS}
    _same_as_out(states, broker)
    # A second process, on files that lack nothing, works while the first one is started.
    broker = states.broker(feeds)
    whole = states.assemble(tmp_path / "whole", ledger=NOW, log=NOW, budget=NOW)
    with Process(whole, broker.beside()) as healthy:
        healthy_code = _code(healthy.begin)
        code = _attempt(states.assemble(tmp_path / "again", ledger=ledger, log=log, budget=budget), broker)
        healthy_code = healthy_code or _code(lambda: healthy.serve(NOW + 1))
    assert (healthy_code == "") == (feeds == NOW and code != ""), "two processes released, or none did"
    assert healthy_code in {"", "INT-174", *REFUSALS}
    _same_as_out(states, broker)


@pytest.mark.parametrize("combination", _combinations(LOST_OR_WHOLE))
@pytest.mark.parametrize("backup", [NOW, 1, None], ids=["backup-now", "backup-old", "no-backup"])
def test_a_restore_rebuilds_equal_or_refuses(
    states: States, combination: Combination, backup: int | None, tmp_path: Path
) -> None:
    """A backup that knows every release brings everything back; without one the site's own ledger and log must do."""
    ledger, log, budget, feeds = combination
    broker = states.broker(feeds)
    home = states.assemble(tmp_path / "site", ledger=ledger, log=log, budget=budget)
    saved = None if backup is None else open_backup(states.backup(backup), PUBLIC)
    record = Decision("restore", "operator", "policy", "code")
    restorer = Restorer(home, PRIVATE, PUBLIC, broker.beside(), record)
    code = _code(lambda: restorer.restore(saved))
    assert code in {"", "INT-176"}
    code = code or _attempt(home, broker)
    _same_as_out(states, broker)
    if code == "":
        assert states.topics[NOW].rows().items() <= broker.rows().items(), "not everything is back"
    is_known = backup == NOW or (ledger == NOW and log == NOW)
    assert (code == "") == is_known, f"{code} at {combination}"


def test_a_release_that_was_announced_is_made_by_no_other_process(states: States, tmp_path: Path) -> None:
    """A process ends wherever the power is cut; one with a copy of its files from before makes no other rows.

    It may do so as long as nothing was announced: no row was sent then, not even in a transaction that was aborted.
    """
    announced = 0
    for cut in range(30):
        broker = states.broker(NOW)
        copied = states.assemble(tmp_path / f"copy-{cut}", ledger=NOW, log=NOW, budget=NOW)
        home = states.assemble(tmp_path / f"site-{cut}", ledger=NOW, log=NOW, budget=NOW)
        broker.cut_at = cut
        with suppress(PowerCut):
            _attempt(home, broker)
        broker.cut_at = None
        is_known = len(broker.announcements) > len(states.topics[NOW].announcements)
        announced += is_known and broker.rows() == states.topics[NOW].rows()
        before = broker.rows()
        assert (_attempt(copied, broker) == "") == (not is_known)
        assert before.items() <= broker.rows().items()
        assert len([key for key, texts in broker.rows().items() if len(texts) > 1]) == 0
        # The first one finishes what it announced.
        if is_known:
            assert _attempt(home, broker) == ""
            assert all(len(draws) == 1 for draws in broker.draws().values())
    assert announced > 0, "no cut fell between the announcement and the rows"


def test_without_the_comparison_the_drill_finds_second_releases(
    states: States, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: a process that compares nothing releases again, and the drill says so."""
    monkeypatch.setattr(agreement, "refuse_difference", lambda _: None)
    monkeypatch.setattr(agreement, "refuse_budget", lambda _: None)
    monkeypatch.setattr(agreement, "refuse_forgotten_ticks", lambda _, decisions, __: decisions)
    broker = states.broker(NOW)
    home = states.assemble(tmp_path, ledger=None, log=NOW, budget=None)
    assert _attempt(home, broker) == ""
    with pytest.raises(AssertionError, match="differ"):
        _same_as_out(states, broker)


def _attempt(home: Path, broker: Broker) -> str:
    """Start a process, let it serve the next tick, and return the code with which it refused; empty if it did not."""

    def live() -> None:
        with Process(home, broker) as process:
            process.begin()
            process.serve(NOW + 1)

    return _code(live)


def _code(act: object) -> str:
    try:
        act()  # type: ignore[operator] # a function without arguments
    except IntegrityError as error:
        return error.code
    return ""


def _same_as_out(states: States, broker: Broker) -> None:
    """Assert that no row and no draw is another one than that which was out."""
    out = states.topics[NOW]
    differing = [key for key, texts in broker.rows().items() if len(texts | out.rows().get(key, set())) > 1]
    second = [one for one, draws in broker.draws().items() if len(draws | out.draws().get(one, set())) > 1]
    assert (differing, second) == ([], []), "rows or draws differ from those that are out"
