"""Code lists: the codes that a coded field may hold, and their English labels.

Purpose: say which code is valid, and which country an odd or old country code means. The lists are
`schemas/codes/*.csv`, with their sources and licences; the list `country` is ISO 3166-1 alpha-3. Mapping foreign
files to these codes is the part of `connectors.ingest`, coarsening them that of `anonymizer.microdata`.
Called by: `schemas.values`, `connectors.ingest.files.row_to_event`, `anonymizer.tabular.facts`,
`anonymizer.microdata.places` and `connectors.feed.labels`.

>>> valid("vic_TypeOfExploitation", "ForcedLabour"), valid("country", "NA"), alpha3("NA"), alpha3("XK")
(True, False, 'NAM', 'SRB')

Invariants:
- A code belongs to its list only as it is spelt there: the case of letters counts.
"""

import csv
import functools
from collections.abc import Iterator, Mapping
from importlib import resources
from types import MappingProxyType

__all__ = ["NAMES", "alpha3", "labels", "valid"]

_FOLDER = resources.files("schemas") / "codes"


def _rows(file: str) -> Iterator[dict[str, str]]:
    yield from csv.DictReader((_FOLDER / file).read_text(encoding="utf-8").splitlines())


def _read_lists() -> Mapping[str, Mapping[str, str]]:
    """Return list → code → English label, of all files."""
    lists: dict[str, dict[str, str]] = {}
    for file in ("htcds.csv", "ctdc.csv", "amana.csv", "crises.csv", "laws.csv"):
        for row in _rows(file):
            lists.setdefault(row["list"], {})[row["code"]] = row["label"]
    lists["country"] = {row["alpha3"]: row["name"] for row in _rows("countries.csv")}
    lists["country"]["ANT"] = "Netherlands Antilles"  # dissolved into three countries: no code of today is true
    return MappingProxyType({name: MappingProxyType(codes) for name, codes in lists.items()})


_LISTS = _read_lists()

NAMES = tuple(sorted(_LISTS))
"""The name of every list, as the property `codelist` of an Avro field spells it."""


def labels(name: str) -> Mapping[str, str]:
    """Return code → English label of the list `name`, in the list's order.

    Raises:
        KeyError: there is no such list; a programmer's mistake.
    """
    return _LISTS[name]


def valid(name: str, code: str) -> bool:
    """Return whether `code` is in the list `name`, exactly as it is spelled there."""
    return code in _LISTS[name]


@functools.cache
def _countries() -> Mapping[str, str]:
    """Return country code of any form → alpha-3; the oddities come last, since they overrule."""
    by_code = {row["alpha2"]: row["alpha3"] for row in _rows("countries.csv")}
    by_code |= {code: code for code in _LISTS["country"]}
    return by_code | {row["code"]: row["alpha3"] for row in _rows("country_oddities.csv")}


def alpha3(code: str) -> str | None:
    """Return the alpha-3 code for an alpha-2, alpha-3 or historic country code; None where there is no such country.

    Case and surrounding space do not matter. Kosovo counts as Serbia and Tibet as China, as in CTDC's files.
    """
    return _countries().get(code.strip().upper())
