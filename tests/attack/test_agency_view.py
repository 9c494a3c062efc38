"""An agency tries to learn from its own view whether another agency reported the same persons.

Two agencies with the same keys of event ids publish the same files about different persons, and so are one agency in
two worlds: in one of them other agencies report the same persons, in the other one nobody does. Each works on a machine
that has its own folder of secrets and the public one alone, with the public commands and any Kafka client.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import kafka
import pytest
from kafka import errors as kafka_errors
from kafka.admin import KafkaAdminClient

from amana.local import runtime as local
from amana.site import Site
from schemas import catalogue
from streams.broker import access, topics
from tests.support import demo, runtime
from tests.support.rights_asked import readable
from tests.support.valid_attacks import Row, person

pytestmark = [pytest.mark.broker, pytest.mark.timeout(600)]

TWINS = SHARED, ALONE = "twin-shared", "twin-alone"
OTHERS = ("other-one", "other-two", "other-three", "other-four")
AGENCIES = (*TWINS, *OTHERS)
WORKERS = {"deidentify": 1, "dedupe": 1, "aggregate": 1, "release": 1}
PERSONS, FULL = 12, 64
FIRST_OF = {SHARED: 0, ALONE: 5_000}
"""Number of the first person whom a twin reports."""


def case(record: str, number: int, **more: object) -> Row:
    return {
        "record_id": record, "revision": 1, "event_date": "2023-03-05", "CountryOfExploitation": "LBN",
        "con_Consent": True, "consent_basis": "Person", "phenomenon": "TIP",
        "vic_TraffickingStatus": "PossibleVictimOfTrafficking", "prs_Gender": "Feminine", **person(number), **more,
    }  # fmt: skip


class Machine:
    """The machine of one agency: site.json, the public folder, the agency's own folder, and nothing else."""

    def __init__(self, site: Site, agency: str, folder: Path) -> None:
        self.agency, self.home = agency, folder / agency
        own = f"parties/agencies/{agency}"
        self.home.mkdir()
        shutil.copy(site.path("site.json"), self.home)
        for part in ("public", own):
            shutil.copytree(site.path(part), self.home / part)
        self.site = Site.open(self.home)
        self.environment = {**os.environ, "AMANA_DATA": str(self.home)}

    def amana(self, *words: str, status: int = 0) -> str:
        """Run a command; return what it printed."""
        done = demo.amana(*words, environment=self.environment)
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout

    def publish(self, name: str, rows: list[Row], status: int = 0) -> None:
        """Publish rows as a file of cases."""
        file = self.home / f"{name}.jsonl"
        file.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
        self.amana("publish", "--agency", self.agency, "--kind", "case", str(file), status=status)

    def notices(self, command: str, *words: str, status: int = 0) -> str:
        """Run `amana notices`; return what it printed, with the agency's name taken out, and columns of any width."""
        said = self.amana("notices", command, "--agency", self.agency, *words, status=status)
        return re.sub(" +", " ", said.replace(self.agency, "me"))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, Mapping[str, Machine]]]:
    """A site on which everybody has published: others before, between and after, only about one twin's persons."""
    folder = tmp_path_factory.mktemp("view")
    with local.running(folder / "site", workers=WORKERS, agencies=AGENCIES) as site:
        keys = [site.path("parties", "agencies", twin, "event.key") for twin in TWINS]
        keys[1].write_text(keys[0].read_text(encoding="ascii"), encoding="ascii")
        machines = {agency: Machine(site, agency, folder) for agency in AGENCIES}
        _others_first(machines)
        _settle(site)
        _twins(machines)
        _settle(site)
        _others_later(machines)
        _settle(site)
        yield site, machines


