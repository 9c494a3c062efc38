"""Attacks on records, and on texts that were left behind: uniqueness, homogeneity, guessed hashes.

Purpose: it decides what counts as recovered. The rules of suppression know no homogeneity: this attack shows what they
leave. Reads no files.
Called by: `amana attack` and the attack tests.

Invariants:
- A group counts as homogeneous only if every code of the dimension is published: a suppressed code may hide somebody.

Sources: Sweeney (2002) for uniqueness; Machanavajjhala et al. (2007) for homogeneity.
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
    """Attack records whose quasi-identifiers no other record has."""
    seen = Counter(tuple(record.get(name, "") for name in names) for record in records)
    alone = sum(1 for count in seen.values() if count == 1)
    return AttackResult("uniqueness", len(records), alone)


def homogeneity(tables: Sequence[PublishedTable], sensitive: Collection[str]) -> AttackResult:
    """Attack groups in which everybody has the same sensitive code: whoever is known to be in the group has it."""
    got, attacked = [], 0
    for table in (t for t in tables if not t.noisy):
        for place, dim in ((i, d) for i, d in enumerate(table.dims) if d in sensitive):
            for rest, parts in _split(table, place, dim).items():
                if TOTAL not in parts or not parts[TOTAL]:
                    continue
                attacked += 1
                inner = [value for code, value in parts.items() if code != TOTAL]
                # Only if every code is there with a value is it known that nobody has another one.
                whole = len(inner) == len(table.universe[dim]) and None not in inner
                if whole and sum(1 for value in inner if value) == 1 and len(inner) > 1:
                    got.append(f"{table.name}: {', '.join(rest)}, all of one {dim}")
    return AttackResult("homogeneity", attacked, len(got), tuple(got))


def _split(table: PublishedTable, place: int, dim: str) -> dict[Codes, dict[str, float | None]]:
    """Return codes of the other dimensions → code of this one → value, without groups."""
    groups = table.groups.get(dim, {})
    rows = [
        (cell.codes[:place] + cell.codes[place + 1 :], cell.codes[place], cell.value)
        for cell in table.cells
        if cell.codes[place] not in groups
    ]
    rows.sort(key=lambda row: row[0])
    return {rest: {code: value for _, code, value in same} for rest, same in groupby(rows, key=lambda row: row[0])}


def dictionary(texts: Iterable[str], guesses: Sequence[str]) -> AttackResult:
    """Attack hashes in texts with the unkeyed hashes of guesses: names, numbers, birth years."""
    guessed = {
        hashlib.new(kind, guess.encode(), usedforsecurity=False).hexdigest() for guess in guesses for kind in _KINDS
    }
    hashes = {text_hash for text in texts for text_hash in _HASH.findall(text.lower())}
    return AttackResult("dictionary", len(hashes), len(hashes & guessed))
