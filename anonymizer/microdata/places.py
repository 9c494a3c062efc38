"""Which country a place lies in: names of countries and of the region's larger towns, in three languages.

Decides which names are known, and leaves undecided what names two countries at once: Congo, or Oman and Amman in Arabic
without its marks. Does not find places in a text. `places.csv` is this project's own list; the English names of
countries are those of `schemas/codes/countries.csv`.
"""

import csv
import functools
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from importlib import resources
from typing import Final

from anonymizer.microdata.normalise import normalise
from schemas import codelists

__all__ = ["country_of"]

_REMARK: Final = re.compile(r"\(.*?\)")
_ARTICLE: Final = re.compile(r"^(?:(?:the|la|le|les|du|de|des|au|aux|en|في|من|الي)\s+|[ld]['\u2019]|[وفبل](?=ال))")


def country_of(place: str) -> str | None:
    """Return the alpha-3 code of the country that a place is or lies in, None where that is not known for sure."""
    name = normalise(place).text.lower().strip()
    known = _known()
    return known.get(_key(name)) or known.get(_key(_ARTICLE.sub("", name)))


@functools.cache
def _known() -> Mapping[str, str]:
    owners: defaultdict[str, set[str]] = defaultdict(set)
    for code, name in _names():
        owners[_key(normalise(name).text.lower())].add(code)
    return {key: next(iter(codes)) for key, codes in owners.items() if len(codes) == 1}


def _names() -> Iterator[tuple[str, str]]:
    for code, name in codelists.labels("country").items():
        yield code, _REMARK.sub("", name)
    text = (resources.files("anonymizer.microdata") / "places.csv").read_text(encoding="utf-8")
    for row in csv.DictReader(text.splitlines()):
        for name in row["names"].split("|"):
            yield row["alpha3"], name


def _key(name: str) -> str:
    return "".join(filter(str.isalnum, name))
