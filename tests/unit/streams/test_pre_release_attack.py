"""The attack on every release: it finds nothing in what is planned, and refuses what forgets a rule."""

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest

from anonymizer.solvers.ortools_engine import ENGINES
from anonymizer.tabular import complementary, protection_audit
from anonymizer.tabular.primary import Targets
from schemas.errors import DisclosureError
from schemas.trend import TrendRow
from streams.core.releasing.pre_release_attack import attack_release
from streams.core.releasing.release_decision import EarlierRelease, Publish, Withhold
from streams.core.releasing.release_plan import plan
from tests.support.disclosure import PEOPLE, RULES, Person, cells_of, engine, kept

LATER = PEOPLE | {Person("LBN", "F", "adult", "Q1"): 33}
FIRST, REVISION = dt.date(2024, 2, 1), dt.date(2025, 6, 1)

Outcomes = tuple[Publish | Withhold, ...]


def planned(people: dict[Person, int], as_of: dt.date, earlier: tuple[EarlierRelease, ...] = ()) -> Outcomes:
    return plan(cells_of(people), as_of, earlier, RULES, engine=engine())


def attack(outcomes: Outcomes, *earlier: EarlierRelease, people: dict[Person, int] = PEOPLE) -> Outcomes:
    return attack_release((outcomes, cells_of(people)), earlier, RULES, ENGINES, map)


def passes(_joint: object, targets: Targets, *_: object) -> protection_audit.Audited:
    """Audit nothing."""
    return protection_audit.Audited(99.0, np.zeros(len(targets.exact), np.bool_))


def test_every_release_carries_the_report_of_its_attack() -> None:
    """First publications and the revision beside them: nothing is recovered, and the certificate says so."""
    first = planned(PEOPLE, FIRST)
    history = kept(PEOPLE, first)
    for outcomes in (attack(first), attack(planned(LATER, REVISION, (history,)), history, people=LATER)):
        releases = [outcome for outcome in outcomes if isinstance(outcome, Publish)]
        assert releases
        assert {release.certificate["attack.recovered"] for release in releases} == {"0"}


def test_primary_suppression_alone_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted bug: no complementary suppression, and an audit that passes everything."""
    for method in ("protect", "protect_remaining"):
        monkeypatch.setattr(complementary, method, lambda _joint, _targets, cells, *_: cells.hidden)
    monkeypatch.setattr(protection_audit, "audit", passes)
    with pytest.raises(DisclosureError, match="an attack tells") as refused:
        attack(planned(PEOPLE, FIRST))
    assert refused.value.code == "DIS-029"


def test_a_revision_without_memory_is_refused() -> None:
    """Planted bug: three latecomers are published beside the first publication of the same cells."""
    history = kept(PEOPLE, planned(PEOPLE, FIRST))
    with pytest.raises(DisclosureError, match="an attack tells"):
        attack(planned(LATER, REVISION), history, people=LATER)


def test_what_earlier_publications_told_is_no_fault_of_a_new_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else one bad publication of the past would end all releases of its year."""
    with monkeypatch.context() as planted:
        for method in ("protect", "protect_remaining"):
            planted.setattr(complementary, method, lambda _joint, _targets, cells, *_: cells.hidden)
        planted.setattr(protection_audit, "audit", passes)
        told = kept(PEOPLE, planned(PEOPLE, FIRST))
    silent = tuple(
        replace(outcome, feeds=blank(outcome)) for outcome in planned(PEOPLE, REVISION) if isinstance(outcome, Publish)
    )
    assert {o.certificate["attack.recovered"] for o in attack(silent, told) if isinstance(o, Publish)} == {"0"}


def blank(outcome: Publish) -> dict[str, tuple[TrendRow, ...]]:
    return {
        region: tuple(replace(row, value=None, status="suppressed") for row in rows)
        for region, rows in outcome.feeds.items()
    }
