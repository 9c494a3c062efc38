"""Attacks on the policy of a real site: by whoever keeps its folder, by one of two officers, and by its calendar.

What is attacked are files, the topic `calendar` and the public commands; nothing here knows how the product defends.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import pytest

from amana.local import runtime as local
from amana.site import Site
from streams.broker import topics
from tests.support import runtime

pytestmark = [pytest.mark.broker, pytest.mark.timeout(600)]

DAY = "2024-08-01"
AHEAD = "2052-01-01"
OFFICERS = ("officer-one", "officer-two")


@dataclass(frozen=True)
class Desk:
    """A running site of which the first half of 2024 is out, and a folder to work in."""

    site: Site
    folder: Path

    def run(self, *words: str, data: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run one command of the product."""
        environment = {**os.environ, "AMANA_DATA": str(data or self.site.dir)}
        command = [sys.executable, "-P", "-m", "amana", *words]
        return subprocess.run(
            command, env=environment, cwd=self.folder, capture_output=True, text=True, check=False, timeout=180
        )

    def policy(self, *changes: tuple[str, str]) -> str:
        """Write the shipped policy with changes to a file; return its name."""
        text = (resources.files("anonymizer") / "policies" / "default.toml").read_text(encoding="utf-8")
        for before, after in changes:
            assert before in text
            text = text.replace(before, after)
        path = self.folder / "changed.toml"
        path.write_text(text, encoding="utf-8")
        return str(path)

    def key(self, officer: str) -> str:
        """Return the file of an officer's key."""
        return str(self.site.dir / "officer" / officer / "signing.key")

    def out(self) -> dict[str, int]:
        """Return the number of records on every feed, on `ledger` and on `audit`."""
        feeds = [topic for topic in topics_of(self.site) if topic.startswith("trend.")]
        return {topic: len(runtime.consume_all(self.site, "officer", topic)) for topic in [*feeds, "ledger"]}


def topics_of(site: Site) -> list[str]:
    """Return the topics that an officer sees."""
    return [topics.trend(region.id) for region in site.policy().regions]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Publish invented events, and release the first half of 2024."""
    folder = tmp_path_factory.mktemp("desk")
    with local.running(tmp_path_factory.mktemp("policy")) as site:
        desk = Desk(site, folder)
        assert desk.run("simulate", "--events", "300", "--seed", "7", "--out", "events").returncode == 0
        for file in sorted((folder / "events").glob("*.case.jsonl")):
            agency = file.name.split(".")[0]
            done = desk.run("publish", "--agency", agency, "--kind", "case", str(file))
            assert done.returncode in {0, 1}, done.stderr  # 1: rows without consent stayed at the agency
        assert desk.run("status", "--wait-idle", "--timeout", "120").returncode == 0
        done = desk.run("release", "--as-of", DAY)
        assert done.returncode == 0, done.stdout + done.stderr
        yield desk


def code(done: subprocess.CompletedProcess[str]) -> str:
    """Return the code with which a command refused; empty if it did not."""
    found = re.search(r"[A-Z]{3}-\d{3}", done.stderr + done.stdout)
    return found[0] if done.returncode and found else ""


CHANGES: dict[str, list[tuple[str, str]]] = {
    "a lower k": [("k = 11 ", "k = 2 ")],
    "a higher k": [("k = 11 ", "k = 20 ")],
    "another rule about agencies": [('rule = "insider" ', 'rule = "dominance"\ndominance = 0.85 ')],
    "fewer agencies": [("min_agencies = 2", "min_agencies = 1")],
    "another name of a population": [
        ('name = "cases"', 'name = "people"'),
        ('population = "cases"', 'population = "people"'),
        ("{ cases = 0.6", "{ people = 0.6"),
    ],
    "another mode": [
        ('kind = "referral"\nmode = "dp"', 'kind = "referral"\nmode = "suppression"'),
        (", referrals = 0.2", ""),
    ],
    "a larger budget": [("epsilon = 6.0", "epsilon = 8.0")],
    "one table less": [('name = "means"\npopulation', 'name = "means-again"\npopulation')],
    "another calendar": [("grace_days = 15", "grace_days = 0")],
    "other coverage": [('["IRQ", "JOR", "LBN", "TUR"]', '["IRQ", "JOR", "LBN"]')],
}


SHORT = ("a lower k", "another name of a population")
"""The changes that are tried in the short form; all of them have a law of their own without a broker."""


@pytest.mark.parametrize(
    "what", [name if name in SHORT else pytest.param(name, marks=pytest.mark.long) for name in CHANGES]
)
def test_the_rules_of_a_year_with_a_print_cannot_be_changed(desk: Desk, what: str) -> None:
    """Neither down nor up; the refusal names the first free year."""
    done = desk.run("policy", "propose", desk.policy(*CHANGES[what]), "--from-year", "2024")
    assert code(done) == "CFG-235", done.stdout + done.stderr
    assert "free year" in done.stderr


def test_one_officer_is_not_two(desk: Desk) -> None:
    """No signature, one, the same officer twice, a copy under the other's name, a stranger: the policy stays."""
    before = desk.run("policy", "list").stdout
    done = desk.run("policy", "propose", desk.policy(("k = 11 ", "k = 2 ")))
    assert done.returncode == 0, done.stderr
    assert "Cells of 2 to 10 persons, suppressed so far, will be shown." in done.stdout
    proposal = re.findall(r"^proposal ([0-9a-f]+)", done.stdout, re.MULTILINE)[-1]
    assert code(desk.run("policy", "activate", proposal)) == "CFG-232"
    first = ("policy", "sign", proposal, "--officer", OFFICERS[0], "--key", desk.key(OFFICERS[0]))
    assert desk.run(*first).returncode == 0
    assert code(desk.run("policy", "activate", proposal)) == "CFG-232"
    assert code(desk.run(*first)) == "CFG-241"
    assert code(desk.run(*first[:4], OFFICERS[1], *first[5:])) == "CFG-233"
    assert desk.run("policy", "key", "eve", "--out", "eve").returncode == 0
    assert code(desk.run(*first[:4], "eve", "--key", "eve/signing.key")) == "CFG-233"
    folder = desk.site.dir / "policies" / "proposals"
    forged = folder / f"{proposal}.{OFFICERS[1]}.sig"
    shutil.copy(folder / f"{proposal}.{OFFICERS[0]}.sig", forged)
    assert code(desk.run("policy", "activate", proposal)) == "CFG-233"
    forged.unlink()
    assert desk.run("policy", "list").stdout.startswith(before)


