# ruff: noqa: RUF001 - the look-alikes are the point of the table
"""Skeleton of a text: letters of other scripts that look like Latin ones, read as the Latin letters.

Purpose: let patterns see an address or a number that was written with look-alikes, by a hostile hand or a keyboard that
was switched. Called by: `normalise.forms`.

Read as Latin are: words that mix scripts, words of look-alikes alone, and numbers in which a letter stands for a digit.
Words that are honestly Cyrillic, Greek or Armenian stay.

Invariants:
- Every character keeps its place.

Source: Unicode UTS #39 (confusables.txt): of its pairs of single letters, a small part that ends in a Latin letter.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

__all__ = ["skeleton"]

_PAIRS: Final = (
    ("аеорсухіјѕһԁԛԝӏӀүґᴦӕ", "aeopcyxijshdqwlIyrra"),  # Cyrillic, small
    ("АВЕКМНОРСТУХІЈЅԌԚԜҮҺЁЇ", "ABEKMHOPCTYXIJSGQWYhEI"),  # Cyrillic, capital
    ("αβγεικνορτυχωςσηκμ", "aByeikvoptuxwconku"),  # Greek, small
    ("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧϹͿ", "ABEZHIKMNOPTYXCJ"),  # Greek, capital
    ("աօսոցհյզքԼՍՕՏԲՄ", "woungհjqpLUOSFU"),  # Armenian
    ("ɑɡɩɪʟɴʀʏʙɢʜᴀᴄᴅᴇᴊᴋᴍᴏᴘᴛᴜᴠᴡᴢꜱꜰłøđħŧ", "agiilnrybghacdejkmoptuvwzsflodht"),  # Latin look-alikes of Latin
)
_REMOTE: Final = (("вкмнтгпибзьєчѵ", "bkmhtrnubzbeuv"),)  # Cyrillic, small; only inside a word that mixes scripts
_LATIN: Final = re.compile("[A-Za-z]")
_WORD: Final = re.compile(r"[^\W_]+")
_NUMBER: Final = re.compile(r"(?=[OoIl]*[0-9])[0-9OoIl]*(?:[0-9][OoIl]|[OoIl][0-9])[0-9OoIl]*")
_DIGITS: Final = str.maketrans("OoIl", "0011")


def _table(pairs: Sequence[tuple[str, str]]) -> Mapping[int, str]:
    return {ord(a): b for other, latin in pairs for a, b in zip(other, latin, strict=True) if a != b}


_STRICT: Final = _table(_PAIRS)
_TABLE: Final = _table((*_PAIRS, *_REMOTE))
_ALIKE: Final = re.compile(f"[{''.join(map(chr, _TABLE))}]")
_SUSPECT: Final = re.compile(r"[0-9][OoIl]|[OoIl][0-9]")


def skeleton(text: str) -> str:
    """Return a normalised text with its look-alikes read as Latin letters and digits; its length stays."""
    # both searches are there for speed: most texts have neither look-alikes nor letters beside digits
    if not text.isascii() and _ALIKE.search(text):
        text = _WORD.sub(_latin, text)
    return _WORD.sub(_number, text) if _SUSPECT.search(text) else text


def _latin(match: re.Match[str]) -> str:
    """Return a word read as Latin, or as it is."""
    word = match[0]
    if word.isascii() or not _ALIKE.search(word):
        return word
    # A word with one Latin letter is meant as Latin, so every pair counts. One without any must become Latin as a whole
    # by the strict pairs: a Russian word has letters that look like no Latin one.
    return word.translate(_TABLE) if _LATIN.search(word) or word.translate(_STRICT).isascii() else word


def _number(match: re.Match[str]) -> str:
    """Return a word with O, o, I and l as digits where the rest of it are digits."""
    return match[0].translate(_DIGITS) if _NUMBER.fullmatch(match[0]) else match[0]
