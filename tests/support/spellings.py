# ruff: noqa: RUF001 - letters of other scripts are the point of the tables
"""Names as clerks of five languages would write them in one another's scripts; seeded, and blind to how they are found.

Arabic and Persian to Latin by the habits of English, French or Turkish, with vowels guessed where none is written;
Latin to Arabic letter by letter; both to Cyrillic and Greek. Given and family names are drawn apart, from word lists.
"""

import functools
import importlib
import random
import re
import unicodedata

__all__ = ["family_name", "given_name", "in_arabic", "in_cyrillic", "in_greek", "in_latin"]

LOCALES = ("ar_AA", "fa_IR", "tr_TR", "fr_FR", "en_US")
_TO_LATIN = {
    "en": "ا:a ب:b پ:p ت:t ث:th ج:j چ:ch ح:h خ:kh د:d ذ:dh ر:r ز:z ژ:zh س:s ش:sh ص:s ض:d ط:t ظ:z ع: غ:gh ف:f ق:q,k ك:k"
    " گ:g ل:l م:m ن:n ه:h و:u,o,oo,w ي:i,ee,y ء:",
    "fr": "ا:a ب:b پ:p ت:t ث:th ج:dj,j چ:tch ح:h خ:kh د:d ذ:dh ر:r ز:z ژ:j س:s,ss ش:ch ص:s,ss ض:d ط:t ظ:dh ع: غ:gh ف:f"
    " ق:k,q ك:k گ:g ل:l م:m ن:n ه:h و:ou,o ي:i,y ء:",
    "tr": "ا:a ب:b پ:p ت:t ث:s ج:c چ:ç ح:h خ:h د:d ذ:z ر:r ز:z ژ:j س:s ش:ş ص:s ض:z,d ط:t ظ:z ع: غ:g ف:f ق:k ك:k گ:g"
    " ل:l م:m ن:n ه:h و:u,ü,o ي:i,y ء:",
}
_TO_ARABIC = (
    "ch:ش tch:تش sh:ش kh:خ gh:غ th:ث,ت ph:ف ou:و oo:و ee:ي ck:ك a:ا b:ب c:ك d:د e:ي, f:ف g:ج,غ h:ه,ح i:ي j:ج "
    "k:ك,ق l:ل m:م n:ن o:و p:ب q:ق r:ر s:س t:ت,ط u:و v:ف,ڤ w:و x:كس y:ي z:ز ç:ش,س ş:ش ğ:غ ö:و ü:و ı:ي"
)
_TO_CYRILLIC = (
    "sh:ш ch:ч,ш kh:х zh:ж th:т gh:г ou:у oo:у ee:и ph:ф ck:к a:а b:б c:к d:д e:е f:ф g:г h:х i:и j:дж k:к l:л "
    "m:м n:н o:о p:п q:к r:р s:с t:т u:у v:в w:у x:кс y:й z:з ç:ч ş:ш ğ:г ö:о ü:у ı:ы"
)
_TO_GREEK = (
    "sh:σ ch:τσ kh:χ th:θ gh:γ ou:ου oo:ου ee:ι ph:φ ck:κ a:α b:μπ c:κ d:ντ e:ε f:φ g:γκ h:χ i:ι j:τζ k:κ l:λ "
    "m:μ n:ν o:ο p:π q:κ r:ρ s:σ t:τ u:ου v:β w:ου x:ξ y:ι z:ζ ç:τσ ş:σ ğ:γ ö:ο ü:ου ı:ι"
)
_ONE_LETTER = str.maketrans("أإآٱىیکةؤئ", "ااااييكهوي")
_ARABIC = re.compile("[\u0600-\u06ff]")
_ARTICLE = re.compile("^ال(?=....)")
_LONG_VOWELS = "اويع"


def given_name(draw: random.Random, locale: str) -> str:
    """Draw a given name of one word."""
    return draw.choice(_words(locale)[0])


def family_name(draw: random.Random, locale: str) -> str:
    """Draw a family name of one word."""
    return draw.choice(_words(locale)[1])


@functools.cache
def _words(locale: str) -> tuple[list[str], list[str]]:
    people = importlib.import_module(f"faker.providers.person.{locale}").Provider
    both = (sorted(set(people.first_names)), sorted(set(people.last_names)))
    return tuple([w for w in words if w.isalpha() and 3 <= len(w) <= 14] for words in both)  # type: ignore[return-value] # two lists


def in_latin(draw: random.Random, name: str) -> str:
    """Write a name in Latin letters by the habits of one of three languages."""
    if not _ARABIC.search(name):
        return name
    table = _table(_TO_LATIN[draw.choice(("en", "fr", "tr"))])
    bare = _ARTICLE.sub("", name.translate(_ONE_LETTER)).replace("\u200c", "")
    return "".join(_spoken(draw, table, bare)).capitalize()


def _spoken(draw: random.Random, table: dict[str, list[str]], word: str) -> list[str]:
    out: list[str] = []
    for place, letter in enumerate(word):
        last = place == len(word) - 1
        if letter == "ه" and last:
            out.append(draw.choice(("a", "ah", "e")))
            continue
        out.append("a" if letter == "ع" and place == 0 else draw.choice(table.get(letter, [""])))
        following = word[place + 1] if not last else ""
        if letter not in _LONG_VOWELS and following and following not in _LONG_VOWELS:
            out.append(draw.choice("aeiu"))
    return out


def in_arabic(draw: random.Random, name: str) -> str:
    """Write a name in Arabic letters."""
    if _ARABIC.search(name):
        return name
    written = _written(draw, _TO_ARABIC, name)
    vowel = unicodedata.normalize("NFKD", name.lower())[0] in "eiouı"
    return "ا" + written if vowel and not written.startswith("ا") else written


def in_cyrillic(draw: random.Random, name: str) -> str:
    """Write a name in Cyrillic letters."""
    return _written(draw, _TO_CYRILLIC, in_latin(draw, name)).capitalize()


def in_greek(draw: random.Random, name: str) -> str:
    """Write a name in Greek letters."""
    return _written(draw, _TO_GREEK, in_latin(draw, name)).capitalize()


def _written(draw: random.Random, table: str, name: str) -> str:
    options = _table(table)
    bare = "".join(c if c in options else unicodedata.normalize("NFKD", c)[0] for c in name.lower())
    graphemes = re.findall("|".join(sorted(options, key=len, reverse=True)), re.sub(r"(.)\1", r"\1", bare))
    return "".join(draw.choice(options[grapheme]) for grapheme in graphemes)


@functools.cache
def _table(text: str) -> dict[str, list[str]]:
    return {left: right.split(",") for left, _, right in (pair.partition(":") for pair in text.split())}
