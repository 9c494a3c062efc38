"""Rollback: whoever can delete or put back the files of the release process, its topics, or start it twice.

With the public commands on a finished site, and the broker's bytes as the judge: no cell is ever out with two numbers.
"""

import re
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import closing

import pytest
from kafka.errors import KafkaError

from amana.composition.release_connection import connect
from amana.trend_feed import TrendFeed
from schemas.errors import IntegrityError
from streams.transparency.decision import Decision
from tests.support.release_files import DAYS, ReleasedSite, released_site
from tests.support.runtime import consume_all

pytestmark = [pytest.mark.broker, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReleasedSite]:
    """One finished site for all attacks: each of them puts back what it took."""
    with released_site(tmp_path_factory.mktemp("rollback")) as site:
        yield site


@pytest.fixture
def site(finished: ReleasedSite) -> Iterator[ReleasedSite]:
    """Give the finished site, and bring its files back afterwards."""
    yield finished
    finished.put_back(finished.folder / "kept" / "2")


ATTACKS = {
    "the ledger lost": (("ledger",), ()),
    "ledger and log put back": ((), ("ledger", "audit")),
    "the budget put back": ((), ("budget",)),
}
"""What is deleted, and what is put back as it was after the first of two releases."""

SIBLINGS = {
    "the ledger put back": ((), ("ledger",)),
    "ledger and log lost": (("ledger", "audit"), ()),
    "everything lost": (("ledger", "budget", "audit"), ()),
    "everything put back": ((), ("ledger", "budget", "audit")),
    "the budget lost": (("budget",), ()),
    "ledger and budget lost": (("ledger", "budget"), ()),
    "the log put back": ((), ("audit",)),
}
"""More of the same, in the long tier; the drill of `tests/property` tries all combinations."""


@pytest.mark.parametrize("attack", [*ATTACKS, *(pytest.param(one, marks=pytest.mark.long) for one in SIBLINGS)])
def test_nothing_is_released_a_second_time(site: ReleasedSite, attack: str) -> None:
    """The same date is asked for again: the process refuses and names what differs, and the feeds stay as they are."""
    lost, put_back = {**ATTACKS, **SIBLINGS}[attack]
    for part in lost:
        site.lose(part)
    site.put_back(site.folder / "kept" / "1", *put_back) if put_back else None
    outcome = site.release(DAYS[1])
    assert site.differing() == [], "a cell is out with two numbers"
    assert not outcome.answered
    assert any(code in outcome.said for code in ("INT-140", "INT-170", "INT-173")), outcome.said


def test_a_lost_feed_is_noticed_and_sent_again_as_it_was(site: ReleasedSite) -> None:
    """The topics are rebuilt from the ledger, byte for byte as analysts had them."""
    before = {place: values[0] for place, values in site.rows().items()}
    site.empty("ledger", site.feeds()[0])
    outcome = site.release(DAYS[1])
    assert "INT-171" in outcome.said, outcome.said
    told = site.run("restore")
    assert told.returncode == 0, told.stderr
    assert site.rows() == {place: [one] for place, one in before.items()}
    assert site.release(DAYS[1]).answered
    site.keep("resent")
    shutil.rmtree(site.folder / "kept" / "2")
    shutil.move(site.folder / "kept" / "resent", site.folder / "kept" / "2")


def test_a_second_process_with_older_files_ends_and_disturbs_nobody(site: ReleasedSite) -> None:
    """On another machine, with a copy of the files from before the second release."""
    other = site.elsewhere("older")
    shutil.rmtree(other / "ledger")
    shutil.rmtree(other / "audit")
    shutil.copytree(site.folder / "kept" / "1" / "ledger", other / "ledger")
    shutil.copytree(site.folder / "kept" / "1" / "audit", other / "audit")
    with site.worker() as first:
        _wait_for_work(site)
        second = site.run("worker", "release", home=other)
        assert second.returncode == 1
        assert "INT-170" in second.stderr
        with site.asked(DAYS[1]) as asked:
            assert asked.wait(timeout=90) == 0, "the first process was disturbed"
        assert first.poll() is None
    assert site.differing() == []


