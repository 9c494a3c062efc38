"""Every key and password is replaced while events flow: no count differs, no process ends, nothing old stays open."""

import json
import os
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import kafka
import pytest

from amana.audit_log import AuditLog
from amana.demo.simulation.generator import KEY_FOLDER, simulate
from amana.keys import parties
from amana.local import runtime
from amana.publisher import Publisher
from amana.site import Site
from connectors.operations import pipeline_status
from schemas import sealing
from schemas.errors import TransportError
from streams.broker import access
from tests.support import demo, faults
from tests.support.raw_on_disk import Copy

pytestmark = [pytest.mark.broker]

SHORT, LONG = 3_000, 100_000
STEPS = 12
"""Steps of the flow: two before the first rotation, one for each of them, and the rest."""

PATIENCE_SECONDS = 600
NOT_OUTCOMES = {"rows", "refused", "published"}
LATER = str(time.gmtime().tm_year + 2)
ROTATED: tuple[tuple[str, ...], ...] = (
    ("sealing",),
    ("signing",),
    ("records",),
    ("dedupe", "--year", LATER),
    ("audit",),
    ("suppression",),
    ("exchange",),
    ("passwords",),
)


@dataclass
class Flow:
    """Agencies that publish side by side, part after part, until all is published."""

    site: Site
    parts: Mapping[str, Sequence[Path]]
    done: Counter[str] = field(default_factory=Counter)
    repeated: int = 0

    def __post_init__(self) -> None:
        """Prepare one thread for each agency; `pace` is the number of parts that each may have published."""
        self.pace = 0
        self._threads = [threading.Thread(target=self._run, args=(one,), daemon=True) for one in self.parts]
        for thread in self._threads:
            thread.start()

    def _run(self, agency: str) -> None:
        for part in self.parts[agency]:
            while self.done[agency] >= self.pace:
                time.sleep(0.05)
            # A login in the moment between broker and file fails; the agency repeats its command, which goes on.
            while not self._published(agency, part):
                self.repeated += 1
                assert self.repeated < PATIENCE_SECONDS
            self.done[agency] += 1

    def _published(self, agency: str, part: Path) -> bool:
        kind = part.name.split(".")[1]
        try:
            Publisher(self.site.agency_profile(agency)).publish(part, kind)
        except TransportError:
            time.sleep(0.2)
            return False
        return True

    def wait_for(self, parts: int) -> None:
        """Let every agency publish so many parts, and wait until it has."""
        self.pace = parts
        deadline = time.monotonic() + PATIENCE_SECONDS
        while any(self.done[agency] < min(parts, len(own)) for agency, own in self.parts.items()):
            assert time.monotonic() < deadline, self.done
            time.sleep(0.05)