def test_nothing_is_released_ahead_of_its_time(desk: Desk) -> None:
    """Not by the command, and not by a tick that is written to the topic itself."""
    before = desk.out()
    assert code(desk.run("release", "--as-of", AHEAD)) == "CFG-240"
    tick = json.dumps({"id": "ahead", "as_of": AHEAD, "timeout": 60}).encode()
    runtime.produce_all(desk.site, "operator", "calendar", [(b"ahead", tick)])
    # A second, allowed tick is served after the first: when it is answered, the first one is over.
    assert desk.run("release", "--as-of", DAY).returncode == 0
    assert desk.out() == before
    log = (desk.site.dir / "audit" / "entries.jsonl").read_text(encoding="utf-8")
    assert '"tick":"ahead"' in log
    assert "DIS-150" in log


def test_a_rehearsal_leaves_everything_as_it_was(desk: Desk) -> None:
    """Feeds, ledger and budget, and the copies that it worked on."""
    folder = desk.site.dir / "ledger"
    before = desk.out(), sorted(file.name for file in folder.iterdir()), _log(desk)
    done = desk.run("release", "--as-of", AHEAD, "--rehearsal")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "withheld counts recovered: 0" in done.stdout
    assert re.search(r"cases .*2023", done.stdout)
    assert (desk.out(), sorted(file.name for file in folder.iterdir()), _log(desk)) == before


def _log(desk: Desk) -> bytes:
    return (desk.site.dir / "audit" / "entries.jsonl").read_bytes()


def test_a_dry_run_attacks_a_policy_on_the_real_state_and_proposes_nothing(desk: Desk) -> None:
    before = desk.out(), desk.run("policy", "list").stdout, _log(desk)
    file = desk.policy(("k = 11 ", "k = 20 "))
    done = desk.run("policy", "propose", file, "--dry-run", "--as-of", "2025-02-01")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Cells of 11 to 19 persons, shown so far, will be suppressed." in done.stdout
    assert "full universe" in done.stdout
    assert "withheld counts recovered: 0" in done.stdout
    assert (desk.out(), desk.run("policy", "list").stdout, _log(desk)) == before


def _delete_last(copy: Path, _: Path) -> None:
    (copy / "policies" / "acts" / "0000.act").unlink()


def _delete_all(copy: Path, _: Path) -> None:
    """Make the site look as if it had never had officers: it must not be given others."""
    for folder in ("policies", "public/officers", "officer"):
        shutil.rmtree(copy / folder)


def _edit_text(copy: Path, _: Path) -> None:
    for file in (copy / "policies").glob("*.toml"):
        file.write_text(file.read_text(encoding="utf-8").replace("k = 11 ", "k = 2 "), encoding="utf-8")


def _own_file(copy: Path, changed: Path) -> None:
    shutil.copy(changed, copy / "policy.toml")


