"""The record that is counted of a person: whatever the order, and whatever one agency adds to what others report."""

import itertools
from dataclasses import replace

from hypothesis import assume, given
from hypothesis import strategies as st

from schemas.identifiers import AgencyId, CubeKey, EventId
from streams.core.counting import dedupe
from streams.core.counting.dedupe import DeidentifiedEvent, PersonYear
from streams.core.counting.representative import CellReader, CountedRecord, representative

CUBES = CellReader({"cases|profile": ("phenomenon", "status", "country", "period"), "cases|means": ("year", "means")})
AGENCIES = ("police", "shelter", "hotline", "attacker", "mission")
ORDER = ("attacker", "shelter", "police", "hotline")
"""The year 2024's order of these agencies, the strongest first."""

content = st.tuples(
    st.sampled_from(("TIP", "SOM")),
    st.sampled_from(("confirmed", "possible", "unknown")),
    st.sampled_from(("LBN", "KWT", "unknown")),
    st.sampled_from(("", "-02", "-07", "-11")).map("2024{}".format),
    st.sampled_from(("Debt", "Threat", "unknown")),
)
Content = tuple[str, str, str, str, str]


def event(number: int, agency: str, told: Content) -> DeidentifiedEvent:
    """Make the first revision of an event."""
    phenomenon, status, country, period, means = told
    cells = (
        (CubeKey(f"cases|profile|{phenomenon}|{status}|{country}|{period}"), 1),
        (CubeKey(f"cases|means|2024|{means}"), 1),
    )
    return DeidentifiedEvent(
        EventId(f"{number:032x}"), AgencyId(agency), "case", 1, "reported", f"{told}", period, (0, number), cells
    )


def drawn(agencies: tuple[str, ...], most: int) -> st.SearchStrategy[list[DeidentifiedEvent]]:
    """Draw events of these agencies, with distinct ids."""
    made = st.lists(st.tuples(st.sampled_from(agencies), content), max_size=most)
    return made.map(lambda rows: [event(n, agency, told) for n, (agency, told) in enumerate(rows)])


def told_by(record: CountedRecord | None) -> dict[str, str]:
    """Return the attributes of a counted record."""
    assert record is not None
    return dict(CUBES.attributes(record.cells))


@given(drawn(AGENCIES, 6), st.randoms(use_true_random=False))
def test_the_order_of_arrival_decides_nothing(events: list[DeidentifiedEvent], random: object) -> None:
    """The same events give the same record in any order."""
    shuffled = list(events)
    random.shuffle(shuffled)  # type: ignore[attr-defined] # Hypothesis' own type
    assert representative(events, CUBES) == representative(shuffled, CUBES)


@given(drawn(AGENCIES, 6), st.randoms(use_true_random=False))
def test_deltas_add_up_to_the_record_in_any_order(events: list[DeidentifiedEvent], random: object) -> None:
    """What one step after the other adds and takes back is the cells of the last record."""
    shuffled = list(events)
    random.shuffle(shuffled)  # type: ignore[attr-defined] # as above
    person, total = PersonYear(), dict[str, int]()
    for offset, one in enumerate(shuffled):
        step = dedupe.apply(person, one, "case/0", offset, CUBES)
        assert step is not None
        # The state survives its wire form: the next step takes back what was counted.
        person = dedupe.load(offset, "case", dedupe.dump(step.person))
        assert person == step.person
        for delta in step.deltas:
            total[delta.cell] = total.get(delta.cell, 0) + delta.amount
    record = representative(events, CUBES)
    assert {cell: amount for cell, amount in total.items() if amount} == dict(record.cells if record else ())


