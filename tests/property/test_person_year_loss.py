"""The cost of a person-year: everything measured in a year, with and without what is reported about one person.

Streams of reports, corrections and withdrawals of three agencies, in any order and at any time between the
publications, go through the real deduplication; what the real release measures is compared between two worlds.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from anonymizer.budget.account import Account, Charge, Opened, Reserved, State, apply, spent
from anonymizer.budget.accounting import PPB
from anonymizer.noise.sampler import Counts
from anonymizer.noise.workload import workload_of
from anonymizer.policy import Policy
from schemas.identifiers import AgencyId, EventId
from streams.core.calendar import Due, quarter_of, windows_of
from streams.core.counting import cube, dedupe
from streams.core.counting.dedupe import DeidentifiedEvent, PersonYear
from streams.core.counting.representative import CellReader
from streams.core.releasing.dp_release import Noise, _Release
from streams.core.releasing.person_counts import PersonCounts
from tests.support.noisy import Recorded, noisy_policy

YEAR = 2024
RULES = noisy_policy(
    {"levant": ("IRQ", "LBN"), "pave": ("EGY", "IRQ")},
    [("country", "quarter", ()), ("region", "year", ("gender", "majority")), ("region", "year", ("means",))],
)
CUBES = {f"cases|{one.name}": one.dimensions for one in RULES.populations[0].cubes}
PRINTS = [*(Due(window, 0) for window in windows_of(YEAR)), *(Due(window, 1) for window in windows_of(YEAR))]
"""Four quarters, the year, and the revisions of all: reports may come between any two of them."""


@dataclass(frozen=True)
class Report:
    """One report: when it comes (before which publication), by whom, and what it says."""

    before: int
    agency: str
    event: int
    revision: int
    state: str
    period: str
    country: str
    gender: str
    means: tuple[str, ...]


reports = st.builds(
    Report,
    before=st.integers(0, len(PRINTS) - 1),
    agency=st.sampled_from(["insider", "police", "shelter"]),
    event=st.integers(0, 1),
    revision=st.integers(1, 4),
    state=st.sampled_from(["reported", "reported", "reported", "withdrawn"]),
    period=st.sampled_from([f"{YEAR}-01", f"{YEAR}-02", f"{YEAR}-05", f"{YEAR}-08", f"{YEAR}-11", str(YEAR)]),
    country=st.sampled_from(["IRQ", "LBN", "EGY", "JOR"]),
    gender=st.sampled_from(["F", "M"]),
    means=st.sampled_from([(), ("DebtBondage",), ("DebtBondage", "FalsePromises", "PhysicalAbuse")]),
)
streams = st.lists(reports, min_size=1, max_size=9).map(lambda made: sorted(made, key=lambda report: report.before))


@dataclass
class Ledger:
    """A budget in memory: the real account, and one draw for each release."""

    state: State = field(default_factory=dict)
    draws: dict[str, bytes] = field(default_factory=dict)

    def spend(self, opened: Opened, charge: Charge, draw: Callable[[Account], bytes]) -> bytes:
        """Charge, then draw once."""
        self.state = apply(apply(self.state, opened), Reserved(charge))
        if charge.release not in self.draws:
            self.draws[charge.release] = draw(self.state[charge.scope])
        return self.draws[charge.release]


def _measured(
    told: Sequence[Report], rules: Policy = RULES, first: Callable[[PersonYear], PersonYear] = lambda person: person
) -> tuple[list[tuple[Counts, Fraction]], int]:
    """Return everything that is measured in a year while these reports come, and what the ledger says it costs."""
    sampler, ledger, person = Recorded(), Ledger(), PersonYear()
    counted: Counter[str] = Counter()
    reader, offset, waiting = CellReader(CUBES), 0, list(told)
    workload = workload_of(rules, rules.populations[0], YEAR)
    assert workload is not None
    for number, due in enumerate(PRINTS):
        while waiting and waiting[0].before <= number:
            step = dedupe.apply(first(person), _event(waiting.pop(0), offset, rules), "case/0", offset, reader)
            assert step is not None
            person, offset = step.person, offset + 1
            for delta in step.deltas:
                counted[delta.cell] += delta.amount
        cells = {key: {"somebody": count} for key, count in counted.items() if count}
        assert rules.dp is not None
        release = _Release(
            rules, rules.dp, PersonCounts(cells, rules.populations[0], rules), Noise(sampler, ledger.spend)
        )
        release.draw(workload, due)
    (account,) = ledger.state.values()
    return sampler.given, spent(account)


def _event(report: Report, offset: int, rules: Policy) -> DeidentifiedEvent:
    record = {
        "phenomenon": "TIP", "status": "confirmed", "country": report.country, "period": report.period,
        "gender": report.gender, "age": "30--38", "exploitation": ["ForcedLabour"], "means": list(report.means),
    }  # fmt: skip
    cells = cube.cells(record, rules.populations[0])
    who = EventId(f"{report.event}"), AgencyId(report.agency), "case"
    return DeidentifiedEvent(*who, report.revision, report.state, f"{offset}", report.period, (0, offset), cells)


def _loss(one: Sequence[tuple[Counts, Fraction]], other: Sequence[tuple[Counts, Fraction]]) -> Fraction:
    assert len(one) == len(other)
    loss = Fraction(0)
    for (exact, variance), (without, same) in zip(one, other, strict=True):
        assert variance == same
        loss += Fraction(int(((exact - without) ** 2).sum())) / (2 * variance)
    return loss


NOBODY, _ = _measured([])


@settings(max_examples=60, deadline=None)
@given(streams)
def test_a_person_costs_no_more_than_is_charged(told: list[Report]) -> None:
    """All reports about her are there or not, whatever is corrected, withdrawn or late in between."""
    measured, charged = _measured(told)
    assert _loss(measured, NOBODY) <= Fraction(charged, PPB)


@settings(max_examples=60, deadline=None)
@given(streams)
def test_against_an_insider_a_person_costs_no_more_than_twice_that(told: list[Report]) -> None:
    """The others' reports are there or not; the insider's own, whenever they come, stay in both worlds."""
    measured, charged = _measured(told)
    alone, _ = _measured([report for report in told if report.agency == "insider"])
    assert _loss(measured, alone) <= 2 * Fraction(charged, PPB)


@settings(max_examples=100, deadline=None)
@given(streams, st.randoms(use_true_random=False))
def test_the_first_quarter_never_becomes_later_and_depends_on_no_order(told: list[Report], order: object) -> None:
    """It is the least that any report in scope has named, at whatever revision, unless two contradict each other."""
    once = {(report.agency, report.event, report.revision): report for report in told}
    shuffled = list(once.values())
    order.shuffle(shuffled)  # type: ignore[attr-defined] # a seeded random.Random
    ends = []
    for stream in (list(once.values()), shuffled):
        person, reader = PersonYear(), CellReader(CUBES)
        for offset, report in enumerate(stream):
            step = dedupe.apply(person, _event(report, offset, RULES), "case/0", offset, reader)
            assert step is not None
            if person.first_quarter:
                assert step.person.first_quarter <= person.first_quarter
            person = step.person
        ends.append((person.first_quarter, person.counted and person.counted.cells))
    named = [quarter_of(r.period) for r in once.values() if r.state == "reported" and len(r.period) > len("2024")]
    assert ends[0] == ends[1]
    assert ends[0][0] == min(named, default="")


def test_a_person_who_is_counted_in_two_quarters_is_noticed() -> None:
    """The planted fault: a state that forgets the first quarter. A date corrected after its quarter costs too much."""
    told = [
        Report(number, "police", 0, number + 1, "reported", f"{YEAR}-{3 * number + 1:02}", "LBN", "F", ())
        for number in range(4)
    ]
    forgets = lambda person: PersonYear(person.through, person.events, person.counted)  # noqa: E731 - one fault
    measured, charged = _measured(told, first=forgets)
    assert _loss(measured, NOBODY) > Fraction(charged, PPB)
    measured, charged = _measured(told)
    assert _loss(measured, NOBODY) <= Fraction(charged, PPB)
