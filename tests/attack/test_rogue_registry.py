"""A schema registry in an attacker's hands changes neither what a record means nor whether a worker starts.

The attacker answers at the registry's address from the moment at which the site is provisioned: subjects deleted, rule
NONE, two fields exchanged, a field of two gigabytes, other ids, nonsense, slowly, not at all. Everything else is real:
broker, workers, publisher and the commands of operator and agency. A record is honest if it is counted as what its
agency signed: with `withdrawn` and `con_Consent` exchanged, every report with consent would be taken for a withdrawal.
"""

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from amana.__main__ import build
from amana.local import runtime
from amana.site import Site
from tests.support.rogue_registry import MODES, RogueRegistry, rogue_registry

pytestmark = [pytest.mark.broker, pytest.mark.timeout(300)]

AGENCY = "police-jor"
WORKERS = {"deidentify": 1, "dedupe": 1, "aggregate": 1, "release": 0}
FIRST_NAMES = ("Zarun", "Mibel", "Kodra", "Fatosh", "Lupek")
KILLED_UNDER = {"deleted": "aggregate", "swapped": "deidentify", "large": "dedupe"}
"""Behaviour -> the stage whose worker is killed under it and has to start."""


@pytest.fixture(scope="module")
def rogue() -> Iterator[RogueRegistry]:
    """Run the attacker's registry, honest until a test says otherwise."""
    with rogue_registry() as registry:
        yield registry


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One data directory for both starts."""
    return tmp_path_factory.mktemp("rogue")


def amana(home: Path, *words: str) -> Result:
    """Run one command as its user would, in this process."""
    return CliRunner(env={"AMANA_DATA": str(home)}).invoke(build(), words)


def published(home: Path, name: str, persons: int) -> None:
    """Publish one report with consent for each of `persons` persons."""
    file = home.parent / f"{home.name}-{name.replace(' ', '-')}.jsonl"
    rows = [
        {
            "record_id": f"{name}-{number}",
            "event_date": "2024-03-05",
            "con_Consent": True,
            "CountryOfExploitation": "JOR",
            "vic_TraffickingStatus": "ActualVictimOfTrafficking",
            "prs_FirstName": FIRST_NAMES[number],
            "prs_SecondName": f"Tilamba {name}",
            "prs_Birthdate": "1991-04-05",
        }
        for number in range(persons)
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    done = amana(home, "publish", str(file), "--agency", AGENCY, "--kind", "case", "--json")
    assert done.exit_code == 0, (done.output, done.exception)
    assert json.loads(done.stdout)["accepted"] == persons


def counted(home: Path) -> dict[str, int]:
    """Wait until every stage is idle; return records by outcome."""
    done = amana(home, "status", "--wait-idle", "--timeout", "120", "--json")
    assert done.exit_code == 0, (done.output, done.exception)
    row = next(one for one in json.loads(done.stdout)["rows"] if (one["agency"], one["kind"]) == (AGENCY, "case"))
    return {name: number for name, number in row.items() if isinstance(number, int) and number}


def kill(site: Site, stage: str) -> None:
    """Kill one worker and wait for the process that the supervisor starts in its place."""
    file = site.path("run", f"worker-{stage}-0.pid")
    before = file.read_text(encoding="ascii")
    os.kill(int(before), signal.SIGKILL)
    deadline = time.monotonic() + 30
    while not file.exists() or file.read_text(encoding="ascii") in {before, ""}:
        assert time.monotonic() < deadline, "the worker did not start again"
        time.sleep(0.05)


def test_whatever_the_registry_answers_records_mean_what_the_code_says(
    rogue: RogueRegistry, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every report is counted as a report, under every behaviour, by workers that started under it."""
    monkeypatch.setenv("AMANA_REGISTRY", rogue.url)
    monkeypatch.setenv("AMANA_REGISTRY_USER", "amana")
    monkeypatch.setenv("AMANA_REGISTRY_PASSWORD", "pass-word-of-the-registry")
    with runtime.running(home, workers=WORKERS) as site:
        published(home, "before", 5)
        assert counted(home) == {"published": 5, "counted": 5}
        asked = len(rogue.asked)
        for mode in MODES:
            rogue.mode = mode
            if mode in KILLED_UNDER:
                kill(site, KILLED_UNDER[mode])
            published(home, mode, 1)
        assert counted(home) == {"published": 5 + len(MODES), "counted": 5 + len(MODES)}
        assert rogue.asked[asked:] == [], "a worker, a publisher or a tool asked the registry"
        rogue.mode = "swapped"
        said = amana(home, "check")
        assert said.exit_code == 0, said.output
        line = next(line for line in said.stdout.splitlines() if line.split()[1] == "registry")
        assert line.startswith("warn")
        logs = "".join(path.read_text(errors="replace") for path in site.path("logs").glob("*.log"))
    for text in (logs, said.stdout, said.stderr, (home / "site.json").read_text()):
        assert "pass-word-of-the-registry" not in text


@pytest.mark.parametrize("mode", [pytest.param("renumbered", marks=pytest.mark.long), "absent"])
def test_a_site_starts_again_without_a_registry_that_it_can_believe(
    rogue: RogueRegistry, home: Path, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    """Provisioned again by a registry with other ids, or by none: what was published before is still counted once."""
    rogue.mode = mode if mode in MODES else "honest"
    monkeypatch.setenv("AMANA_REGISTRY", rogue.url if mode in MODES else "http://127.0.0.1:1")
    ids = (home / "public" / "schema-ids.json").read_bytes()
    with runtime.running(home, workers=WORKERS):
        before = counted(home)
        published(home, f"again {mode}", 2)
        after = counted(home)
    assert after == {name: number + 2 for name, number in before.items()}
    assert (home / "public" / "schema-ids.json").read_bytes() == ids