def _own_policy(copy: Path, changed: Path) -> None:
    """Put another text in the place of the one that was signed."""
    for file in (copy / "policies").glob("*.toml"):
        shutil.copy(changed, file)


def _unsigned(copy: Path, _: Path) -> None:
    (copy / "policies" / "acts" / f"0000.{OFFICERS[1]}.sig").unlink()


def _twice(copy: Path, _: Path) -> None:
    acts = copy / "policies" / "acts"
    shutil.copy(acts / f"0000.{OFFICERS[0]}.sig", acts / f"0000.{OFFICERS[1]}.sig")


TAMPERING: dict[str, tuple[Callable[[Path, Path], None], str]] = {
    "a policy file beside the signed one": (_own_file, "CFG-231"),
    "the signed text edited": (_edit_text, "CFG-234"),
    "another text in its place": (_own_policy, "CFG-234"),
    "a signature removed": (_unsigned, "CFG-232"),
    "one officer's signature twice": (_twice, "CFG-233"),
    "the act deleted": (_delete_last, "CFG-230"),
    "acts and officers deleted": (_delete_all, "CFG-230"),
}


@pytest.mark.parametrize("what", TAMPERING)
def test_a_site_whose_folder_was_changed_does_not_start(desk: Desk, what: str, tmp_path: Path) -> None:
    """The keeper of the folder has every file of it: the policy, the acts, the signatures."""
    changed = Path(desk.policy(("k = 11 ", "k = 2 ")))
    tamper, expected = TAMPERING[what]
    copy = tmp_path / "copy"
    shutil.copytree(desk.site.dir, copy, ignore=shutil.ignore_patterns("kafka", "registry", "run", "logs", "state"))
    tamper(copy, changed)
    done = desk.run("up", "--data", str(copy), data=copy)
    assert done.returncode == 2, done.stdout + done.stderr
    assert code(done) == expected
    assert not (copy / "kafka").exists(), "nothing may have started"


def test_an_act_cannot_be_taken_back(desk: Desk) -> None:
    """Two officers activate a stricter policy; who deletes the act, or swaps all officers, is contradicted by the log.

    The release process that runs meanwhile records the act and releases under it, without a restart.
    """
    done = desk.run("policy", "propose", desk.policy(("k = 11 ", "k = 20 ")), "--from-year", "2030")
    assert done.returncode == 0, done.stderr
    proposal = re.findall(r"^proposal ([0-9a-f]+)", done.stdout, re.MULTILINE)[-1]
    for officer in OFFICERS:
        signed = desk.run("policy", "sign", proposal, "--officer", officer, "--key", desk.key(officer))
        assert signed.returncode == 0, signed.stderr
    assert desk.run("policy", "activate", proposal).returncode == 0
    assert desk.run("release", "--as-of", "2024-11-01").returncode == 0
    acts, kept = desk.site.dir / "policies" / "acts", desk.folder / "acts"
    shutil.copytree(acts, kept)
    for file in acts.glob("0001.*"):
        file.unlink()
    assert "CFG-236" in _refusal_of_a_new_release_process(desk)
    shutil.rmtree(acts)
    shutil.copytree(kept, acts)
    shutil.rmtree(kept)


def _pid(desk: Desk, name: str) -> int:
    return int((desk.site.dir / "run" / f"{name}.pid").read_text(encoding="ascii"))


def _restart_release(desk: Desk) -> None:
    killed = _pid(desk, "worker-release-0")
    os.kill(killed, signal.SIGKILL)
    deadline = time.monotonic() + 60
    while _pid(desk, "worker-release-0") == killed:
        assert time.monotonic() < deadline, "it was not started again"
        time.sleep(0.1)


def _refusal_of_a_new_release_process(desk: Desk) -> str:
    """Return what a release process says that is started on a copy of the folder, whose log nobody holds."""
    copy = desk.folder / "second"
    shutil.copytree(desk.site.dir, copy, ignore=shutil.ignore_patterns("kafka", "registry", "run", "logs", "state"))
    done = desk.run("worker", "release", data=copy)
    shutil.rmtree(copy)
    return done.stderr + done.stdout


def test_a_stage_that_crashes_in_a_loop_is_seen(desk: Desk) -> None:
    """`status` called the system idle while the release process died again and again."""
    assert desk.run("status").returncode == 0
    for _ in range(3):
        _restart_release(desk)
    done = desk.run("status")
    assert done.returncode == 1
    assert re.search(r"^restarting: worker-release-0 ended \d+ times", done.stdout, re.MULTILINE)
    assert done.stdout.endswith("restarting\n")
    assert not json.loads(desk.run("status", "--json").stdout)["idle"]
    checked = desk.run("check")
    assert checked.returncode == 1
    assert re.search(r"^FAULT +processes +CFG-242: worker-release-0", checked.stdout, re.MULTILINE)
