"""Where a record's own names stand in a text, whatever script, spelling and inflection they are written in.

Decides which words of a text are a known name: those that sound like one of its words, those that are one with a
suffix, and neighbours that together sound like one or several of them (Abdel Rahman, Abdulrahman). Takes in what
belongs to a name: article and patronymic particles, initials, a suffix behind an apostrophe.
"""

import functools
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from anonymizer.microdata import phonetic

__all__ = ["Names", "names"]

_WORD: Final = re.compile(r"[^\W_]+")
_LETTERS: Final = re.compile(r"[^\W\d_]+")
_SHORTEST: Final = 2
"""Shorter words count only as they are written, as do those longer than `_LONGEST`."""
_LONGEST: Final = 40
_MOST_JOINED: Final = 3
_SURE_KEY: Final = 4
_LEAST_KEY: Final = 3
_STEM: Final = 4
_WITHIN: Final = frozenset(" \n\t-'’.")  # noqa: RUF001 - the apostrophe of print
_BETWEEN: Final = re.compile(r"[\s\-.,]{0,3}")
_TEAR: Final = re.compile(r"[\n-]")
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


@dataclass(frozen=True, slots=True)
class Names:
    """What is looked for: words as written, words and runs of words by how they sound."""

    written: frozenset[str]
    stems: frozenset[str]
    by_key: Mapping[str, tuple[str, ...]]
    heads: frozenset[str]
    particles: frozenset[str]

    def places(self, text: str, lowered: str) -> Iterator[tuple[int, int]]:
        """Yield the spans of names in a normalised text, given with its small form as long as it; neighbours as one."""
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
        verdicts = {word: self._verdict(word) for word in set(_WORD.findall(lowered))}
        if not any(verdicts.values()) and _TEAR.search(text) is None:
            return
        words = [(found[0], found.start(), found.end()) for found in _WORD.finditer(lowered)]
        for place, (word, _, _) in enumerate(words):
            if verdicts[word] == _NAME:
                yield self._widened(text, words, place, place)
            elif verdicts[word] == _HEAD or _TEAR.match(text, words[place][2]):
                joined = self._joined(text, words, place)
                if joined > place:
                    yield self._widened(text, words, place, joined)

    def _verdict(self, word: str) -> int:
        if word in self.written or (word[:_STEM] in self.stems and self._is_inflected(word)):
            return _NAME
        if not _SHORTEST <= len(word) <= _LONGEST or word in _ORDINARY:
            return _HEAD if word in _PARTICLES else _OTHER
        keys = phonetic.keys(word)
        if not self.by_key.keys().isdisjoint(keys) and self._sounds(word, keys, 0):
            return _NAME
        return _OTHER if self.heads.isdisjoint(keys) and word not in _PARTICLES else _HEAD

    def _sounds(self, word: str, keys: frozenset[str], least: int) -> bool:
        candidates = {name for key in keys if len(key) >= least for name in self.by_key.get(key, ())}
        return any(phonetic.same_name(name, word) for name in candidates)

    def _is_inflected(self, word: str) -> bool:
        """Say whether a word is a known one and a suffix, as Turkish and the English plural write it."""
        ends = range(max(_STEM, len(word) - 4), len(word))
        return any(word[:end] in self.written and word[end:] in _SUFFIXES for end in ends)

    def _joined(self, text: str, words: Sequence[tuple[str, int, int]], place: int) -> int:
        """Return the last of the neighbours that together are a name, `place` itself if there are none."""
        run, soft = words[place][0], False
        for at in range(place + 1, min(place + _MOST_JOINED, len(words))):
            gap = text[words[at - 1][2] : words[at][1]]
            if len(gap) > _WIDEST or not _WITHIN.issuperset(gap):
                break
            run, soft = run + words[at][0], soft or not {"\n", "-"}.intersection(gap)
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
        word, begin, end = before
        gap = text[end:start]
        if len(gap) > _WIDEST or not _WITHIN.issuperset(gap):
            return False
        if end - begin == 1 and not word.isdigit():
            return gap.startswith(".") or (text[begin].isupper() and gap == " " and word in self.particles)
        return word in self.particles or (word in _PARTICLES and gap == "-")


_OTHER, _HEAD, _NAME = range(3)
_WIDEST: Final = 3


@functools.lru_cache(64)
def _names(values: tuple[str, ...]) -> Names:
    every = [_LETTERS.findall(value.lower()) for value in values]
    written = {word for words in every for word in words if word not in _PARTICLES and len(word) > 1}
    written |= {words[0] for words in every if len(words) == 1}
    runs = {run for words in every for run in _runs(words)}
    by_key: dict[str, list[str]] = defaultdict(list)
    for word in {word for word in written if len(word) >= _SHORTEST} | runs:
        for key in phonetic.keys(word):
            by_key[key].append(word)
    return Names(
        frozenset(written),
        frozenset(word[:_STEM] for word in written),
        {key: tuple(words) for key, words in by_key.items()},
        frozenset(key[:size] for key in by_key for size in range(2, len(key))),
        _ARTICLES | {word for words in every for word in words if word in _PARTICLES} | _initials(every),
    )


def names(values: Sequence[str]) -> Names:
    """Return what is looked for, given normalised names of one record: given, middle and family names."""
    return _names(tuple(values))


def _runs(words: Sequence[str]) -> Iterator[str]:
    """Yield neighbouring words written together."""
    for size in range(2, _MOST_JOINED + 1):
        for place in range(len(words) - size + 1):
            yield "".join(words[place : place + size])


def _initials(every: Sequence[Sequence[str]]) -> frozenset[str]:
    return frozenset(word[0] for words in every for word in words)
