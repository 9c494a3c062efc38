"""Agencies' own aggregates and paths of referral, from a published file to a released table, and who bends them.

The control is the real path: files of each kind with its new fields, through `amana publish`, the stages and a release,
to the rows that an analyst reads. The attacks beside it: an authority that reports another's stage of proceedings, a
count of few partners that a release would show, and a count that is spread over topics or audiences to be added twice.
"""

import csv
import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from amana.local import runtime as local
from amana.site import Site
from amana.trend_feed import TrendFeed
from schemas.trend import TrendRow
from tests.support import demo
from tests.support.valid_attacks import Row, person

pytestmark = [pytest.mark.broker, pytest.mark.timeout(600)]

MINISTRY, POLICE, INSPECTORS = "interior-ministry-lbn", "police-jor", "labour-inspectorate-tur"
SHELTER, MISSION = "shelter-lbn", "un-mission-irq"
WORKERS = {"deidentify": 1, "dedupe": 1, "aggregate": 1, "release": 1}
QUARTER, YEAR = "2024-Q1", "2024"


def own(record: str, country: str, **more: object) -> Row:
    """Return a row of an aggregate."""
    return {"record_id": record, "event_date": "2024-02", "CountryOfExploitation": country, **more}


def stage(record: str, country: str, value: int, name: str = "Convicted", **more: object) -> Row:
    """Return a row about a stage of proceedings."""
    return own(record, country, stage=name, phenomenon="TIP", value=value, **more)


def session(record: str, country: str, **more: object) -> Row:
    """Return a row about an activity with twenty participants."""
    counts = {"participants_female": 13, "participants_male": 7}
    return own(record, country, activity_type="AwarenessSession", **counts, **more)


def referral(number: int, country: str) -> Row:
    """Return a row about one person who is referred."""
    return {
        **own(f"referral-{number}", country), **person(number), "con_Consent": True, "consent_basis": "Person",
        "phenomenon": "TIP", "vic_TraffickingStatus": "ActualVictimOfTrafficking", "prs_Gender": "Feminine",
        "service": "Shelter", "cas_ReferringOrganisation": "LawEnforcement", "cas_ReferredOrganisation": "NGO",
        "uptake": "TakenUp",
    }  # fmt: skip


TOLD: Row = {"vic_TypeOfExploitation": ["ForcedLabour"], "sex": "M", "nationality": "foreign"}
ABOUT: Row = {"indicator": "DebtForNeeds", "phenomenon": "TIP", "population_group": "Refugees", "sex": "F"}
CRISIS: Row = {"crisis": "SYR-2011", "crisis_phase": "Protracted", "emergency": "Conflict", "majority": "adult"}

HONEST: Sequence[tuple[str, str, list[Row]]] = (
    (POLICE, "justice", [stage("j-1", "JOR", 40, article="JOR-9-2009", **TOLD)]),
    (MINISTRY, "justice", [stage("j-1", "LBN", 30, article="LBN-164-2011", **TOLD)]),
    (INSPECTORS, "justice", [stage("j-1", "TUR", 25, "Prosecuted", article="TUR-80", **TOLD)]),
    (POLICE, "indicator", [own("i-1", "JOR", value=33, **ABOUT, **CRISIS)]),
    (SHELTER, "indicator", [own("i-1", "LBN", value=27, **ABOUT, **CRISIS)]),
    (MINISTRY, "activity", [session("a-1", "LBN", audience="Migrants", topics=["Rights", "Smuggling"],
                                    items_dignity_kits=50, partner_organisations=3)]),
    (POLICE, "activity", [session("a-1", "JOR", audience="HostCommunity", topics=["Rights", "ChildLabour"],
                                  items_dignity_kits=60, partner_organisations=2)]),
    (SHELTER, "referral", [referral(number, "LBN") for number in range(14)]),
    (POLICE, "referral", [referral(number, "JOR") for number in range(20, 36)]),
)  # fmt: skip

