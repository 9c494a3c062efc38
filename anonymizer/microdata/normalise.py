# ruff: noqa: RUF001 - the look-alikes are the point of the table
"""Text as patterns see it, with the way back: one spelling for digits, spaces, hyphens and letters.

Decides which characters are folded or dropped before detection. Does not decide what is personal. Every span found in
the normalised text maps back to the characters it came from, so that nothing of the original is left standing.
"""

import unicodedata
from dataclasses import dataclass

__all__ = ["Normalised", "normalise"]

_DIGIT_ZEROS = (
    0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6, 0x0D66, 0x0E50, 0x0ED0,
    0x0F20, 0x1040, 0x17E0, 0x1810,
)  # fmt: skip
_LETTERS = {
    "أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ي", "ی": "ي", "ک": "ك", "ة": "ه", "ؤ": "و", "ئ": "ي",
    "ı": "i", "İ": "I", "ſ": "s",
}  # fmt: skip
_SIGNS = {
    "٫": ".", "٬": ",", "،": ",", "؛": ";", "؍": "/", "؟": "?", "⁄": "/", "∕": "/", "\u2028": "\n", "\u2029": "\n",
    "‐": "-", "‑": "-", "‒": "-", "–": "-", "—": "-", "―": "-", "−": "-", "ー": "-", "＠": "@", "٭": "*", "\u1680": " ",
}  # fmt: skip
_FOLD = str.maketrans({chr(zero + d): str(d) for zero in _DIGIT_ZEROS for d in range(10)} | _LETTERS | _SIGNS)
_DROPPED_CATEGORIES = frozenset({"Cf", "Mn", "Me"})
_TATWEEL = "\u0640"


@dataclass(frozen=True, slots=True)
class Normalised:
    """A normalised text; `starts[i]`, `ends[i]` are the original span of its character i; None means the same place."""

    text: str
    starts: tuple[int, ...] | None
    ends: tuple[int, ...] | None

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Map a non-empty span of the normalised text to the original one, half open, in characters."""
        if self.starts is None or self.ends is None:
            return start, end
        return self.starts[start], self.ends[end - 1]


def normalise(text: str) -> Normalised:
    """Fold a text: NFKC, no accents, no invisible characters, ASCII digits, spaces and hyphens, one form of alef.

    Source: UAX #15 (NFKC); `docs/reference` on the tricks that defeat patterns.
    """
    if text.isascii():
        return Normalised(text, None, None)
    if all(len(_SINGLES[character]) == 1 for character in set(text)):
        return Normalised("".join(map(_SINGLES.__getitem__, text)), None, None)
    return _mapped(text)


def _dropped(character: str) -> bool:
    return character == _TATWEEL or unicodedata.category(character) in _DROPPED_CATEGORIES


def _mapped(text: str) -> Normalised:
    out: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    cuts = [i for i, c in enumerate(text) if not unicodedata.combining(c) or i == 0]
    for start, end in zip(cuts, [*cuts[1:], len(text)], strict=True):
        kept = _SINGLES[text[start]] if end == start + 1 else _folded(text[start:end])
        if not kept and ends:
            ends[-1] = end  # what is dropped goes with the character before it, so that a mask leaves no trace
        for character in kept:
            out.append(character)
            starts.append(start)
            ends.append(end)
    return Normalised("".join(out), tuple(starts), tuple(ends))


def _folded(cluster: str) -> str:
    """Fold a character with the marks that combine with it."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", cluster) if not _dropped(c))
    return unicodedata.normalize("NFC", bare).translate(_FOLD)


class _Memo(dict[str, str]):
    """What single characters fold to; grows with the characters met, of which there are few."""

    def __missing__(self, character: str) -> str:
        self[character] = folded = _folded(character)
        return folded


_SINGLES = _Memo()
