# ruff: noqa: RUF001 - Arabic digits and look-alike letters are what is tested
"""Laws of what stands in the place of a finding, and how dates and places are read."""

import datetime as dt
import itertools
import re
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anonymizer.microdata import places, replacement, text_dates
from anonymizer.microdata.redaction import Finding, united
from anonymizer.microdata.text_dates import TextDate
from anonymizer.policy import Replacing

PLACEHOLDERS = Replacing(date="placeholder", place="placeholder")
MONTHS = Replacing(date="month", place="country")
SHIFTED = Replacing(date="shift", place="country")
TYPES = st.sampled_from(("PERSON", "LOC", "DATE_TIME", "ORG"))
RULES = st.builds(
    Replacing,
    date=st.sampled_from(("placeholder", "shift", "month", "year")),
    place=st.sampled_from(("placeholder", "country")),
)

FINDINGS = st.lists(
    st.tuples(st.integers(0, 59), st.integers(1, 20), TYPES, st.sampled_from((0.4, 1.0))).map(
        lambda t: Finding(t[0], min(60, t[0] + t[1]), t[2], t[3])
    ),
    max_size=8,
)
"""Findings in a text of sixty characters."""

WORDS = st.lists(st.sampled_from(("Nour", "NOUR", "Haddad", "Lea", "Beirut", "12/03/2024", "2024", "§")), max_size=12)


def _found(text: str, **mentions: str) -> tuple[str, list[Finding]]:
    """Return a text with findings: type=mention, or several mentions joined by `|`."""
    spans = [
        (found.start(), found.end(), kind)
        for kind, given_ in mentions.items()
        for mention in given_.split("|")
        for found in re.finditer(re.escape(mention), text)
    ]
    return text, [Finding(start, end, kind, 1.0) for start, end, kind in spans]


def _whole(words: Sequence[str], kind: str) -> tuple[str, list[Finding]]:
    """Return words joined by bars, each of them found."""
    ends = list(itertools.accumulate(len(word) + 1 for word in words))
    spans = [(end - len(word) - 1, end - 1) for word, end in zip(words, ends, strict=True)]
    return "|".join(words), [Finding(start, end, kind, 1.0) for start, end in spans]


@given(FINDINGS, RULES)
def test_nothing_of_a_finding_is_left_and_nothing_else_is_touched(findings: list[Finding], rules: Replacing) -> None:
    """Every character of the text is unique, so none that was found may be seen again."""
    text = "".join(chr(0x4E00 + i) for i in range(60))
    masked = replacement.replaced(text, findings, rules, replacement.RecordContext(days=3))
    found = {text[i] for f in findings for i in range(f.start, f.end)}
    assert not found & set(masked)
    kept = [text[a.end : b.start] for a, b in itertools.pairwise((Finding(0, 0, "", 0), *united(findings)))]
    assert re.sub(r"\[[^\]]*\]", "|", masked).split("|")[:-1] == kept


@given(WORDS, TYPES)
def test_equal_values_have_equal_placeholders_and_different_ones_different(words: list[str], kind: str) -> None:
    shown = replacement.replaced(*_whole(words, kind), PLACEHOLDERS).split("|")
    pairs = itertools.combinations(zip(words, shown, strict=False), 2)
    assert all((a.casefold() == b.casefold()) == (x == y) for (a, x), (b, y) in pairs)


@given(WORDS, WORDS, TYPES, RULES)
def test_numbering_depends_on_nothing_but_the_record(
    one: list[str], two: list[str], kind: str, rules: Replacing
) -> None:
    texts = [_whole(one, kind), _whole(two, kind)]
    once = replacement.replaced_together(texts, rules)
    assert replacement.replaced_together([(t, list(reversed(f))) for t, f in texts], rules) == once
    assert replacement.replaced_together([(text, []) for text in once], rules) == once


def _numbers(
    *texts: tuple[str, list[Finding]], rules: Replacing = MONTHS, own: replacement.RecordContext | None = None
) -> str:
    return " / ".join(replacement.replaced_together(texts, rules, own))


