"""Sequences of valid events with which one agency tries to stop, slow or falsify the others; all persons are invented.

Rows are those of a file that `amana publish` takes, so that the attacker has nothing but an agency's own tools.
"""

import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from schemas.codelists import labels

__all__ = ["SEQUENCES", "Row", "honest", "person"]

Row = dict[str, Any]

_FIRST = ("Anira", "Belom", "Corin", "Dalsa", "Erivan", "Fadila", "Gomez", "Hanut", "Irsin", "Jolan")
_YEARS = ("2023", "2024")


def person(number: int) -> Row:
    """Return the name and birth date of an invented person."""
    return {
        "prs_FirstName": _FIRST[number % len(_FIRST)],
        "prs_SecondName": "".join(_FIRST[int(digit)] for digit in f"{number:04}"),
        "prs_Birthdate": f"{1970 + number % 30}-03-0{1 + number % 9}",
    }


def _case(record: str, who: Mapping[str, Any], date: str = "2024-03-05", country: str = "KWT", **more: object) -> Row:
    return {
        "record_id": record, "revision": 1, "event_date": date, "CountryOfExploitation": country, "con_Consent": True,
        "consent_basis": "Person", "phenomenon": "TIP", "vic_TraffickingStatus": "PossibleVictimOfTrafficking",
        "prs_Gender": "Feminine", **who, **more,
    }  # fmt: skip


def honest(persons: int) -> list[Row]:
    """Return reports of persons in Lebanon, which two agencies send alike."""
    confirmed = {"vic_TraffickingStatus": "ActualVictimOfTrafficking"}
    return [_case(f"own-{n}", person(n), "2024-06-05", "LBN", **confirmed) for n in range(persons)]


def _placeholder(many: int) -> Iterator[Row]:
    """One placeholder for every name: thousands of rows are one person."""
    unknown = {"prs_FirstName": "Unknown", "prs_SecondName": "Unknown", "prs_Birthdate": "1990"}
    for n in range(many):
        yield _case(f"unknown-{n}", unknown, f"2024-{1 + n % 12:02}-05")


def _takeover(many: int) -> Iterator[Row]:
    """Earlier, vaguer and other reports of everybody whom the others report."""
    for n in range(many):
        for date in ("2024", "2024-01-01"):
            yield _case(f"take-{n}-{date}", person(n), date, phenomenon="SOM")


def _back_and_forth(many: int) -> Iterator[Row]:
    """Few events, revised without an end: each revision is about another person, and takes the last one back."""
    for n in range(many):
        yield _case(f"moved-{n % 3}", person(n), country=("KWT", "EGY")[n % 2], revision=1 + n // 3)


def _withdrawn(many: int) -> Iterator[Row]:
    """Reported, withdrawn, reported again: every revision changes counts."""
    for n in range(many):
        yield _case(f"flip-{n % 5}", person(n % 5), revision=1 + n // 5, withdrawn=bool(n // 5 % 2))


def _invented(many: int) -> Iterator[Row]:
    """As many persons as there are rows."""
    for n in range(many):
        yield _case(f"invented-{n}", person(5_000 + n), f"{_YEARS[n % 2]}-{1 + n % 12:02}")


def _every_cell(many: int) -> Iterator[Row]:
    """Every event in cells of its own, with as long keys as there are."""
    draw = random.Random(14)
    countries, forms = sorted(labels("country")), sorted(labels("vic_TypeOfExploitation"))
    means = sorted(labels("vic_MethodsOfControl"))
    for n in range(many):
        chosen: Row = {
            "vic_TypeOfExploitation": draw.sample(forms, draw.randint(1, len(forms))),
            "vic_MethodsOfControl": draw.sample(means, draw.randint(1, len(means))),
        }
        country = next(name for name in draw.sample(countries, 3) if name != "LBN")
        yield _case(f"cell-{n}", person(7_000 + n), country=country, **chosen)


def _long_texts(many: int) -> Iterator[Row]:
    """Narratives as long as the contract allows, full of what must be masked."""
    text = "Call +201005943874 or jatik@family.example. " * 340
    for n in range(many):
        yield _case(f"text-{n}", person(8_000 + n), language="en", hte_Description=text[:15_000])


def _all_events_of_one(many: int) -> Iterator[Row]:
    """Persons of the others, each with as many events as an agency may have."""
    for n in range(many):
        yield _case(f"full-{n}", person(n % 3), f"2024-{1 + n % 12:02}-07", country="EGY")


def _repeated(many: int) -> Iterator[Row]:
    """The same content again and again, each time as a correction."""
    for n in range(many):
        yield _case("same", person(9_000), revision=n + 1)


def _all_years(many: int) -> Iterator[Row]:
    """Every year that a date may have, one event each."""
    for n in range(many):
        yield _case(f"year-{n}", person(9_100 + n), f"{1900 + n % 125}-01-01")


SEQUENCES: Final[Mapping[str, Callable[[int], Iterator[Row]]]] = {
    "placeholder": _placeholder,
    "takeover": _takeover,
    "back-and-forth": _back_and_forth,
    "withdrawn": _withdrawn,
    "invented": _invented,
    "every-cell": _every_cell,
    "long-texts": _long_texts,
    "all-of-one": _all_events_of_one,
    "repeated": _repeated,
    "all-years": _all_years,
}
"""The ten sequences by name; each yields rows for a number of events."""
