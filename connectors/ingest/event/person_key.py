"""One person, whichever agency and script: the normal form of a name, and the keys made from it.

Decides the specification of the person key. Does not decide whether two keys are one person for good: equal keys count
as one, and a name that is spelt beyond these rules counts as two.

The normal form of a name part, step by step:

1. Unicode NFKC; the Arabic article at the head of a word of five or more letters goes; then ASCII by `anyascii`, small,
   letter by letter: two letters of another script never make a digraph (s, h in \u0633\u0647\u0627\u0645, Siham).
2. Split at spaces and hyphens; what is not a letter goes; the particles al, el, ul, bin, ben, ibn, bint go.
3. Digraphs fold to one consonant: sh ch → s, kh → k, gh → g, th → t, dh → d, ph → f, dj → j.
4. Letters that the scripts of the region confuse fold: q c → k, p → b, v → f, x → k.
5. Vowels and half-vowels (a e i o u w y) go, also a final h (the Arabic ta marbuta); a doubled consonant counts once.

All parts of all names, sorted, and the birth year make the text that is keyed: the order of names does not matter.

There is a second algorithm for "the same name": `anonymizer.microdata.phonetic`, which finds a record's names in its
texts. They answer different questions and must not be united. That one compares two words, vowels included, and may say
"may be" too often. This one makes a key: agencies must come to the same string without seeing each other's names. So it
drops the vowels, keeps more consonants apart, compares nothing, and cannot be changed without counting people twice
across the change.

>>> normal_form(["Mohammed", "Al-Tavri"]) == normal_form(["التافري", "محمد"])
True
"""

import functools
import hashlib
import hmac
import re
import unicodedata
from collections.abc import Iterable

from anyascii import anyascii

__all__ = ["event_id", "event_person", "normal_form", "person_key", "row_id"]

_ARTICLE = re.compile("\\b\u0627\u0644(?=\\w{3})")  # alef, lam
_SPLIT = re.compile(r"[\s\-_/.]+")
_LETTERS = re.compile(r"[^a-z]+")
_PARTICLES = frozenset({"al", "el", "ul", "bin", "ben", "ibn", "bint"})
_ARABIC_PARTICLES = re.compile("\\b(?:\u0628\u0646|\u0627\u0628\u0646|\u0628\u0646\u062a)\\b")  # bin, ibn, bint
_DIGRAPHS = re.compile("sh|ch|kh|gh|th|dh|ph|dj")
_DIGRAPH_TO = {"sh": "s", "ch": "s", "kh": "k", "gh": "g", "th": "t", "dh": "d", "ph": "f", "dj": "j"}
_FOLD = str.maketrans("qcpvx", "kkbfk", "aeiouwy")
_RUNS = re.compile(r"(.)\1+")
_ID_BYTES = 16


def normal_form(names: Iterable[str]) -> str:
    """Return the normal form of a person's names: sorted consonant skeletons, empty where there is no name."""
    return " ".join(sorted(part for name in names for part in _parts(name)))


@functools.lru_cache(maxsize=65_536)
def _parts(name: str) -> tuple[str, ...]:
    spelt = _ARABIC_PARTICLES.sub("", _ARTICLE.sub("", unicodedata.normalize("NFKC", name)))
    latin = "".join(map(_latin, spelt)).lower()
    words = (_LETTERS.sub("", word) for word in _SPLIT.split(latin))
    return tuple(_skeleton(word) for word in words if word and word not in _PARTICLES)


def _latin(letter: str) -> str:
    """Spell a letter of another script with a vowel after it: vowels go, and until then keep digraphs from arising."""
    return anyascii(letter) + "a" if letter.isalpha() and not letter.isascii() else anyascii(letter)


def _skeleton(word: str) -> str:
    folded = _DIGRAPHS.sub(lambda found: _DIGRAPH_TO[found[0]], word)
    bare = folded.translate(_FOLD)
    kept = _RUNS.sub(r"\1", bare.removesuffix("h"))
    return kept or "-"  # a name of vowels alone still is a part


def _keyed(key: bytes, text: str) -> str:
    return hmac.digest(key, text.encode(), hashlib.sha256)[:_ID_BYTES].hex()


def person_key(shared: bytes, names: Iterable[str], birth_year: int | None, *, otherwise: str) -> str:
    """Return the person key under the agencies' shared key, 32 hex digits.

    Args:
        shared: the key that all agencies hold and the operators do not.
        names: given, middle and family name, in any order and script.
        birth_year: four digits; None where unknown.
        otherwise: what the person is keyed by without name or birth year, see `event_person`.
    """
    form = normal_form(names)
    return _keyed(shared, f"{form}|{birth_year}" if form and birth_year else otherwise)


def event_person(agency: str, event: str) -> str:
    """Return what stands for a person nobody can recognise again: the event itself."""
    return f"event|{agency}|{event}"


def event_id(agency_key: bytes, kind: str, own_id: str) -> str:
    """Return the event id of an agency's own record id, 32 hex digits."""
    return _keyed(agency_key, f"{kind}|{own_id}")


def row_id(agency: str, digest: str, line: int) -> str:
    """Return the own id of a row of a file that has none: agency, file and line."""
    return f"{agency}|{digest}|{line}"
