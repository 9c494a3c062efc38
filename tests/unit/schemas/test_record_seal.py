"""The hub's own records open in their place, under the keys of their scope, and nowhere else."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import record_seal
from schemas.errors import IntegrityError
from schemas.record_seal import EVIDENCE, ErasedError, RecordSeal, ScopeKeys

FIRST, SECOND = b"1" * 32, b"2" * 32
INDEX = b"i" * 32
SEAL = RecordSeal({"2024": ScopeKeys(INDEX, (FIRST,)), EVIDENCE: ScopeKeys(b"e" * 32, (b"f" * 32,))}, os.urandom)
LATE = {"agency": "a", "kind": "case", "partition": 0, "offset": 7, "period": "2020", "closed_on": "2022-01-15"}


@given(st.binary(max_size=300), st.text(max_size=20), st.text(max_size=20))
def test_what_was_sealed_opens_in_its_place(data: bytes, topic: str, key: str) -> None:
    sealed = SEAL.seal("2024", data, topic, key)
    assert SEAL.open(sealed, topic, key) == data
    assert len(data) < 8 or data not in sealed


def test_a_record_comes_back_with_all_fields() -> None:
    assert SEAL.read("late", SEAL.write("late", EVIDENCE, LATE, "late", "k"), "late", "k") == LATE


@given(st.integers(8, 59), st.integers(1, 255))
def test_no_changed_byte_opens(place: int, flip: int) -> None:
    data = bytearray(SEAL.seal("2024", b"twenty-four bytes of it.", "cells", "k"))
    data[place] ^= flip
    with pytest.raises(IntegrityError, match="INT-027"):
        SEAL.open(bytes(data), "cells", "k")


@pytest.mark.parametrize(("topic", "key"), [("deltas", "k"), ("cells", "l"), ("cells", ""), ("cells|k", "")])
def test_a_record_moved_to_another_topic_or_key_does_not_open(topic: str, key: str) -> None:
    """The owner of the broker could pass the count of one cell off as that of another."""
    sealed = SEAL.seal("2024", b"20", "cells", "k")
    with pytest.raises(IntegrityError, match="INT-027"):
        SEAL.open(sealed, topic, key)


def test_a_replaced_key_seals_no_more_and_opens_on() -> None:
    later = RecordSeal({"2024": ScopeKeys(INDEX, (FIRST, SECOND))}, os.urandom)
    before, after = SEAL.seal("2024", b"x", "cells"), later.seal("2024", b"x", "cells")
    assert (later.open(before, "cells"), later.open(after, "cells")) == (b"x", b"x")
    assert before[:8].hex() == record_seal.key_id(FIRST)
    assert after[:8].hex() == record_seal.key_id(SECOND)
    assert later.index("2024", "cell") == SEAL.index("2024", "cell")
    with pytest.raises(IntegrityError, match="INT-026"):
        SEAL.open(after, "cells")


def test_an_erased_year_is_told_from_a_key_that_is_missing() -> None:
    """A process without a key must end; what was destroyed on purpose must not end it."""
    sealed = SEAL.seal("2024", b"x", "cells")
    with pytest.raises(IntegrityError, match="INT-026") as missing:
        RecordSeal({}, os.urandom).open(sealed, "cells")
    assert not isinstance(missing.value, ErasedError)
    with pytest.raises(ErasedError, match="INT-028"):
        RecordSeal({}, os.urandom, [record_seal.key_id(FIRST)]).open(sealed, "cells")


def test_nothing_is_sealed_or_named_for_a_scope_without_keys() -> None:
    for act in (lambda: SEAL.seal("1999", b"x", "cells"), lambda: SEAL.index("1999", "cell")):
        with pytest.raises(IntegrityError, match="INT-026"):
            act()


@pytest.mark.parametrize("data", [b"", b"short", bytes(8), bytes(60)])
def test_bytes_that_nobody_sealed_are_refused(data: bytes) -> None:
    with pytest.raises(IntegrityError, match=r"INT-02[67]"):
        SEAL.open(data, "cells")


def test_a_record_of_another_schema_is_refused() -> None:
    sealed = SEAL.write("late", EVIDENCE, LATE, "late")
    with pytest.raises(IntegrityError, match="INT-020"):
        SEAL.read("outcome", sealed, "late")


def test_record_keys_differ_between_years_and_tell_nothing() -> None:
    seal = RecordSeal({"2023": ScopeKeys(b"j" * 32, (FIRST,)), "2024": ScopeKeys(INDEX, (FIRST,))}, os.urandom)
    names = {seal.index(year, text) for year in ("2023", "2024") for text in ("cell", "other")}
    assert len(names) == 4
    assert all(len(name) == 32 and "cell" not in name for name in names)
