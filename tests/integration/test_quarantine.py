"""What a fault held back counts after the fix as if there had been none, and what is dropped ends; on a real system."""

import json
import os
import signal
import stat
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from amana.composition.quarantine_access import quarantine_access
from amana.local import runtime as local
from amana.site import Site
from connectors.adapters import schema_ids
from connectors.adapters.policy_store import shipped_policy
from connectors.operations import exact_cells, pipeline_status, quarantine_entries
from schemas import catalogue, codec, limits
from schemas.record_seal import EVIDENCE
from streams.core.counting.outcomes import Outcome
from tests.support import counted, policies, raw_events, runtime

pytestmark = [pytest.mark.broker, pytest.mark.long, pytest.mark.timeout(300)]

AGENCY = "police-jor"
WORKERS = {"deidentify": 1, "dedupe": 1, "aggregate": 1, "release": 0}
LONG = "She waited at the harbour. " * 20
PLANTED = "Zeynabelle Qadirov"


def events() -> list[dict[str, Any]]:
    """Two events a person, corrections of some, and every third too long for the faulty policy."""
    made = []
    for n in range(60):
        person = f"{n // 2:032x}"
        long = {"hte_Description": LONG + PLANTED} if n % 3 == 0 else {}
        made.append(raw_events.event(number=n, person=person, vic_AgeWhenTrafficked=20 + n % 9, **long))
        if n % 4 == 0:  # corrects what was refused as well as what was taken
            other = {} if long else {"hte_Description": LONG}
            made.append({**made[-1], "revision": 2, "prs_Gender": "Masculine", "hte_Description": None} | other)
        if n % 6 == 0:
            made.append(dict(made[-1]))
    return made


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Run a system whose policy scans no text of more than 200 characters."""
    home = tmp_path_factory.mktemp("quarantine")
    policies.put_in_force(home, policies.altered(("max_characters = 100000", "max_characters = 200")))
    with local.running(home, workers=WORKERS) as site:
        yield site


def _amana(site: Site, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "AMANA_DATA": str(site.dir)}
    command = [sys.executable, "-P", "-m", "amana", *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)


def _publish(site: Site, made: list[dict[str, Any]]) -> None:
    ids, keys = schema_ids.allow_list(site.schema_ids).current, raw_events.keys_of(site, AGENCY)
    sealed = [raw_events.record("case", event, n, ids, *keys) for n, event in enumerate(made)]
    bad = [(b"bad", b"\0\0\0\0\1broken"), (b"bad", None)]
    runtime.produce_all(site, f"agency.{AGENCY}", sealed[0].topic, [(r.key or b"", r.value) for r in sealed] + bad)


def _idle(site: Site) -> Counter[str]:
    found = pipeline_status.wait_idle(site.cluster("operator"), 120)
    assert found.is_idle, found.lags
    return Counter(found.outcomes[AGENCY, "case"])


def test_a_replay_after_the_fix_counts_as_if_nothing_had_failed(faulty: Site, tmp_path: Path) -> None:
    made = events()
    truth = counted.cells("case", made)
    _publish(faulty, made)
    refused = _idle(faulty)["quarantined"]
    assert refused > len(made) // 3
    assert Counter(exact_cells.read(faulty.cluster("operator"))) != truth

    held = quarantine_entries.entries(faulty.cluster("operator"), code="CON-040")
    listed = _amana(faulty, "quarantine", "list", "--agency", AGENCY)
    assert listed.returncode == 0, listed.stderr
    assert f"{refused} in quarantine" in listed.stdout
    assert PLANTED not in listed.stdout
    _shown(faulty, next(one for one in held if one.payload), tmp_path)

    policies.change(faulty.dir, shipped_policy())
    os.kill(int(faulty.path("run", "worker-deidentify-0.pid").read_text(encoding="ascii")), signal.SIGKILL)
    done = _amana(faulty, "quarantine", "replay", "--code", "CON-040")
    assert done.returncode == 0, done.stderr
    after = _idle(faulty)
    assert after["quarantined"] == 2
    assert after.total() == len(made) + 2
    assert Counter(exact_cells.read(faulty.cluster("operator"))) == truth

    quarantine_entries.replay(quarantine_access(faulty), held)  # a second time, though nothing is held any more
    assert _idle(faulty) == after
    assert Counter(exact_cells.read(faulty.cluster("operator"))) == truth
    _dropped(faulty)


def _shown(site: Site, entry: quarantine_entries.QuarantineEntry, folder: Path) -> None:
    """One entry opens into a file of its reader alone, never twice into the same, and the decision comes first."""
    for status in (0, 2):
        done = _amana(site, "quarantine", "show", entry.place, "--out", str(folder / "one.json"))
        assert done.returncode == status, done.stderr
        assert PLANTED not in done.stdout + done.stderr
    assert stat.S_IMODE((folder / "one.json").stat().st_mode) == 0o600
    record = json.loads((folder / "one.json").read_text(encoding="utf-8"))["record"]
    assert LONG[:20] in record["hte_Description"]
    assert _amana(site, "quarantine", "show", entry.place).returncode == 2
    assert _decisions(site)["shown"] == 1


def _dropped(site: Site) -> None:
    assert _amana(site, "quarantine", "replay", "--agency", AGENCY).returncode == 1, "a tombstone holds no bytes"
    assert _amana(site, "quarantine", "drop", "--agency", AGENCY).returncode == 0
    assert quarantine_entries.entries(site.cluster("operator")) == []
    assert _idle(site)["quarantined"] == 2
    assert _decisions(site)["drop"] == 2
    _reconciled(site)


def _reconciled(site: Site) -> None:
    """After replay and drop the books are whole; a rogue stage that counts a record again, or one more, is named."""
    whole = _amana(site, "audit", "reconcile", "--json")
    assert whole.returncode == 0, whole.stdout + whole.stderr
    rows = [row for row in json.loads(whole.stdout)["rows"] if row["agency"] == AGENCY]
    assert sum(row["published"] for row in rows) == len(events()) + 2
    assert all(row["day"] != "earlier" and row["difference"] == 0 for row in rows)
    seal = site.cluster("worker.dedupe").seal
    rogue = [
        Outcome((AGENCY, "case", 0, offset), "counted", source, 10**6, 0)
        for offset, source in ((0, "case/8"), (0, "case/9"), (9_999, "case/0"))
    ]
    sent = [(one.key, seal.write("outcome", EVIDENCE, one.as_record(), "outcomes", one.key.decode())) for one in rogue]
    runtime.produce_all(site, "worker.dedupe", "outcomes", sent)
    named = _amana(site, "audit", "reconcile", "--agency", AGENCY)
    assert named.returncode == 1, named.stdout + named.stderr
    lines = named.stdout.splitlines()
    assert [line for line in lines if line.startswith("double")] == [
        f"double: raw.{AGENCY}.case/0/0",
        f"double: raw.{AGENCY}.case/0/9999",
    ]


def _decisions(site: Site) -> Counter[str]:
    allowed = {schema_ids.allow_list(site.schema_ids, ["audit"]).id_of("audit"): catalogue.load("audit").parsed}
    read = (codec.decode(r.value, allowed, limits.INTERNAL) for r in runtime.consume_all(site, "admin", "audit"))
    return Counter(one["details"]["decision"] for one in read if one["action"] == "refusal")