def test_values_share_their_number_in_all_texts_of_a_record_however_they_are_written() -> None:
    one = _found("Nour Haddad and Lea", PERSON="Nour Haddad|Lea")
    two = _found("NOUR\u200b  HADDAD, Haddad Nour, NourHaddad", PERSON="NOUR\u200b  HADDAD|Haddad Nour|NourHaddad")
    assert _numbers(one, two) == "[PERSON_1] and [PERSON_2] / [PERSON_1], [PERSON_1], [PERSON_1]"


def test_a_surname_is_the_person_of_whom_it_is_a_part_even_if_it_stands_first() -> None:
    text = _found("Mrs Haddad; Nour Haddad; Nour", PERSON="Mrs Haddad|Nour Haddad|Nour")
    text = (text[0], list(united(text[1])))
    assert _numbers(text) == "[PERSON_1]; [PERSON_1]; [PERSON_1]"


def test_a_surname_that_two_share_is_neither_of_them() -> None:
    text = _found("Nour Haddad; Lea Haddad; M. Haddad", PERSON="Nour Haddad|Lea Haddad|M. Haddad")
    assert _numbers(text) == "[PERSON_1]; [PERSON_2]; [PERSON_3]"


def test_a_number_that_the_text_holds_already_is_left_to_it() -> None:
    assert _numbers(_found("[PERSON_1] met Lea", PERSON="Lea")) == "[PERSON_1] met [PERSON_2]"


def test_a_value_has_the_type_under_which_it_is_surest_everywhere() -> None:
    text = "Jordan fled to Jordan", [Finding(0, 6, "PERSON", 1.0), Finding(15, 21, "LOC", 0.9)]
    assert _numbers(text) == "[PERSON_1] fled to [PERSON_1]"


def test_nothing_is_left_of_a_place_that_is_part_of_a_name() -> None:
    text = "Chad Haddad; Chad; Beirut", [Finding(0, 11, "PERSON", 0.9), Finding(13, 17, "LOC", 0.9)]
    assert _numbers(text) == "[PERSON_1]; [LOC_1]; Beirut"


def test_types_of_one_meaning_share_a_label() -> None:
    text = _found("12.03.2024 or 12 March 2024", DATE_TIME="12.03.2024", DATETIME="12 March 2024")
    assert _numbers(text, rules=PLACEHOLDERS) == "[DATE_1] or [DATE_1]"


@pytest.mark.parametrize(
    ("rule", "shown"),
    [("month", "[DATE 2024-03] [DATE 2024] [DATE_1]"), ("year", "[DATE 2024] [DATE 2024] [DATE_1]"),
     ("placeholder", "[DATE_1] [DATE_2] [DATE_3]"), ("shift", "[DATE 2024-03-22] [DATE_1] [DATE_2]")],
)  # fmt: skip
def test_a_date_is_left_as_finely_as_the_policy_says_and_never_finer_than_written(rule: str, shown: str) -> None:
    text = _found("12/03/2024 2024 yesterday", DATE_TIME="12/03/2024|yesterday")
    text[1].append(Finding(11, 15, "DATE_TIME", 1.0))
    assert (
        _numbers(
            text, rules=Replacing.model_validate({"date": rule, "place": "country"}), own=replacement.RecordContext(10)
        )
        == shown
    )


def test_a_shift_of_no_days_shows_no_date() -> None:
    assert _numbers(_found("on 12/03/2024", DATE_TIME="12/03/2024"), rules=SHIFTED) == "on [DATE_1]"


@given(
    st.binary(min_size=32, max_size=32),
    st.lists(st.dates(dt.date(1902, 1, 1), dt.date(2098, 1, 1)), min_size=2, max_size=5),
)
def test_a_shift_keeps_intervals_and_is_never_none(key: bytes, days: list[dt.date]) -> None:
    by = text_dates.days_of(key, "a" * 32)
    moved = [TextDate(d.year, d.month, d.day).shifted(by) for d in days]
    assert 1 <= abs(by) <= 365
    assert {dt.date.fromisoformat(later or "") - day for day, later in zip(days, moved, strict=True)} == {
        dt.timedelta(days=by)
    }


def test_shifts_differ_between_records() -> None:
    assert len({text_dates.days_of(b"k" * 32, f"{n:032x}") for n in range(300)}) > 200


