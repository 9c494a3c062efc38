"""Attack of somebody who has everything of a hub, with all keys of all parties, after a person was erased.

The attacker looks for the person on the broker's disk, in every record that any key opens, in states, changelogs and
quarantine. The person was reported, corrected into another year, reported by two agencies, refused, and late.
"""

import datetime as dt
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import kafka
import pytest

from amana.composition import erasures
from amana.local import runtime as local
from amana.publisher import Publisher
from amana.site import Site
from anonymizer.microdata import pseudonym
from connectors.adapters import schema_ids
from connectors.operations import exact_cells, pipeline_status, quarantine_entries
from connectors.operations.removal import Pace
from schemas import catalogue, codec, limits
from schemas.identifiers import EventId
from streams.core.counting import erasure_certificate
from tests.support import counted, raw_events, runtime
from tests.support.scanner import Scanner

pytestmark = [pytest.mark.broker, pytest.mark.timeout(600)]

POLICE, SHELTER = "police-jor", "shelter-lbn"
WORKERS = {"deidentify": 1, "dedupe": 1, "aggregate": 1, "release": 0}
TODAY = dt.date(2026, 6, 1)
PERSON = "5eed" * 8
PLACE = "OMN"
"""A country that nobody else is reported of: the attributes of the person are unique."""

FAST = Pace(idle_ms=3_000, tombstone_ms=100, segment_ms=500, patience=150, pause=1)
"""An hour's age, and what follows from it, in three seconds."""

PEOPLE = {"prs_FirstName": "Zeynabelle", "prs_SecondName": "Qadirova", "prs_MobilePhone": "+962795551234"}


def others(number: int) -> list[dict[str, Any]]:
    """Return events of as many other persons, of the police, two of each."""
    return [
        raw_events.event(number=n, person=f"{n // 2 + 1:032x}", event_date=f"2025-{1 + n % 12:02}-03")
        for n in range(number)
    ]


def planted(agency: str, number: int, revision: int = 1, **changes: object) -> dict[str, Any]:
    """Return an event of the person."""
    own: dict[str, Any] = {"event_date": "2026-05-03", "CountryOfExploitation": PLACE, "person": PERSON, **PEOPLE}
    return raw_events.event(number=number, agency=agency, revision=revision, **(own | changes))


OTHERS = others(40)
STAYS = raw_events.event(number=900, event_date="2025-02-03", person="77" * 16)
"""Reported by the police; the shelter reports the same person, and erases its own event."""

REPORTED = [
    planted(POLICE, 901),
    planted(POLICE, 901, 2, event_date="2025-05-03"),  # corrected into another year: it leaves its first token
    planted(POLICE, 902),
    planted(POLICE, 902, 2, withdrawn=True, con_Consent=False),
    planted(POLICE, 903, con_Consent=False),  # refused: no consent
    planted(POLICE, 904, event_date="2015-05-03"),  # late
    planted(SHELTER, 905),
    {**STAYS, "agency": SHELTER, "event_id": f"{906:032x}", "CountryOfExploitation": PLACE},
]
NEVER = f"{999:032x}"


def ids(agency: str) -> list[str]:
    """Return the ids of the events that an agency erases."""
    own = list(dict.fromkeys(event["event_id"] for event in REPORTED if event["agency"] == agency))
    return [*own, NEVER] if agency == POLICE else own


@dataclass
class Story:
    """What was found at each step."""

    site: Site
    needles: Mapping[str, bytes]
    before: Counter[str]
    left_out: Counter[str]
    after: Counter[str]
    restarted: Counter[str]
    cells: Mapping[str, int]
    cells_restarted: Mapping[str, int]
    certificates: Sequence[Mapping[str, str]]
    outcomes: Counter[str]