def _others_first(machines: Mapping[str, Machine]) -> None:
    """Report half of the persons first, and fill the year of the first one."""
    for agency in OTHERS:
        flood = [case(f"flood-{n}", FIRST_OF[SHARED]) for n in range(FULL)]
        first = [case(f"own-{n}", FIRST_OF[SHARED] + n) for n in range(1, PERSONS // 2)]
        machines[agency].publish("first", flood + (first if agency == OTHERS[0] else []))


def _twins(machines: Mapping[str, Machine]) -> None:
    """Report everybody; then correct, withdraw, move, repeat, contradict, and send what is refused at the hub."""
    for twin in TWINS:
        base = FIRST_OF[twin]
        machines[twin].publish("main", [case(f"own-{n}", base + n) for n in range(PERSONS)])
        many = [case(f"many-{n}", base) for n in range(8)]
        more = [
            case("own-1", base + 1, revision=2, CountryOfExploitation="JOR"),
            case("own-2", base + 2, revision=2, withdrawn=True),
            case("own-3", base + 4, revision=2),
            case("own-1", base + 1),
            case("own-4", base + 4),
            case("own-5", base + 5, CountryOfExploitation="EGY"),
            case("old", base + 6, event_date="1995-01-01"),
        ]
        machines[twin].publish("more", many + more)


def _others_later(machines: Mapping[str, Machine]) -> None:
    """Report the other half afterwards, correct, withdraw and contradict."""
    base = FIRST_OF[SHARED]
    changes = {"CountryOfExploitation": "IRQ", "event_date": "2023-01-02"}
    rows = [
        *(case(f"own-{n}", base + n, **changes) for n in range(PERSONS // 2, PERSONS)),
        case("own-1", base + 1, revision=2, withdrawn=True),
        case("own-2", base + 3, revision=2),
        case("own-4", base + 4, revision=3, vic_TraffickingStatus="ActualVictimOfTrafficking"),
    ]
    machines[OTHERS[0]].publish("later", rows)


def _settle(site: Site) -> None:
    _hub(site, "status", "--wait-idle", "--timeout", "120")


def _hub(site: Site, *words: str) -> str:
    """Run a command where the hub's secrets are; return what it printed."""
    done = demo.amana(*words, environment={**os.environ, "AMANA_DATA": str(site.dir)})
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_an_agency_finds_its_own_books_in_order(world: tuple[Site, Mapping[str, Machine]]) -> None:
    """The control: notices are there, with each result, so that equal views are not empty ones."""
    books = json.loads(world[1][SHARED].notices("reconcile", "--json", "--wait", "30"))
    (line,) = (line for line in books["lines"] if line["published"])
    assert books["missing"] == []
    assert books["unread"] == 0
    assert line["published"] == PERSONS + 8 + 7 == sum(line["results"].values())
    assert line["results"] == {"accepted": PERSONS + 8 + 3, "duplicate": 1, "superseded": 1, "late": 0, "refused": 2}
    assert line["refused"] == {"CON-020": 1, "CON-025": 1}
    assert line["in_quarantine"] == 2


def test_the_commands_say_the_same_in_both_worlds(world: tuple[Site, Mapping[str, Machine]]) -> None:
    """Each line of each command, with the agency's name alone changed."""
    shared, alone = (world[1][twin] for twin in TWINS)
    for words in (
        ["list"],
        ["list", "--json"],
        ["list", "--result", "refused"],
        ["reconcile"],
        ["reconcile", "--json"],
    ):
        assert shared.notices(*words) == alone.notices(*words), words


def test_the_brokers_bytes_say_the_same_in_both_worlds(world: tuple[Site, Mapping[str, Machine]]) -> None:
    """Every topic that the broker shows to an agency: names, ends, keys, contents as far as its keys open them."""
    shared, alone = (_readable(world[1][twin]) for twin in TWINS)
    assert set(shared) == {f"raw.me.{kind}" for kind in catalogue.KINDS} | {"quarantine.me", "notices.me"}
    assert shared == alone


def _readable(machine: Machine) -> dict[str, Any]:
    """Return all that a client of the agency gets from each topic that it sees; `trend.*` is the same for everybody."""
    cluster, me = machine.site.cluster(access.agency_principal(machine.agency)), machine.agency
    consumer = kafka.KafkaConsumer(**cluster.kafka_settings())
    seen: dict[str, Any] = {}
    try:
        for topic in sorted(name for name in consumer.topics() if not name.startswith("trend.")):
            places = [kafka.TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
            seen[topic.replace(me, "me")] = sorted(end for end in consumer.end_offsets(places).values())
    finally:
        consumer.close()
    held = []
    for record in runtime.consume_all(machine.site, access.agency_principal(me), topics.quarantine(me)):
        entry = cluster.seal.read("quarantine", record.value, record.topic, record.key.decode())
        entry = {**entry, "payload": len(entry["payload"]), "agency": entry["agency"].replace(me, "me")}
        held.append((record.key.decode().replace(me, "me"), entry))
    told = []
    for record in runtime.consume_all(machine.site, access.agency_principal(me), topics.notices(me)):
        notices = cluster.seal.read("notice", record.value, record.topic)
        # Where one batch ends and the next begins depends on time alone: runs are compared record by record.
        told += [
            (notices["kind"], notices["partition"], notices["replayed"], run["first"] + n, run["result"], run["code"])
            for run in notices["runs"]
            for n in range(run["count"])
        ]
    return seen | {"quarantine.me": sorted(held, key=str), "notices.me": sorted(told, key=str)}


def test_the_broker_shows_an_agency_no_other_topic_and_no_group(world: tuple[Site, Mapping[str, Machine]]) -> None:
    """A fetch of each other topic is refused, and so is the progress of each stage."""
    _, machines = world
    own = {topics.quarantine(SHARED), topics.notices(SHARED)}
    settings = machines[SHARED].site.cluster(access.agency_principal(SHARED)).kafka_settings()
    admin = KafkaAdminClient(**settings)
    try:
        names = ["__consumer_offsets", *(topic.name for topic in topics.all_topics(AGENCIES, ()))]
        assert readable(admin, names) == own
        for group in access.WORKERS:
            with pytest.raises(kafka_errors.GroupAuthorizationFailedError):
                admin.list_group_offsets([group])
    finally:
        admin.close()


def test_the_operator_sees_what_the_agency_does_not(world: tuple[Site, Mapping[str, Machine]]) -> None:
    """The other control: the worlds do differ, in what dedupe refuses of the one twin and not of the other."""
    site, _ = world
    later = [entry for entry in json.loads(_hub(site, "quarantine", "list", "--json")) if entry["stage"] == "dedupe"]
    assert {(entry["agency"], entry["code"]) for entry in later} == {(SHARED, "CON-050")}
    assert later


def test_releases_are_read_with_the_agencys_credential(world: tuple[Site, Mapping[str, Machine]]) -> None:
    """Each period with its prints, the same for everybody."""
    site, machines = world
    _hub(site, "release", "--as-of", "2024-06-30")
    printed = {twin: json.loads(machines[twin].notices("released", "--json")) for twin in TWINS}
    assert printed[SHARED] == printed[ALONE]
    assert {(one["population"], one["period"], one["revision"]) for one in printed[SHARED]} >= {("cases", "2023", 0)}


def test_notices_are_followed_as_they_come(world: tuple[Site, Mapping[str, Machine]]) -> None:
    """`--follow` prints what is there and goes on; every line is a record of JSON."""
    machine = world[1][ALONE]
    command = [sys.executable, "-P", "-m", "amana", "notices", "list", "--agency", ALONE, "--follow", "--json"]
    with subprocess.Popen(command, env=machine.environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            lines = [json.loads(process.stdout.readline()) for _ in range(PERSONS)]
        finally:
            process.terminate()
    assert {line["topic"] for line in lines} == {topics.raw(ALONE, "case")}
