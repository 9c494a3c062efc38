"""Name matching: the places of a record's own names in a text, in any script, spelling and inflection.

Purpose: decide which words of a text are one of the record's names: words that sound like a word of a name, words that
are one with a suffix, and neighbours that together sound like one or several (Abdel Rahman, Abdulrahman). A match is
widened by what belongs to a name: article and patronymic particles, initials, a suffix behind an apostrophe.
Called by: `record_identifiers`.

    matcher = matcher_of(["Layla", "Al-Tavri"])       # once per record
    list(matcher.spans(text, lowered))                # for each of its texts

Invariants:
- A very common word (`_ORDINARY`) is a name only where it is written exactly like it.
- The sound of a word is decided by `phonetic` alone.
"""

import functools
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from anonymizer.microdata import phonetic

__all__ = ["NameMatcher", "matcher_of"]

_WORD: Final = re.compile(r"[^\W_]+")
_LETTERS: Final = re.compile(r"[^\W\d_]+")
_SHORTEST: Final = 2  # letters; shorter words count only as they are written,
_LONGEST: Final = 40  # as do longer ones
_MOST_JOINED: Final = 3  # neighbours that may be one name
_SURE_KEY: Final = 4  # consonants that neighbours must share where a space is between them
_LEAST_KEY: Final = 3  # the same where only a hyphen is
_STEM: Final = 4  # letters before a suffix
_WIDEST: Final = 3  # characters between neighbours
_WITHIN: Final = frozenset(" \n\t-'’.")  # noqa: RUF001 - the apostrophe of print
_BETWEEN: Final = re.compile(r"[\s\-.,]{0,3}")
_TEAR: Final = re.compile(r"[\n-]")  # a line break or a hyphen may have torn a name apart
_APOSTROPHES: Final = ("'", "’", "´", "`")  # noqa: RUF001 - as above
_LONGEST_SUFFIX: Final = 6
_ARTICLES: Final = frozenset({"al", "el", "ul", "ال"})
_PARTICLES: Final = _ARTICLES | {
    "bin", "ben", "ibn", "bint", "bent", "abu", "abou", "abi", "um", "umm", "oum", "abd", "abdel", "abdul", "abdal",
    "de", "du", "van", "von", "la", "le", "dos", "da", "di", "y", "oglu", "ogli", "ar", "as", "ad", "an", "at", "az",
    "ash", "ur", "بن", "ابن", "بنت", "ابو", "ابي", "ابا", "ام", "عبد", "ال", "اوغلو",
}  # fmt: skip
_SUFFIXES: Final = frozenset(
    {
        "s", "es", "in", "un", "nin", "nun", "ni", "nu", "yi", "yu", "ya", "ye", "ta", "te", "da", "de", "tan", "ten",
        "dan", "den", "la", "le", "yla", "yle", "lar", "ler", "lari", "leri",
    }
)  # fmt: skip
_ORDINARY: Final = frozenset(
    {
        "the", "a", "of", "to", "and", "in", "on", "at", "by", "for", "from", "with", "he", "she", "her", "his",
        "him", "it", "its", "they", "them", "their", "we", "us", "our", "you", "your", "i", "my", "me", "is", "are",
        "was", "were", "be", "been", "has", "had", "have", "do", "did", "done", "who", "whom", "that", "this",
        "these", "those", "there", "then", "than", "when", "where", "what", "which", "while", "would", "could",
        "should", "one", "two", "after", "also", "about", "more", "most", "so", "or", "but", "if", "as", "le", "la",
        "les", "un", "une", "des", "du", "de", "et", "il", "elle", "en", "au", "aux", "ce", "ces", "cette",
        "son", "sa", "ses", "qui", "que", "ne", "pas", "par", "pour", "sur", "dans", "avec", "est", "sont", "ete",
        "etait", "ont", "avait", "y", "se", "si", "ou", "leur", "leurs", "nous", "vous", "plus", "sous", "في",
        "من", "الي", "عن", "ان", "انه", "انها", "هو", "هي", "هم", "هذا", "هذه", "ذلك", "تلك", "التي", "الذي", "ما",
        "لا", "لم", "لن", "قد", "كل", "بعد", "قبل", "عند", "مع", "ثم", "او", "ام", "حتي", "اذا", "بين", "لها", "له",
        "لهم", "منها", "منه", "عليها", "عليه", "فيها", "فيه", "اليها", "اليه", "بها", "به", "الا", "غير", "دون",
    }
)  # fmt: skip
"""Words so common that they are a name only where they are written like it."""

_OTHER, _HEAD, _NAME = range(3)  # verdicts on a word: no name, perhaps the first part of one, a name


