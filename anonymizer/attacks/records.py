"""Attacks on what is left of records, and on what lies about: uniqueness, homogeneity, guessed hashes.

Decides what counts as recovered. Reads no files.

Source: Sweeney (2002) for uniqueness; Machanavajjhala et al. (2007) for homogeneity.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import groupby

from anonymizer.attacks.attack_result import AttackResult
from anonymizer.attacks.published_tables import Codes, PublishedTable
from schemas.trend import TOTAL

__all__ = ["dictionary", "homogeneity", "uniqueness"]

_HASH = re.compile(r"\b[0-9a-f]{32,128}\b")
_KINDS = ("md5", "sha1", "sha256", "sha512")


def uniqueness(records: Sequence[Mapping[str, str]], names: Sequence[str]) -> AttackResult:
    """Records that nobody shares their quasi-identifiers with."""
    seen = Counter(tuple(record.get(name, "") for name in names) for record in records)
    alone = sum(1 for count in seen.values() if count == 1)
    return AttackResult("uniqueness", len(records), alone)


def homogeneity(tables: Sequence[PublishedTable], sensitive: Collection[str]) -> AttackResult:
    """Groups of people of whom all have one sensitive code: whoever is known to be in the group has it."""
    got, attacked = [], 0
    for table in (t for t in tables if not t.noisy):
        for place, dim in ((i, d) for i, d in enumerate(table.dims) if d in sensitive):
            for rest, parts in _split(table, place, dim).items():
                if TOTAL not in parts or not parts[TOTAL]:
                    continue
                attacked += 1
                inner = [value for code, value in parts.items() if code != TOTAL]
                whole = len(inner) == len(table.universe[dim]) and None not in inner
                if whole and sum(1 for value in inner if value) == 1 and len(inner) > 1:
                    got.append(f"{table.name}: {', '.join(rest)}, all of one {dim}")
    return AttackResult("homogeneity", attacked, len(got), tuple(got))


def _split(table: PublishedTable, place: int, dim: str) -> dict[Codes, dict[str, float | None]]:
    groups = table.groups.get(dim, {})
    rows = [
        (cell.codes[:place] + cell.codes[place + 1 :], cell.codes[place], cell.value)
        for cell in table.cells
        if cell.codes[place] not in groups
    ]
    rows.sort(key=lambda row: row[0])
    return {rest: {code: value for _, code, value in some} for rest, some in groupby(rows, key=lambda row: row[0])}


def dictionary(texts: Iterable[str], guesses: Sequence[str]) -> AttackResult:
    """Hashes found in logs, against plain hashes of everything that somebody might guess."""
    known = {
        hashlib.new(kind, guess.encode(), usedforsecurity=False).hexdigest() for guess in guesses for kind in _KINDS
    }
    found = {one for text in texts for one in _HASH.findall(text.lower())}
    return AttackResult("dictionary", len(found), len(found & known))