FORGED: Sequence[tuple[str, str, str, list[Row]]] = (
    (INSPECTORS, "justice", "CON-027", [
        stage("j-2", "JOR", 500, **TOLD),  # another country's
        stage("j-3", "TUR", 500, **TOLD),  # a stage of its own country that it does not own
        stage("j-4", "TUR", 500, "Prosecuted") | {"phenomenon": "SOM"},  # smuggling, where it owns trafficking alone
        stage("j-1", "JOR", 500, "Prosecuted", revision=2, **TOLD),  # an own event, corrected into another country
    ]),
    (SHELTER, "justice", "CON-027", [stage("j-2", "LBN", 500, **TOLD)]),  # no authority at all
    (MINISTRY, "justice", "CON-027", [stage("j-2", "JOR", 500, "Arrested", **TOLD)]),
    (MISSION, "indicator", "CON-026", [own("i-2", "IRQ", value=500, **ABOUT) | {"crisis": "YEM-2014"}]),
)  # fmt: skip


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site on which honest and forged files are published, and one quarter is released."""
    with local.running(tmp_path_factory.mktemp("aggregates"), workers=WORKERS) as site:
        for agency, kind, rows in HONEST:
            _publish(site, agency, kind, "own", rows)
        for agency, kind, _, rows in FORGED:
            _publish(site, agency, kind, "forged", rows)
        _amana(site, "status", "--wait-idle", "--timeout", "120")
        _amana(site, "release", "--as-of", "2025-01-20")
        yield site


def _amana(site: Site, *words: str, status: int = 0) -> str:
    done = demo.amana(*words, environment={**os.environ, "AMANA_DATA": str(site.dir)})
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout


def _publish(site: Site, agency: str, kind: str, name: str, rows: Sequence[Row], status: int = 0) -> None:
    file = site.dir / f"{agency}-{name}-{kind}.jsonl"
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    _amana(site, "publish", "--agency", agency, "--kind", kind, str(file), status=status)


def _rows(site: Site, table: str, period: str = QUARTER) -> list[TrendRow]:
    return list(TrendFeed(site.cluster("analysts")).get(table, regions=["levant"], period=period))


def _published(rows: Sequence[TrendRow], **codes: str) -> int | None:
    """Return the value of the one row with these codes; every other dimension is the total."""
    return _row(rows, **codes).value


def _within(rows: Sequence[TrendRow], count: int, **codes: str) -> bool:
    """Tell whether a noisy value lies within six deviations of a count, as all but one in 500 million do."""
    row = _row(rows, **codes)
    assert row.estimate is not None
    assert row.sd is not None
    return abs(row.estimate - count) <= 6 * row.sd


def _row(rows: Sequence[TrendRow], **codes: str) -> TrendRow:
    (row,) = (row for row in rows if {d: c for d, c in row.dimensions.items() if c != "_T"} == codes)
    return row


@pytest.fixture(scope="module")
def counted(running: Site) -> Mapping[str, list[Mapping[str, str]]]:
    """The exact cells, by population."""
    out = running.path("internal", "aggregates.csv")
    out.parent.mkdir(exist_ok=True)
    _amana(running, "cells", "export", "--out", str(out))
    found: dict[str, list[Mapping[str, str]]] = {}
    with out.open(encoding="utf-8", newline="") as text:
        for row in csv.DictReader(text):
            found.setdefault(row["population"], []).append(row)
    return found


def test_each_kind_is_released_by_its_new_fields(running: Site) -> None:
    """The control: two authorities, two agencies and thirty referred persons reach their tables."""
    convicted = {"phenomenon": "TIP", "stage": "Convicted"}
    assert _published(_rows(running, "justice-by-sex"), **convicted, sex="M") == 70
    assert _published(_rows(running, "justice-by-form"), **convicted, exploitation="ForcedLabour") == 70
    assert _published(_rows(running, "justice-by-citizenship"), **convicted, nationality="foreign") == 70
    debt = {"phenomenon": "TIP", "indicator": "DebtForNeeds"}
    assert _published(_rows(running, "indicators-by-sex", YEAR), **debt, population_group="Refugees", sex="F") == 60
    assert _published(_rows(running, "indicators-by-crisis", YEAR), **debt, crisis="SYR-2011") == 60
    assert _published(_rows(running, "indicators-by-phase", YEAR), **debt, crisis_phase="Protracted") == 60
    assert _published(_rows(running, "indicators-by-emergency", YEAR), **debt, emergency="Conflict") == 60
    confirmed = {"phenomenon": "TIP", "status": "confirmed"}
    for table, code in (
        ("referrals-from", {"referred_from": "LawEnforcement"}),
        ("referrals-to", {"referred_to": "NGO"}),
    ):
        assert _within(_rows(running, table, YEAR), 30, **confirmed, **code)
    assert _within(_rows(running, "referrals-taken-up"), 30, **confirmed, uptake="TakenUp")
    assert _published(_rows(running, "items"), item="DignityKit") == 110


def test_a_stage_of_another_authority_is_refused_and_changes_no_count(
    running: Site, counted: Mapping[str, list[Mapping[str, str]]]
) -> None:
    """By country, stage, phenomenon, by a correction, and by an agency that is no authority; and an unknown crisis."""
    entries = json.loads(_amana(running, "quarantine", "list", "--json"))
    refused = Counter((entry["agency"], entry["code"]) for entry in entries)
    expected: Counter[tuple[str, str]] = Counter()
    for agency, _, code, rows in FORGED:
        expected[agency, code] += len(rows)
    assert refused == expected
    assert {int(row["count"]) for row in counted["justice"]} == {40, 30, 25}
    assert {int(row["count"]) for row in counted["indicators"]} == {33, 27}


def test_no_release_tells_a_count_of_few_partners(running: Site) -> None:
    """Five partners of two agencies: no cell that counts them is printed, and no column of a file can name one."""
    rows = list(TrendFeed(running.cluster("analysts")).get("partners", period=QUARTER))
    assert rows
    assert {row.value for row in rows} <= {0, None}
    assert not any(name in json.dumps(row.record()) for row in rows for name in (MINISTRY, POLICE))
    for column in ("partner", "partner_name", "partner_organisation"):
        named = session("a-9", "JOR", partner_organisations=1, **{column: "Harbour Trust"})
        _publish(running, POLICE, "activity", column, [named], status=1)


def test_participants_are_counted_once_however_many_topics_and_audiences(
    running: Site, counted: Mapping[str, list[Mapping[str, str]]]
) -> None:
    """Forty took part: each topic is a question of its own beside the forty, and audiences add up to them."""
    topics = _rows(running, "topics")
    assert _published(topics, topics="Rights") == 40
    assert _published(topics, topics="known") == 40
    values = [row.value or 0 for row in topics if row.dimensions["topics"] in {"_T", "known", "Rights"}]
    assert max(values) == 40
    audiences = _rows(running, "audiences")
    assert _published(audiences, audience="known") == 40
    cells = Counter[str]()
    for row in counted["activities"]:
        cells[row["cube"]] += int(row["count"])
    assert cells == {"participants": 40, "audience": 40, "topics": 40}


def test_earlier_events_of_the_released_kinds_can_be_taken_back(running: Site) -> None:
    """An authority withdraws its own stage; another's withdrawal of the same record takes nothing back."""
    taken = stage("j-1", "JOR", 40, withdrawn=True, revision=2, **TOLD)
    _publish(running, INSPECTORS, "justice", "taken", [{**taken, "revision": 3}])
    _amana(running, "status", "--wait-idle", "--timeout", "120")
    assert _convicted_in_jordan(running) == 40
    _publish(running, POLICE, "justice", "taken", [taken])
    _amana(running, "status", "--wait-idle", "--timeout", "120")
    assert _convicted_in_jordan(running) == 0


def _convicted_in_jordan(site: Site) -> int:
    out = Path(site.path("internal", "after.csv"))
    _amana(site, "cells", "export", "--out", str(out))
    with out.open(encoding="utf-8", newline="") as text:
        rows = [row for row in csv.DictReader(text) if row["population"] == "justice"]
    return sum(
        int(row["count"])
        for row in rows
        if "stage=Convicted" in row["dimensions"] and "country=JOR" in row["dimensions"]
    )