@dataclass(frozen=True, slots=True)
class NameMatcher:
    """The names of one record, prepared for the search.

    Args:
        written: Their words as they are written.
        stems: The first letters of these words, to see quickly whether one may be inflected.
        by_key: Phonetic key → words and runs of words that have it.
        heads: Beginnings of the keys: a word with one of them may be the first part of a name that is written apart.
        particles: Particles and initials of these names, articles besides.
    """

    written: frozenset[str]
    stems: frozenset[str]
    by_key: Mapping[str, tuple[str, ...]]
    heads: frozenset[str]
    particles: frozenset[str]

    def spans(self, text: str, lowered: str) -> Iterator[tuple[int, int]]:
        """Yield the spans of names in a text, neighbours as one.

        Args:
            text: A normalised text.
            lowered: The same in small letters, as long as `text`.
        """
        if not self.written:
            return
        last: tuple[int, int] | None = None
        for start, end in self._hits(text, lowered):
            if last and (start <= last[1] or _BETWEEN.fullmatch(text, last[1], start)):
                last = last[0], max(end, last[1])
                continue
            if last:
                yield last
            last = start, end
        if last:
            yield last

    def _hits(self, text: str, lowered: str) -> Iterator[tuple[int, int]]:
        """Yield the span of every match, widened; matches may overlap."""
        # a word is judged once per text: most of the time goes into the phonetic keys
        verdicts = {word: self._verdict(word) for word in set(_WORD.findall(lowered))}
        if not any(verdicts.values()) and _TEAR.search(text) is None:
            return
        words = [(word[0], word.start(), word.end()) for word in _WORD.finditer(lowered)]
        for place, (word, _, _) in enumerate(words):
            if verdicts[word] == _NAME:
                yield self._widened(text, words, place, place)
            # the first part of a name that goes on in the next word, or one that a line break or a hyphen tore apart
            elif verdicts[word] == _HEAD or _TEAR.match(text, words[place][2]):
                joined = self._joined(text, words, place)
                if joined > place:
                    yield self._widened(text, words, place, joined)

    def _verdict(self, word: str) -> int:
        """Judge a word on its own."""
        if word in self.written:
            return _NAME
        if word[:_STEM] in self.stems:
            # A word of a name may have a suffix, as Turkish and the English plural have them.
            ends = range(max(_STEM, len(word) - 4), len(word))
            if any(word[:end] in self.written and word[end:] in _SUFFIXES for end in ends):
                return _NAME
        if not _SHORTEST <= len(word) <= _LONGEST or word in _ORDINARY:
            return _HEAD if word in _PARTICLES else _OTHER
        keys = phonetic.keys(word)
        if not self.by_key.keys().isdisjoint(keys) and self._sounds(word, keys, 0):
            return _NAME
        return _OTHER if self.heads.isdisjoint(keys) and word not in _PARTICLES else _HEAD

    def _sounds(self, word: str, keys: frozenset[str], least: int) -> bool:
        """Return whether a word sounds like a name with which it shares a key of `least` consonants or more."""
        candidates = {name for key in keys if len(key) >= least for name in self.by_key.get(key, ())}
        return any(phonetic.same_name(name, word) for name in candidates)

    def _joined(self, text: str, words: Sequence[tuple[str, int, int]], place: int) -> int:
        """Return the last of the neighbours that together are a name, `place` itself if there are none."""
        run, soft = words[place][0], False
        for at in range(place + 1, min(place + _MOST_JOINED, len(words))):
            gap = text[words[at - 1][2] : words[at][1]]
            if len(gap) > _WIDEST or not _WITHIN.issuperset(gap):
                break
            run, soft = run + words[at][0], soft or not {"\n", "-"}.intersection(gap)
            # The weaker the sign that the words belong together, the longer the key that they must share: a space says
            # nothing, a hyphen something, and a bare line break is taken for a name torn by it.
            least = _SURE_KEY if soft else 0 if gap == "\n" else _LEAST_KEY
            if self._sounds(run, phonetic.keys(run), least):
                return at
        return place

    def _widened(self, text: str, words: Sequence[tuple[str, int, int]], first: int, last: int) -> tuple[int, int]:
        """Take in particles and initials before a name, initials and suffixes behind it."""
        while first and self._belongs(text, words[first - 1], words[first][1]):
            first -= 1
        end = words[last][2]
        if last + 1 < len(words):
            word, start, stop = words[last + 1]
            gap = text[end:start]
            if (gap.strip() in _APOSTROPHES and len(word) <= _LONGEST_SUFFIX) or (
                stop - start == 1 and gap.isspace() and text[stop : stop + 1] == "."
            ):
                end = stop
        return words[first][1], end

    def _belongs(self, text: str, before: tuple[str, int, int], start: int) -> bool:
        """Return whether the word before a name, which begins at `start`, is a particle or an initial of it."""
        word, begin, end = before
        gap = text[end:start]
        if len(gap) > _WIDEST or not _WITHIN.issuperset(gap):
            return False
        if end - begin == 1 and not word.isdigit():  # an initial, with its full stop or as a capital alone
            return gap.startswith(".") or (text[begin].isupper() and gap == " " and word in self.particles)
        # "de" before a space is mostly a French preposition, so that only the record's own particles count there
        return word in self.particles or (word in _PARTICLES and gap == "-")


def matcher_of(values: Sequence[str]) -> NameMatcher:
    """Return the matcher for the normalised names of one record: given, middle and family names."""
    return _matcher_of(tuple(values))


# several texts and several readings of each have the same names
@functools.lru_cache(64)
def _matcher_of(values: tuple[str, ...]) -> NameMatcher:
    names = [_LETTERS.findall(value.lower()) for value in values]
    written = {word for words in names for word in words if word not in _PARTICLES and len(word) > 1}
    written |= {words[0] for words in names if len(words) == 1}  # a name that is nothing but a particle or a letter
    runs = {
        "".join(words[place : place + size])  # neighbouring words of a name written together
        for words in names
        for size in range(2, _MOST_JOINED + 1)
        for place in range(len(words) - size + 1)
    }
    by_key: dict[str, list[str]] = defaultdict(list)
    for word in {word for word in written if len(word) >= _SHORTEST} | runs:
        for key in phonetic.keys(word):
            by_key[key].append(word)
    return NameMatcher(
        frozenset(written),
        frozenset(word[:_STEM] for word in written),
        {key: tuple(words) for key, words in by_key.items()},
        frozenset(key[:size] for key in by_key for size in range(2, len(key))),
        _ARTICLES
        | {word for words in names for word in words if word in _PARTICLES}
        | {word[0] for words in names for word in words},
    )
