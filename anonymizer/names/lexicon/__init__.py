"""Word lists that the features look into, and the commonness of English words.

Called by: the features of each language, `languages`, and `anonymizer.training`. The lists are package data; NOTICE.md
names their sources.

Invariant: the lists and the trained models belong together. A changed list changes features, so train again.
"""

import functools
import itertools
from collections.abc import Mapping
from importlib import resources
from typing import Final

import wordfreq  # type: ignore[import-untyped,unused-ignore]  # no type information of its own

__all__ = ["classes", "commonness", "words"]

_EDGES: Final = (300, 400, 450, 500, 550)


@functools.cache
def words(name: str) -> frozenset[str]:
    """Return the words of the list `name`, a file of one lower-case word a line."""
    return frozenset(_text(name).split())


@functools.cache
def classes(name: str) -> Mapping[str, str]:
    """Return the classes of each word of the list `name`, joined by `+`.

    The file has one class a line: `class: word word …`; a line that begins with `#` is a comment.
    """
    kinds_by_word: dict[str, list[str]] = {}
    for line in _text(name).splitlines():
        kind, _, members = line.partition(":")
        for word in () if line.startswith("#") else members.split():
            kinds_by_word.setdefault(word, []).append(kind)
    return {word: "+".join(sorted(set(kinds))) for word, kinds in kinds_by_word.items()}


@functools.cache
def commonness(language: str) -> Mapping[str, str]:
    """Return the commonness of words: word to a class from "0" (commonest) to "5"; other words are rare or unknown.

    Source: the small list of wordfreq (words above one in a million), whose levels are in centibels; the edges are
    steps of a factor of about three.
    """
    levels = wordfreq.get_frequency_list(language, wordlist="small")
    cuts = itertools.pairwise((0, *_EDGES, len(levels)))
    return {word: str(n) for n, (low, high) in enumerate(cuts) for level in levels[low:high] for word in level}


def _text(name: str) -> str:
    """Return the text of a list."""
    return resources.files(__name__).joinpath(f"{name}.txt").read_text(encoding="utf-8")