def publish(site: Site, events: Sequence[Mapping[str, Any]]) -> None:
    """Publish events as their agencies do, each in the partition of its event id."""
    known = schema_ids.allow_list(site.schema_ids).current
    for agency in (POLICE, SHELTER):
        own = [event for event in events if event["agency"] == agency]
        producer = kafka.KafkaProducer(**site.cluster(f"agency.{agency}").kafka_settings(), acks="all")
        for event in own:
            sent = raw_events.record("case", event, 0, known, *raw_events.keys_of(site, agency))
            producer.send(sent.topic, key=sent.key, value=sent.value, partition=sent.partition)
        producer.flush(timeout=30)
        producer.close()


def amana(site: Site, *words: str) -> str:
    environment = {**os.environ, "AMANA_DATA": str(site.dir)}
    command = [sys.executable, "-P", "-m", "amana", *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def idle(site: Site) -> Counter[str]:
    found = pipeline_status.wait_idle(site.cluster("operator"), 120)
    assert found.is_idle, (found.lags, found.held)
    return Counter(found.outcomes[POLICE, "case"])


def erase(site: Site) -> None:
    """Let both agencies ask; the shelter with the command, the police with a program of its own."""
    said = amana(site, "erase", "request", "--agency", SHELTER, "--kind", "case", "--event-ids", *ids(SHELTER))
    assert digest(SHELTER) in said
    assert Publisher(site.agency_profile(POLICE)).erase("case", ids(POLICE), hashed=True) == digest(POLICE)


def digest(agency: str) -> str:
    return erasure_certificate.digest_of(erasure_certificate.name_of(EventId(one)) for one in ids(agency))


def end(site: Site, number: int) -> None:
    """End the process of each counting stage by a signal; the supervisor starts another one."""
    files = [site.path("run", f"worker-{stage}-0.pid") for stage in ("deidentify", "dedupe", "aggregate")]
    processes = [int(file.read_text(encoding="ascii")) for file in files]
    for process in processes:
        os.kill(process, number)
    assert wait(lambda: not any(map(is_alive, processes))), "a stage did not end"


def wait(done: Callable[[], bool]) -> bool:
    """Wait for something for thirty seconds at most; return whether it came."""
    deadline = time.monotonic() + 30
    while not (there := done()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return there


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def needles_of(site: Site) -> dict[str, bytes]:
    """Return what tells of the person, by name."""
    dedupe = site.party("deidentify").key("dedupe")
    seal = site.cluster("operator").seal
    tokens = {year: str(pseudonym.person_token(dedupe, year, PERSON)) for year in ("2025", "2026")}
    found = {name: value.encode() for name, value in PEOPLE.items()}
    found |= {f"token {year}": token.encode() for year, token in tokens.items()}
    found |= {f"state key {year}": seal.index(year, f"case|{token}").encode() for year, token in tokens.items()}
    found |= {f"event {one[-3:]}": one.encode() for agency in (POLICE, SHELTER) for one in ids(agency)}
    return found | {"person": PERSON.encode()}


def search(site: Site, needles: Mapping[str, bytes]) -> Counter[str]:
    return Scanner(site, needles, {"attributes": PLACE.encode()}).found()


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    with local.running(tmp_path_factory.mktemp("erasure"), workers=WORKERS, as_of=TODAY) as site:
        needles = needles_of(site)
        publish(site, [*OTHERS, STAYS, *REPORTED])
        idle(site)
        before = search(site, needles)
        # A topic is left out of the removal by mistake: the search must notice.
        # Everybody asks twice: the second request finds nothing to take back, and must not hide the first.
        erase(site)
        erase(site)
        idle(site)
        with pytest.MonkeyPatch.context() as patched:
            chosen = erasures._topics_of
            patched.setattr(erasures, "_topics_of", lambda notes: (chosen(notes)[0], []))
            wait_and_finish(site)
        left_out = search(site, needles)
        # Asked again, while stages are killed.
        erase(site)
        end(site, signal.SIGKILL)
        idle(site)
        certificates = wait_and_finish(site)
        after, cells = search(site, needles), exact_cells.read(site.cluster("operator"))
        # All states from their changelogs, and everything that an operator can replay.
        end(site, signal.SIGTERM)  # it leaves its group, so that the next one need not wait for its session to end
        publish(site, [{**OTHERS[0]}])
        outcomes = idle(site)
        again = exact_cells.read(site.cluster("operator"))
        restarted = search(site, needles)
        yield Story(site, needles, before, left_out, after, restarted, cells, again, certificates, outcomes)


def wait_and_finish(site: Site) -> Sequence[Mapping[str, str]]:
    """Run the removal as soon as all requests are old enough; one that runs earlier leaves the younger ones alone."""
    youngest = max(note.at_ms for note in erasures.waiting(site))
    time.sleep(max(0, youngest + FAST.idle_ms - time.time() * 1000) / 1000)
    made = erasures.finish(site, FAST)
    # No broker tells when a file that it replaced is gone (ADR 0042): a slow one takes longer than `finish` waits.
    wait(lambda: not any(site.path("kafka").rglob("*.deleted")))
    return made


def test_before_the_erasure_the_person_is_found_everywhere(story: Story) -> None:
    """The control of the search: each needle, and each place that a person passes through."""
    places = {hit.partition(":")[0] for hit in story.before}
    assert places >= {
        "disk", f"raw.{POLICE}.case", "deidentified.case", "state.deidentify", "state.dedupe", "deltas", "cells",
        f"quarantine.{POLICE}",
    }  # fmt: skip
    names = {hit.partition(": ")[2] for hit in story.before}
    assert names == {*story.needles, "attributes"} - {f"event {NEVER[-3:]}"}


def test_a_topic_that_is_left_out_is_noticed(story: Story) -> None:
    assert {hit.partition(":")[0] for hit in story.left_out} >= {"deidentified.case", "state.dedupe", "cells"}
    assert not any(hit.startswith(("raw.", "deltas")) for hit in story.left_out)


def test_after_the_erasure_nothing_is_found(story: Story) -> None:
    assert story.after == Counter()
    assert story.restarted == Counter()


def test_the_counts_are_those_of_a_site_that_never_knew_the_person(story: Story) -> None:
    """The shelter's report of somebody whom the police reports too goes; the police's stays."""
    truth = counted.cells("case", [*OTHERS, STAYS])
    assert Counter(story.cells) == truth
    assert Counter(story.cells_restarted) == truth


def test_the_certificates_say_what_the_requester_can_recompute(story: Story) -> None:
    said = {one["agency"]: one for one in story.certificates}
    assert {agency: (one["events"], one["digest"]) for agency, one in said.items()} == {
        agency: (str(len(ids(agency))), digest(agency)) for agency in (POLICE, SHELTER)
    }
    allowed = {schema_ids.allow_list(story.site.schema_ids, ["audit"]).id_of("audit"): catalogue.load("audit").parsed}
    read = (codec.decode(r.value, allowed, limits.INTERNAL) for r in runtime.consume_all(story.site, "admin", "audit"))
    entries = [one["details"] for one in read if one["action"] == "erasure"]
    assert entries[-2:] == [dict(one) for one in story.certificates]
    assert amana(story.site, "erase", "status").strip() == "0 to be removed"


def test_nothing_of_the_person_is_left_in_quarantine(story: Story) -> None:
    assert quarantine_entries.entries(story.site.cluster("operator"), agency=POLICE) == []


def test_a_report_anew_counts_and_an_old_copy_does_not(story: Story) -> None:
    """Last, as it brings the person back: a revision from before the erasure is superseded, a later one is new."""
    site = story.site
    publish(site, [planted(POLICE, 901, 2, event_date="2025-05-03")])
    superseded = idle(site)["superseded"]
    assert superseded > story.outcomes["superseded"]
    assert Counter(exact_cells.read(site.cluster("operator"))) == Counter(story.cells)
    publish(site, [planted(POLICE, 901, 9, event_date="2025-05-03")])
    idle(site)
    assert Counter(exact_cells.read(site.cluster("operator"))).total() > Counter(story.cells).total()
