"""Person key: the keyed hash of a normalised name and a birth year, the same for one person at every agency.

Purpose: the specification of the person key and of event ids. Equal keys count as one person; a name that is spelt
beyond these rules counts as two. `anonymizer.microdata.phonetic` matches names too, in texts; it may therefore match
too much, while here a match of two different persons would lose one of them.
Called by: `connectors.ingest.event.event_builder`, `connectors.ingest.files.row_to_event`.

Invariants:
- The result depends on nothing but the arguments: every agency computes it alone, with the shared key.
- A change of any rule below changes the keys of all persons, and splits every person who is counted already.

The normal form of a name part, step by step:

1. Unicode NFKC; the Arabic article at the head of a word of five or more letters is removed; then ASCII by
   `anyascii`, small, letter by letter: two letters of another script never make a digraph (s, h in
   \u0633\u0647\u0627\u0645, Siham).
2. Split at spaces and hyphens; other characters than letters and the particles al, el, ul, bin, ben, ibn, bint are
   removed.
3. Digraphs fold to one consonant: sh ch → s, kh → k, gh → g, th → t, dh → d, ph → f, dj → j.
4. Letters that the scripts of the region confuse fold: q c → k, p → b, v → f, x → k.
5. Vowels and half-vowels (a e i o u w y) are removed, also a final h (the Arabic ta marbuta); a doubled consonant
   counts once.

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

from schemas.identifiers import EventId

__all__ = ["event_id", "event_person", "normal_form", "person_key", "row_id"]

# Written as escapes: in an editor that orders text from right to left the pattern would be unreadable.
_ARTICLE = re.compile("\\b\u0627\u0644(?=\\w{3})")  # alef, lam
_SPLIT = re.compile(r"[\s\-_/.]+")
_LETTERS = re.compile(r"[^a-z]+")
_PARTICLES = frozenset({"al", "el", "ul", "bin", "ben", "ibn", "bint"})
_ARABIC_PARTICLES = re.compile("\\b(?:\u0628\u0646|\u0627\u0628\u0646|\u0628\u0646\u062a)\\b")  # bin, ibn, bint
_DIGRAPHS = re.compile("sh|ch|kh|gh|th|dh|ph|dj")
_DIGRAPH_TO = {"sh": "s", "ch": "s", "kh": "k", "gh": "g", "th": "t", "dh": "d", "ph": "f", "dj": "j"}
_FOLD = str.maketrans("qcpvx", "kkbfk", "aeiouwy")  # step 4, and the vowels of step 5
_RUNS = re.compile(r"(.)\1+")
_ID_BYTES = 16  # 128 bits: no two of a thousand million persons meet by chance


def normal_form(names: Iterable[str]) -> str:
    """Return the normal form of a person's names: sorted consonant skeletons, empty where there is no name."""
    return " ".join(sorted(part for name in names for part in _parts(name)))


@functools.lru_cache(maxsize=65_536)
def _parts(name: str) -> tuple[str, ...]:
    # 1. Article and particles in Arabic letters go before the change of script, after which they are not recognised.
    spelt = _ARABIC_PARTICLES.sub("", _ARTICLE.sub("", unicodedata.normalize("NFKC", name)))
    # A letter of another script gets a vowel after it: step 5 removes the vowel, and until then it keeps two letters
    # from being read as a digraph.
    latin = "".join(anyascii(c) + "a" if c.isalpha() and not c.isascii() else anyascii(c) for c in spelt).lower()
    # 2.
    words = (_LETTERS.sub("", word) for word in _SPLIT.split(latin))
    skeletons = []
    for word in words:
        if word and word not in _PARTICLES:
            folded = _DIGRAPHS.sub(lambda match: _DIGRAPH_TO[match[0]], word)  # 3.
            consonants = folded.translate(_FOLD)  # 4. and 5.
            single = _RUNS.sub(r"\1", consonants.removesuffix("h"))
            skeletons.append(single or "-")  # a name of vowels alone still is a part
    return tuple(skeletons)


def _keyed(key: bytes, text: str) -> str:
    return hmac.digest(key, text.encode(), hashlib.sha256)[:_ID_BYTES].hex()


def person_key(shared: bytes, names: Iterable[str], birth_year: int | None, *, otherwise: str) -> str:
    """Return the person key under the agencies' shared key, 32 hex digits.

    Args:
        shared: the key that all agencies hold and the operators do not.
        names: given, middle and family name, in any order and script.
        birth_year: four digits; None where unknown.
        otherwise: the text to key where name or birth year is missing, see `event_person`.
    """
    # Without a birth year a common name would make one person of many.
    form = normal_form(names)
    return _keyed(shared, f"{form}|{birth_year}" if form and birth_year else otherwise)


def event_person(agency: str, event: EventId) -> str:
    """Return the text to key for a person who cannot be recognised again: the event itself."""
    return f"event|{agency}|{event}"


def event_id(agency_key: bytes, kind: str, own_id: str) -> EventId:
    """Return the event id for an agency's own record id, 32 hex digits."""
    return EventId(_keyed(agency_key, f"{kind}|{own_id}"))


def row_id(agency: str, digest: str, line: int) -> str:
    """Return an own id for a row of a file without record ids, from agency, file and line."""
    return f"{agency}|{digest}|{line}"