@pytest.mark.long
def test_a_frozen_process_that_wakes_up_releases_nothing(site: ReleasedSite) -> None:
    """Another one, on a copy of its files, released meanwhile; the broker refuses what the first one sends."""
    with site.worker() as frozen:
        _wait_for_work(site)
        other = site.elsewhere("taken-over")
        frozen.send_signal(signal.SIGSTOP)
        with site.asked(DAYS[2]) as asked:
            # The second one is a process on its own: it writes to its own log.
            log = site.folder / "frozen.log"
            (site.folder / "worker.log").rename(log)
            with site.worker(other):
                assert asked.wait(timeout=120) == 0
                out = site.rows()
                frozen.send_signal(signal.SIGCONT)
                assert frozen.wait(timeout=120) == 1
        # Mostly it meets the other's report on the topic `audit` before it plans; else the broker refuses its rows.
        assert re.search("INT-17[04]", log.read_text(encoding="utf-8"))
    assert site.rows() == out
    assert site.differing() == []
    # The files of the first are too old now, and say so; those of the second go on.
    assert "INT-17" in site.release(DAYS[2]).said
    site.put_back(other)
    assert site.release(DAYS[2]).answered
    site.keep("third")
    shutil.rmtree(site.folder / "kept" / "2")
    shutil.move(site.folder / "kept" / "third", site.folder / "kept" / "2")


def test_a_transaction_that_another_process_interrupts_is_never_seen(site: ReleasedSite) -> None:
    """A process frozen between its rows and the commit: the next holder of the fence has them aborted for good."""
    with closing(connect(site.site)) as first, closing(connect(site.site)) as second:
        feed = site.feeds()[0]
        first.fence()
        producer = first._producer._producer
        assert producer is not None
        producer.begin_transaction()
        producer.send(feed, key=b"never", value=_a_row(site, feed), partition=0).get(timeout=30)
        # An analyst waits for no transaction that is open: it may be the last one of a process that is gone.
        assert TrendFeed(site.site.cluster("analysts")).list()
        second.fence()
        with pytest.raises(KafkaError):
            producer.commit_transaction()
        seen = {one.key for one in consume_all(site.site, "analysts", feed, isolation_level="read_committed")}
        assert b"never" not in seen
        assert len(seen) > 1
        with pytest.raises(IntegrityError, match="INT-174"):
            first.report(Decision("calendar", "worker.release", "policy", "code"))
        assert not first.is_fenced
        second.publish((), "policy")
        assert second.is_fenced, "the first one took the fence back"


def test_a_backup_brings_everything_back(site: ReleasedSite) -> None:
    """Made while the process works; then everything is lost, and a backup that is too old does not help."""
    with site.worker():
        _wait_for_work(site)
        told = site.run("backup", str(site.folder / "backup"))
        assert told.returncode == 0, told.stderr
    before = site.rows()
    for part in ("ledger", "budget", "audit"):
        site.lose(part)
    told = site.run("restore", str(site.folder / "backup"))
    assert told.returncode == 0, told.stderr
    assert site.release(DAYS[2]).answered
    assert site.rows().items() >= before.items()
    assert site.differing() == []
    assert site.run("audit", "verify").returncode == 0


def _a_row(site: ReleasedSite, feed: str) -> bytes:
    """Return the bytes of some released row."""
    value: bytes = consume_all(site.site, "analysts", feed)[0].value
    return value


def _wait_for_work(site: ReleasedSite) -> None:
    """Wait until a release process that was just started has begun."""
    entries = site.site.path("audit", "entries.jsonl")
    size, deadline = entries.stat().st_size, time.monotonic() + 60
    while entries.stat().st_size == size:
        assert time.monotonic() < deadline, "the release process does not begin"
        time.sleep(0.1)