def cut(folder: Path, number: int) -> Mapping[str, Sequence[Path]]:
    """Cut each agency's files into about so many parts, in order."""
    parts: dict[str, list[Path]] = {}
    rows = sum(1 for file in folder.glob("*.jsonl") for _ in file.open(encoding="utf-8"))
    size = max(1, rows // number // len({file.name.split(".")[0] for file in folder.glob("*.jsonl")}))
    for file in sorted(folder.glob("*.jsonl")):
        lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
        for start in range(0, len(lines), size):
            part = folder / "parts" / f"{file.stem}.{start:06}.jsonl"
            part.parent.mkdir(exist_ok=True)
            part.write_text("".join(lines[start : start + size]), encoding="utf-8")
            parts.setdefault(file.name.split(".")[0], []).append(part)
    return parts


def secrets_of(home: Path) -> set[str]:
    """Return every key and password in the folders of all parties, as texts."""
    texts = (path.read_text(encoding="ascii") for path in home.rglob("*") if path.is_file())
    return {found for text in texts for found in re.findall(r"[0-9a-f]{64,}|(?<=\"password\": \")[\w-]{40,}", text)}


def amana(site: Site, *words: str | Path) -> str:
    done = demo.amana(*words, environment={**os.environ, "AMANA_DATA": str(site.dir)})
    assert done.returncode == 0, (words, done.stdout, done.stderr)
    return done.stdout


def rotated(site: Site, flow: Flow, step: int) -> set[str]:
    """Replace everything in turn while agencies publish, and return every secret that was replaced."""
    before = secrets_of(site.path("parties"))
    for number, words in enumerate(ROTATED, 3):
        flow.pace = step * number
        amana(site, "keys", "rotate", *words)
    flow.wait_for(step * (STEPS - 1))
    return before - secrets_of(site.path("parties"))


def check_counts(site: Site, folder: Path, counts: Mapping[str, int]) -> None:
    """Every record has the outcome, and every cell the count, that the answer key of the rows says."""
    found = pipeline_status.wait_idle(site.cluster(access.OPERATOR), PATIENCE_SECONDS)
    assert found.is_idle, found.held
    outcomes: Counter[str] = Counter()
    for one in found.outcomes.values():
        outcomes.update(one)
    assert +outcomes == Counter({name: count for name, count in counts.items() if name not in NOT_OUTCOMES})
    amana(site, "cells", "export", "--out", folder / "cells.csv")
    counted, expected = demo.counted_cells(folder / "cells.csv"), demo.expected_cells(folder / KEY_FOLDER)
    assert counted - expected == expected - counted == Counter()
    assert sum(expected.values()) > counts["published"] // 2


def check_log(site: Site, first_key: Path, replaced: set[str]) -> None:
    """The log is whole by its first key and by its last, and has each act with the id of a key and without the key."""
    entries = AuditLog(site.dir, key=first_key).verify_live().entries
    assert AuditLog(site.dir).verify_live().entries >= entries
    acts = [entry.details for _, entry in AuditLog(site.dir).entries() if entry.action == "keys"]
    made = {act["secret"] for act in acts if act["act"] == "make"}
    assert made >= {secret.name for secret in parties.SECRETS if not secret.optional}
    turned = Counter(act["secret"] for act in acts if act["act"] == "rotate")
    assert turned["password"] == len(access.principals(site.agencies))
    assert turned["signing key"] == len(site.agencies)
    assert {"sealing keys", "keys of records", "person key of the hub", "suppression key", "exchange key"} <= {*turned}
    assert all(act.get("key") or act.get("keys") or act.get("public") or act.get("principal") for act in acts), acts
    text = site.path("audit", "entries.jsonl").read_text(encoding="utf-8")
    assert [one for one in replaced | secrets_of(site.path("parties")) if one in text] == []


def check_everybody_logs_in_anew(site: Site, before: Mapping[str, Mapping[str, object]]) -> None:
    """Settings of before the change open a connection after it: a worker that loses its own goes on."""
    for principal, settings in before.items():
        kafka.KafkaConsumer(**settings).close()
        assert site.credential(principal).password != str.__str__(settings["sasl_plain_password"]), principal


def run(folder: Path, events: int, step: int) -> Iterator[Site]:
    """Rotate everything under the flow of so many events, of which each agency sends `step` parts for each rotation."""
    counts = simulate(events, 11, folder / "rows", narratives=False)
    with runtime.running(folder / "site") as site:
        first_key, old = folder / "audit.pub", sealing.key_id_of(site.public("sealing"))
        first_key.write_bytes(site.path("public", "audit.pub").read_bytes())
        workers = [f"worker-{name}-0" for name in access.WORKERS]
        processes = {name: faults.pid(site, name) for name in (*workers, "broker")}
        settings = {one: site.cluster(one).kafka_settings() for one in access.principals(site.agencies)}
        flow = Flow(site, cut(folder / "rows", step * STEPS))
        flow.wait_for(2 * step)
        control = Copy.of(site, folder / "before")
        replaced = rotated(site, flow, step)
        amana(site, "keys", "destroy", "--key-id", old)
        flow.wait_for(max(map(len, flow.parts.values())))
        check_counts(site, folder / "rows", counts)
        after = Copy.of(site, folder / "after")
        assert {name: faults.pid(site, name) for name in processes} == processes, "a process was started again"
        check_everybody_logs_in_anew(site, settings)
        check_log(site, first_key, replaced)
        check_destroyed(control, after, old)
        yield site


def check_destroyed(control: Copy, after: Copy, old: str) -> None:
    """What was sealed to the destroyed key opens on no copy made since, and all of it on one made before."""
    sealed = after.records(old)
    assert len(sealed) >= len(control.records(old)) > 0
    assert after.opened(sealed) == 0
    assert control.opened(control.records(old)) == len(control.records(old))
    assert control.opened(sealed) == len(sealed), "the control's key opens what the other copy cannot"
    (fresh,) = after.key_ids() - {old}
    some = after.records(fresh)[:50]
    assert after.opened(some) == len(some) > 0


@pytest.mark.timeout(600)
def test_every_key_and_password_is_replaced_while_events_flow(tmp_path: Path) -> None:
    """The short form: difference 0, no process started again, old raw records closed for good."""
    for site in run(tmp_path, SHORT, 1):
        assert json.loads(amana(site, "status", "--json"))["held"] == []


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.timeout(3_600)
def test_every_key_and_password_is_replaced_while_a_hundred_thousand_events_flow(tmp_path: Path) -> None:
    """The long form: difference 0, no process started again, old raw records closed for good."""
    for site in run(tmp_path, LONG, 4):
        assert json.loads(amana(site, "status", "--json"))["held"] == []
