"""Laws of the person key."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amana.demo.simulation import invented_names
from connectors.ingest.event.person_key import event_id, normal_form, person_key

ALL_NAMES = range(invented_names.GIVEN + invented_names.FATHER + invented_names.FAMILY)
KEY = b"k" * 32


@given(st.lists(st.sampled_from(ALL_NAMES), min_size=1, max_size=3), st.integers(0, 1))
def test_arabic_and_latin_spellings_of_a_name_meet(numbers: list[int], variant: int) -> None:
    latin = [invented_names.latin(number, variant) for number in numbers]
    assert normal_form(latin) == normal_form([invented_names.arabic(number) for number in numbers])


def test_every_invented_name_is_one_in_all_its_spellings() -> None:
    for number in ALL_NAMES:
        spelt = invented_names.latin(number), invented_names.latin(number, 1), invented_names.arabic(number)
        assert len({normal_form([one]) for one in spelt}) == 1, spelt


def test_no_two_invented_names_meet() -> None:
    assert len({normal_form([invented_names.latin(number)]) for number in ALL_NAMES}) == len(ALL_NAMES)


@given(st.lists(st.text(max_size=12), max_size=3))
def test_the_order_of_names_does_not_matter(parts: list[str]) -> None:
    assert len({normal_form(order) for order in permutations(parts)}) <= 1


@given(st.lists(st.text(max_size=20), max_size=3), st.none() | st.integers(1900, 2100))
def test_a_key_is_32_hex_digits_whatever_the_name(parts: list[str], year: int | None) -> None:
    key = person_key(KEY, parts, year, otherwise="event|a|b")
    assert len(bytes.fromhex(key)) == 16


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (["Mohammed", "Al-Tavri"], ["\u0627\u0644\u062a\u0627\u0641\u0631\u064a", "\u0645\u062d\u0645\u062f"]),
        (["Fatima"], ["Fatimah"]),
        (["Houda"], ["Huda"]),
        (["Chadi Gassan"], ["Ghassan", "Shadi"]),
        (["Siham"], ["\u0633\u0647\u0627\u0645"]),
        (["Taher", "bin Salim"], ["\u0637\u0627\u0647\u0631", "\u0628\u0646 \u0633\u0627\u0644\u0645"]),
        (["\u015eahin"], ["Shahin"]),
    ],
)
def test_usual_spellings_meet(one: list[str], other: list[str]) -> None:
    assert normal_form(one) == normal_form(other)


def test_keys_of_two_agencies_differ_for_one_own_id() -> None:
    assert event_id(b"a" * 32, "case", "7") != event_id(b"b" * 32, "case", "7")
    assert event_id(KEY, "case", "7") != event_id(KEY, "referral", "7")