@pytest.mark.parametrize(
    "before", ["born on ", "DOB: ", "date of birth ", "née le ", "date de naissance : ", "مواليد ", "ولدت في "]
)
def test_nothing_is_left_of_a_birth_date_wherever_it_stands(before: str) -> None:
    text = _found(f"{before}12/03/2021; on 12 March 2021 she; 2021", DATE_TIME="12/03/2021|12 March 2021")
    assert _numbers(text, own=replacement.RecordContext(year=2023)).endswith("[DATE_1]; on [DATE_1] she; 2021")


def test_nothing_is_left_of_a_date_that_may_be_a_birth_known_or_long_ago() -> None:
    text = _found("in 2011, in May 2012, in 2015", DATE_TIME="2011|May 2012|2015")
    assert (
        _numbers(text, own=replacement.RecordContext(year=2021, identifiers={"2012-05-07", "Rola"}))
        == "in [DATE_1], in [DATE_2], in [DATE 2015]"
    )


@pytest.mark.parametrize(
    ("written", "date"),
    [("2024-03-12", TextDate(2024, 3, 12)), ("12/03/2024", TextDate(2024, 3, 12)), ("3/25/2024", TextDate(2024, 3, 25)),
     ("12 . 3 . 24", TextDate(2024, 3, 12)), ("12-3-98", TextDate(1998, 3, 12)), ("١٢/٠٣/٢٠٢٤", TextDate(2024, 3, 12)),
     ("Monday, 12th of March 2024", TextDate(2024, 3, 12)), ("March 12, 2024", TextDate(2024, 3, 12)),
     ("le 1er août 2019", TextDate(2019, 8, 1)), ("12 déc. 98", TextDate(1998, 12, 12)),
     ("٥ كانون الثاني ٢٠٢١", TextDate(2021, 1, 5)), ("آذار/مارس 2023", TextDate(2023, 3)), ("في عام 2020",
     TextDate(2020)), ("03/2024", TextDate(2024, 3)), ("2024", TextDate(2024)), ("2024 March 12", TextDate(2024, 3,
     12))],
)  # fmt: skip
def test_dates_are_read_in_three_languages(written: str, date: TextDate) -> None:
    assert text_dates.read(written) == date


@pytest.mark.parametrize(
    "written",
    ["12 March", "رمضان 1445", "two years", "2015/2016", "between 1 and 5 May 2020", "32/01/2020", "0/0/2020", "9" * 40,
     "12 March 2024 Lea", "", "2020-00-01", "١٢ محرم ١٤٤٥", "7 sept mars 2020", "1200"],
)  # fmt: skip
def test_what_is_not_wholly_a_date_is_none(written: str) -> None:
    assert text_dates.read(written) is None


@given(st.text(st.characters(codec="utf-8") | st.sampled_from("0123456789/-. "), max_size=20))
def test_reading_a_date_or_a_place_never_fails(text: str) -> None:
    text_dates.read(text)
    places.country_of(text)


@pytest.mark.parametrize(
    ("place", "country"),
    [("Beirut", "LBN"), ("BEYROUTH", "LBN"), ("بيروت", "LBN"), ("لبنان", "LBN"), ("في لبنان", "LBN"),
     ("بالعراق", "IRQ"), ("l'Irak", "IRQ"), ("the United States", "USA"), ("Türkiye", "TUR"), ("Turquie", "TUR"),
     ("Syrian Arab Republic", "SYR"), ("Le Caire", "EGY"), ("Congo", None), ("عمان", None), ("Narnia", None),
     ("", None)],
)  # fmt: skip
def test_a_place_leads_to_its_country_where_there_is_but_one(place: str, country: str | None) -> None:
    assert places.country_of(place) == country


def test_a_place_whose_country_is_known_leaves_that_alone() -> None:
    text = _found("from Alep by Narnia to Beirut", LOC="Alep|Narnia", LOCATION="Beirut")
    assert _numbers(text) == "from [LOC SYR] by [LOC_1] to [LOC LBN]"
    assert _numbers(text, rules=PLACEHOLDERS) == "from [LOC_1] by [LOC_2] to [LOC_3]"
