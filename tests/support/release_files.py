"""A small finished site whose files and topics a test loses, puts back, or copies to another machine.

Everything is done with the public commands and the broker's own interface, as an operator or an intruder would.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kafka import KafkaAdminClient

from amana.local import runtime
from amana.provisioning import cluster_setup
from amana.site import Site
from connectors.adapters import schema_ids
from schemas import codec, limits
from schemas.trend import TrendRow
from streams.broker import access
from tests.support.policies import put_in_force, with_noise
from tests.support.runtime import consume_all

__all__ = ["DAYS", "Outcome", "ReleasedSite", "released_site"]

DAYS: Final = ("2024-05-20", "2024-08-20", "2024-11-20")
"""Dates of the calendar: the site is finished with the second. No year has its revision between them."""

STAGES: Final = {"deidentify": 1, "dedupe": 1, "aggregate": 1, "release": 0}
_PATIENCE_SECONDS: Final = 120.0
_AGENCY: Final = "interior-ministry-lbn"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a release: whether it was answered, and what the process said when it ended by itself."""

    answered: bool
    said: str


class ReleasedSite:
    """The site, its states after each date in `kept/N`, and the release process, which the test starts itself."""

    def __init__(self, site: Site, folder: Path) -> None:
        self.site, self.folder = site, folder
        self._numbers: dict[tuple[str, bytes], object] = {}

    def run(self, *arguments: str, home: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run one command of the site, or of a copy of its data directory."""
        return subprocess.run(
            _command(*arguments), env=self._environment(home), capture_output=True, text=True, check=False, timeout=120
        )

    def release(self, day: str, home: Path | None = None) -> Outcome:
        """Start the release process on a data directory, ask for a release, and wait until it is served or refused."""
        with self.worker(home) as worker, self.asked(day) as asked:
            deadline = time.monotonic() + _PATIENCE_SECONDS
            while worker.poll() is None and asked.poll() is None and time.monotonic() < deadline:
                time.sleep(0.1)
            answered = asked.poll() is not None
            said = self.said(worker) if worker.poll() is not None else ""
        return Outcome(answered, said)

    @contextmanager
    def worker(self, home: Path | None = None) -> Iterator[subprocess.Popen[bytes]]:
        """Run `amana worker release` on a data directory, that of the site unless another is given."""
        with (self.folder / "worker.log").open("wb") as log:
            process = subprocess.Popen(_command("worker", "release"), env=self._environment(home), stderr=log)
        try:
            yield process
        finally:
            process.send_signal(signal.SIGCONT)
            process.terminate()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    @contextmanager
    def asked(self, day: str) -> Iterator[subprocess.Popen[bytes]]:
        """Ask for a release in the background; the request is given up at the end of the block."""
        process = subprocess.Popen(
            _command("release", "--as-of", day), env=self._environment(None), stdout=subprocess.DEVNULL
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def said(self, worker: subprocess.Popen[bytes]) -> str:
        """Return what the last release process wrote."""
        worker.wait(timeout=20)
        return (self.folder / "worker.log").read_text(encoding="utf-8")

    def keep(self, name: str) -> Path:
        """Keep the files of the release process as they are now."""
        kept = self.folder / "kept" / name
        for part in ("ledger", "audit"):
            shutil.copytree(self.site.path(part), kept / part)
        return kept

    def put_back(self, kept: Path, *parts: str) -> None:
        """Replace files of the site by kept ones: `ledger`, `budget`, `audit`; all three if none is named."""
        for part in parts or ("ledger", "budget", "audit"):
            if part == "audit":
                shutil.rmtree(self.site.path("audit"), ignore_errors=True)
                shutil.copytree(kept / "audit", self.site.path("audit"))
                continue
            self.lose(part)
            for path in (kept / "ledger").glob(f"{part}.sqlite*"):
                shutil.copy(path, self.site.path("ledger"))

    def lose(self, part: str) -> None:
        """Delete `ledger`, `budget` or `audit`."""
        if part == "audit":
            shutil.rmtree(self.site.path("audit"))
            return
        for path in self.site.path("ledger").glob(f"{part}.sqlite*"):
            path.unlink()

    def elsewhere(self, name: str) -> Path:
        """Return a copy of the data directory, as on another machine: files of the site, without its servers."""
        other = self.folder / name
        for part in ("parties", "public", "policies", "ledger", "audit"):
            shutil.copytree(self.site.path(part), other / part)
        shutil.copy(self.site.path("site.json"), other)
        return other

    def empty(self, *topics: str) -> None:
        """Lose topics: they are deleted and made again, as by a broker that lost its disk."""
        admin = KafkaAdminClient(**self.site.cluster(access.ADMIN).kafka_settings())
        try:
            admin.delete_topics(list(topics))
            deadline = time.monotonic() + 30
            while set(topics) & set(admin.list_topics()):
                assert time.monotonic() < deadline
                time.sleep(0.1)
        finally:
            admin.close()
        cluster_setup.provision(self.site)

    def feeds(self) -> list[str]:
        """Return the names of the topics with released rows."""
        with cluster_setup.admin_of(self.site) as admin:
            return sorted(name for name in admin.list_topics() if name.startswith("trend."))

    def rows(self) -> dict[tuple[str, bytes], list[bytes]]:
        """Return the bytes of every record on the feeds, by topic and key: also of transactions that were aborted."""
        found: dict[tuple[str, bytes], list[bytes]] = defaultdict(list)
        for topic in self.feeds():
            for record in consume_all(self.site, "analysts", topic):
                found[topic, record.key].append(record.value)
        return found

    def differing(self) -> list[tuple[str, bytes]]:
        """Return the cells that are or were out with more than one number, whatever release each came in.

        Remembers what is out.
        """
        allowed = schema_ids.allow_list(self.site.schema_ids, ["trend"]).allowed("trend")
        found = []
        for (topic, key), values in self.rows().items():
            # A key begins with the release: that of a second release differs, and its cells are the same.
            cell = topic, key.partition(b"|")[2]
            for value in values:
                row = TrendRow.from_record(codec.decode(value, allowed, limits.INTERNAL))
                number = row.revision, row.status, row.value, row.sd
                found += [cell] if self._numbers.setdefault(cell, number) != number else []
        return found

    def _environment(self, home: Path | None) -> dict[str, str]:
        return {**os.environ, "AMANA_DATA": str(home or self.site.dir)}


@contextmanager
def released_site(folder: Path) -> Iterator[ReleasedSite]:
    """Run a site that released twice: cases exactly, with events that came in between, and referrals with noise."""
    home = folder / "site"
    home.mkdir()
    _policy(home)
    with runtime.running(home, workers=STAGES) as site:
        released = ReleasedSite(site, folder)
        made = released.run("simulate", "--events", "900", "--out", str(folder / "events"), "--no-narratives")
        assert made.returncode == 0, made.stderr
        for number, part in enumerate(_halves(folder / "events" / f"{_AGENCY}.case.jsonl")):
            told = released.run("publish", "--agency", _AGENCY, "--kind", "case", str(part))
            assert told.returncode in {0, 1}, told.stderr  # 1: the simulation has rows that are refused
            told = released.run("status", "--wait-idle", "--timeout", "90")
            assert told.returncode == 0, told.stdout + told.stderr
            assert released.release(DAYS[number]).answered
            assert released.differing() == []
            released.keep(str(number + 1))
        yield released


def _policy(home: Path) -> None:
    """Let single persons of one agency show, so that every event changes a number; referrals get noise."""
    text = with_noise("referral")
    for old, new in (
        ("k = 11 ", "k = 2 "),
        ("min_agencies = 2 ", "min_agencies = 1 "),
        ('rule = "insider" ', 'rule = "dominance"\ndominance = 1.0 '),
        ('zeros = "hidden" ', 'zeros = "shown" '),
    ):
        assert old in text
        text = text.replace(old, new)
    put_in_force(home, text)


def _halves(file: Path) -> Iterator[Path]:
    """Yield two files with a half of the rows each."""
    rows = file.read_text(encoding="utf-8").splitlines(keepends=True)
    for number, part in enumerate((rows[: len(rows) // 2], rows[len(rows) // 2 :])):
        path = file.with_name(f"part-{number}.jsonl")
        path.write_text("".join(part), encoding="utf-8")
        yield path


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "amana", *arguments]
