"""Tampered audit: whoever can write the files of the log, but not sign, changes bytes of it."""

import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.errors import IntegrityError
from streams.transparency import log_verification
from tests.support.audit import FILES, PUBLIC, a_log

POSITIONS = 120  # sampled in each file and for each kind of change
NAMED = re.compile(r"entry \d+|checkpoint \d+|the log's key")


def _changes(raw: bytes, chosen: random.Random) -> Iterator[bytes]:
    for _ in range(POSITIONS):
        place = chosen.randrange(len(raw))
        yield raw[:place] + bytes([raw[place] ^ (1 << chosen.randrange(8))]) + raw[place + 1 :]
        yield raw[:place] + raw[place + 1 :]
        yield raw[:place] + bytes([chosen.randrange(256)]) + raw[place:]
        yield raw[:place]
        other = chosen.randrange(len(raw))
        first, last = sorted((place, other))
        yield raw[:first] + raw[last : last + 1] + raw[first + 1 : last] + raw[first : first + 1] + raw[last + 1 :]
    yield raw + b"\n"
    yield b""


@pytest.mark.parametrize("name", FILES)
def test_no_changed_byte_goes_unnoticed(tmp_path: Path, name: str) -> None:
    log = a_log(tmp_path)
    whole = (log / name).read_bytes()
    tried = 0
    for changed in _changes(whole, random.Random(20_261_122)):
        if changed == whole:
            continue
        (log / name).write_bytes(changed)
        with pytest.raises(IntegrityError) as found:
            log_verification.verify(log, PUBLIC)
        assert NAMED.search(found.value.message) or "there is no checkpoint" in found.value.message
        tried += 1
    assert tried > 3 * POSITIONS


@pytest.mark.parametrize("index", [0, 4, 11])
def test_the_first_bad_entry_is_named(tmp_path: Path, index: int) -> None:
    log = a_log(tmp_path)
    lines = (log / "entries.jsonl").read_bytes().splitlines(keepends=True)
    lines[index] = lines[index].replace(b'"policy"', b'"pOlicy"')
    (log / "entries.jsonl").write_bytes(b"".join(lines))
    with pytest.raises(IntegrityError, match=f"entry {index} "):
        log_verification.verify(log, PUBLIC)


def _rows(log: Path, name: str) -> list[bytes]:
    raw = (log / name).read_bytes()
    if name == "leaves":
        return [raw[n : n + 32] for n in range(0, len(raw), 32)]
    lines = raw.splitlines(keepends=True)
    step = 6 if name == "checkpoints" else 1
    return [b"".join(lines[n : n + step]) for n in range(0, len(lines), step)]


@pytest.mark.parametrize("names", [("checkpoints",), ("entries.jsonl", "leaves"), ("entries.jsonl",), ("leaves",)])
@pytest.mark.parametrize("row", [0, 1, 3])
def test_whole_rows_cannot_be_removed_repeated_or_swapped(tmp_path: Path, names: tuple[str, ...], row: int) -> None:
    """Also a checkpoint in the middle, whose neighbours alone would still be a valid history."""
    log = a_log(tmp_path)
    whole = {name: _rows(log, name) for name in names}
    for change in ("removed", "repeated", "swapped"):
        for name, rows in whole.items():
            other = (row + 1) % len(rows)
            edited = [*rows]
            if change == "removed":
                del edited[row]
            elif change == "repeated":
                edited.insert(row, rows[row])
            else:
                edited[row], edited[other] = rows[other], rows[row]
            (log / name).write_bytes(b"".join(edited))
        with pytest.raises(IntegrityError, match=r"entry \d|checkpoint \d"):
            log_verification.verify(log, PUBLIC)
        for name, rows in whole.items():
            (log / name).write_bytes(b"".join(rows))
    assert log_verification.verify(log, PUBLIC).entries == 12


def test_a_log_signed_anew_by_somebody_else_is_not_the_trusted_one(tmp_path: Path) -> None:
    log = a_log(tmp_path)
    with pytest.raises(IntegrityError, match="INT-121"):
        log_verification.verify(log, bytes(range(1, 33)))
