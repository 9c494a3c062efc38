# ruff: noqa: RUF001 - the look-alikes are the point of the table
"""The skeleton of a text: letters of other scripts that look like Latin ones, read as what they look like.

Decides which words are read so: those that mix scripts, those that consist of look-alikes alone, and numbers in which a
letter stands for a digit. Leaves words that are honestly Cyrillic, Greek or Armenian. Keeps every character's place.

Source: Unicode UTS #39 (confusables.txt), the pairs one letter wide that end in a Latin letter; a small part of it.
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
    """Return a normalised text with its look-alikes read as Latin letters and digits; as long as the text given."""
    if not text.isascii() and _ALIKE.search(text):
        text = _WORD.sub(_latin, text)
    return _WORD.sub(_number, text) if _SUSPECT.search(text) else text


def _latin(found: re.Match[str]) -> str:
    word = found[0]
    if word.isascii() or not _ALIKE.search(word):
        return word
    return word.translate(_TABLE) if _LATIN.search(word) or word.translate(_STRICT).isascii() else word


def _number(found: re.Match[str]) -> str:
    return found[0].translate(_DIGITS) if _NUMBER.fullmatch(found[0]) else found[0]
