"""Word lists that the features look into, and how common words are."""

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
    """Return the list `name`: one lower-case word a line."""
    return frozenset(_text(name).split())


@functools.cache
def classes(name: str) -> Mapping[str, str]:
    """Return the list `name` of `class: word word …` lines as word to its classes, joined by `+`."""
    found: dict[str, list[str]] = {}
    for line in _text(name).splitlines():
        kind, _, members = line.partition(":")
        for word in () if line.startswith("#") else members.split():
            found.setdefault(word, []).append(kind)
    return {word: "+".join(sorted(set(kinds))) for word, kinds in found.items()}


@functools.cache
def commonness(language: str) -> Mapping[str, str]:
    """Return how common words are: word to a class from 0 (commonest) to 5; a word of no class is rare or unknown.

    Source: the small list of wordfreq (words over one in a million), its decibels cut at powers of about three.
    """
    levels = wordfreq.get_frequency_list(language, wordlist="small")
    cuts = itertools.pairwise((0, *_EDGES, len(levels)))
    return {word: str(n) for n, (low, high) in enumerate(cuts) for level in levels[low:high] for word in level}


def _text(name: str) -> str:
    return resources.files(__name__).joinpath(f"{name}.txt").read_text(encoding="utf-8")
