"""Canaries: invented strings that occur nowhere by chance, and a search for them in every spelling.

Decides the spellings: UTF-8, UTF-16, base64 at each of its three places, hex, percent signs, JSON's and Python's
escapes, upper and lower case, and all of these in what is packed by gzip or zlib. A find is named by its place.
"""

import base64
import hashlib
import json
import re
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib import parse

import hyperscan

__all__ = ["Canaries", "name_for", "phone_for", "spellings", "unlinked"]

_PACKED = re.compile(rb"\x1f\x8b\x08|\x78[\x01\x5e\x9c\xda]")
_UNPACKED_BYTES = 4 << 20
_SYLLABLES = (
    "qa",
    "zey",
    "vol",
    "mir",
    "tun",
    "xe",
    "bor",
    "lah",
    "dje",
    "wik",
    "sof",
    "nur",
    "gry",
    "pel",
    "hud",
    "yaz",
)


def name_for(place: str) -> str:
    """Make a name of two words that belongs to nobody, its own for every place."""
    drawn = hashlib.sha256(place.encode()).digest()
    first, last = ("".join(_SYLLABLES[byte % 16] for byte in part) for part in (drawn[:4], drawn[4:8]))
    return f"{first.title()} {last.title()}"


def phone_for(place: str) -> str:
    """Make a telephone number of no network."""
    return "+96299" + str(int.from_bytes(hashlib.sha256(place.encode()).digest()[8:12], "big")).zfill(10)


def spellings(text: str) -> Iterator[bytes]:
    """Yield what is looked for; the search itself does not tell upper from lower case."""
    for one in {text, text.upper(), text.lower()}:
        plain = one.encode()
        yield from (plain, one.encode("utf-16-le"), one.encode("utf-16-be"), plain.hex().encode())
        yield from (parse.quote(one, safe="").encode(), parse.quote_plus(one).encode())
        yield from (json.dumps(one)[1:-1].encode(), ascii(one)[1:-1].encode(), repr(plain)[2:-1].encode())
        yield "".join(f"\\u{ord(char):04x}" for char in one).encode()
        for before in range(3):
            coded = base64.b64encode(bytes(before) + plain)
            inner = coded[-(-before * 8 // 6) : (before + len(plain)) * 8 // 6]  # without what its neighbours colour
            yield from (inner, inner.replace(b"+", b"-").replace(b"/", b"_"))


class Canaries:
    """A search for texts, each of which was planted at a place of that name."""

    def __init__(self, planted: Iterable[tuple[str, str]]) -> None:
        self.planted = dict(planted)
        """Place → text."""
        spelt = [(place, one) for place, text in self.planted.items() for one in set(spellings(text))]
        self._places = [place for place, _ in spelt]
        self._database = hyperscan.Database()
        self._database.compile(
            expressions=["".join(f"\\x{byte:02x}" for byte in one).encode() for _, one in spelt],
            ids=list(range(len(spelt))),
            elements=len(spelt),
            flags=hyperscan.HS_FLAG_CASELESS | hyperscan.HS_FLAG_SINGLEMATCH,
        )

    def found_in(self, data: bytes) -> set[str]:
        """Return the places whose text stands in `data`, or in what is packed in it."""
        found: set[str] = set()
        for part in (data, *_unpacked(data)):
            if part:
                self._database.scan(part, match_event_handler=lambda number, *_: found.add(self._places[number]))
        return found

    def found_under(self, folder: Path, *, without: re.Pattern[str]) -> dict[str, set[str]]:
        """Search every file below `folder`, by content and name, but for paths that match `without`."""
        paths = (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())
        named = ((path, str(path.relative_to(folder))) for path in paths)
        searched = (
            (name, self.found_in(name.encode() + b"\n" + path.read_bytes().rstrip(b"\0")))  # zeros: reserved ahead
            for path, name in named
            if not without.search(name)
        )
        return {name: found for name, found in searched if found}


def _unpacked(data: bytes) -> Iterator[bytes]:
    """Yield what is packed in `data`, wherever it begins; most of what looks like a beginning is none."""
    view = memoryview(data)
    for begin in _PACKED.finditer(data):
        try:
            yield zlib.decompressobj(47).decompress(view[begin.start() :], _UNPACKED_BYTES)
        except zlib.error:
            continue


def unlinked(pid: int) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of the files that a process holds open though they have no name any more.

    A process that is not dumpable shows them to root alone: to its own user there is nothing to find, nor to search.
    """
    try:
        entries = list(Path(f"/proc/{pid}/fd").iterdir())
    except PermissionError:
        return
    for entry in entries:
        try:
            name = str(entry.readlink())
            if name.endswith(" (deleted)") or name.startswith("/memfd:"):
                yield name, entry.read_bytes()
        except OSError:
            continue
