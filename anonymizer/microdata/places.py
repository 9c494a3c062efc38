"""Gazetteer: the country of a place name, for countries and the larger towns of the region, in three languages.

Purpose: let a masked place be replaced by its country where the policy allows it. Finding places in a text is the part
of the detectors.
Called by: `replacement`.

Invariants:
- A name of two countries has none: Congo, or Oman and Amman, which are one word in Arabic without vowel marks.

Source: `places.csv`, this project's own list, and the English country names of `schemas/codes/countries.csv`.
"""

import csv
import functools
import re
from collections import defaultdict
from collections.abc import Mapping
from importlib import resources
from typing import Final

from anonymizer.microdata.normalise import normalise
from schemas import codelists

__all__ = ["country_of"]

_REMARK: Final = re.compile(r"\(.*?\)")
_ARTICLE: Final = re.compile(r"^(?:(?:the|la|le|les|du|de|des|au|aux|en|في|من|الي)\s+|[ld]['\u2019]|[وفبل](?=ال))")


def country_of(place: str) -> str | None:
    """Return the alpha-3 code of the country that a place is, or is in; None where that is not sure."""
    name = normalise(place).text.lower().strip()
    countries = _countries_by_name()
    # first as it is written, since the article may be part of the name
    return countries.get(_letters_of(name)) or countries.get(_letters_of(_ARTICLE.sub("", name)))


@functools.cache
def _countries_by_name() -> Mapping[str, str]:
    """Return the letters of a name → its one country."""
    # "Iran (Islamic Republic of)" is written as Iran
    names = [(code, _REMARK.sub("", name)) for code, name in codelists.labels("country").items()]
    text = (resources.files("anonymizer.microdata") / "places.csv").read_text(encoding="utf-8")
    for row in csv.DictReader(text.splitlines()):
        names += [(row["alpha3"], name) for name in row["names"].split("|")]
    owners: defaultdict[str, set[str]] = defaultdict(set)
    for code, name in names:
        owners[_letters_of(normalise(name).text.lower())].add(code)
    # a name of several countries is left out
    return {letters: next(iter(codes)) for letters, codes in owners.items() if len(codes) == 1}


def _letters_of(name: str) -> str:
    """Return a name without hyphens, spaces and apostrophes, which differ from one spelling to the next."""
    return "".join(filter(str.isalnum, name))