@given(content, content, drawn(("attacker",), 5))
def test_no_third_agency_changes_what_two_agree_on(
    first: Content, second: Content, attack: list[DeidentifiedEvent]
) -> None:
    """Whatever one agency adds, and however it is dated."""
    honest = [event(100, "police", first), event(101, "shelter", second)]
    names = ("phenomenon", "status", "country", "period", "means")
    agreed = {name: value for name, value, other in zip(names, first, second, strict=True) if value == other}
    told = told_by(representative([*honest, *attack], CUBES))
    assert {name: told[name] for name in agreed} == agreed


@given(content, content, st.sampled_from(("", "-01", "-06", "-12")).map("2024{}".format))
def test_no_date_decides_over_another_agencys_report(honest: Content, attack: Content, date: str) -> None:
    """Two reports that differ: with another date of one of them the same agency still leads, and its report stands."""
    alone = event(100, "police", honest)
    one = representative([alone, event(0, "attacker", attack)], CUBES)
    other = representative([alone, event(0, "attacker", (*attack[:3], date, attack[4]))], CUBES)
    assert one is not None
    assert other is not None
    # Only the length of a date is known to the cells: a leader's own month is the leader's.
    assert one.agency == other.agency
    told, again = told_by(one), told_by(other)
    assert {name: told[name] for name in told if name != "period"} == {
        name: again[name] for name in again if name != "period"
    }


@given(content, drawn(("attacker",), 4))
def test_an_event_without_a_month_takes_no_record(honest: Content, attack: list[DeidentifiedEvent]) -> None:
    """T15: an event that says only the year sorted before every month, and took anybody's representative record."""
    assume(len(honest[3]) == len("2024-02"))
    confirmed = ("TIP", "confirmed", "LBN", honest[3], honest[4])
    vague = [replace_status(one) for one in attack]
    record = representative([event(100, "police", confirmed), *vague], CUBES)
    assert record is not None
    assert record.agency == "police"


def replace_status(one: DeidentifiedEvent) -> DeidentifiedEvent:
    """Return the event as a possible case of smuggling in Kuwait, without a month."""
    return replace(
        event(0, one.agency, ("SOM", "possible", "KWT", "2024", "unknown")), event_id=one.event_id, raw=one.raw
    )


@given(st.permutations(ORDER), content)
def test_equal_reports_are_led_by_the_years_order(order: list[str], told: Content) -> None:
    """Agencies that say the same count once, for the first in the year's order; nothing is in dispute."""
    record = representative([event(n, agency, told) for n, agency in enumerate(order)], CUBES)
    assert record is not None
    assert (record.agency, record.disputed) == ("attacker", ())


def test_different_known_reports_are_in_dispute_and_unknown_ones_are_not() -> None:
    """Each of the three attributes for itself; what an agency does not know contradicts nobody."""
    base: Content = ("TIP", "confirmed", "LBN", "2024-02", "Debt")
    others = {"country": (2, "KWT", "unknown"), "phenomenon": (0, "SOM", "TIP"), "status": (1, "possible", "unknown")}
    for name, (place, different, silent) in others.items():
        for value, disputed in ((different, (name,)), (silent, ())):
            told = tuple(value if n == place else old for n, old in enumerate(base))
            record = representative([event(1, "police", base), event(2, "shelter", told)], CUBES)  # type: ignore[arg-type] # as base
            assert record is not None
            assert record.disputed == disputed


def test_what_two_say_of_each_attribute_is_counted_though_no_event_has_it_all() -> None:
    """Three agencies, each alone with one value: the record has the value of the other two everywhere."""
    truth: Content = ("TIP", "confirmed", "LBN", "2024-02", "Debt")
    wrong: Content = ("SOM", "possible", "KWT", "2024-07", "Threat")
    for places in itertools.permutations(range(5), 3):
        events = [
            event(n, agency, tuple(wrong[i] if i == places[n] else truth[i] for i in range(5)))  # type: ignore[arg-type] # as truth
            for n, agency in enumerate(("police", "shelter", "hotline"))
        ]
        told = told_by(representative(events, CUBES))
        assert (*(told[n] for n in ("phenomenon", "status", "country", "period", "means")),) == truth
