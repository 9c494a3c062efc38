"""Sealed events open for the de-identifier, in their place, and for nobody and nowhere else."""

import os

import pytest
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import sealing
from schemas.errors import ContractError
from schemas.opening import Opener

PRIVATE = bytes(range(96))
PUBLIC = sealing.public_key_of(PRIVATE)
KEY_ID = sealing.key_id_of(PUBLIC)
OPENER = Opener([PRIVATE])
PLACE = sealing.bound("raw.police-jor.case", "0" * 32, 1, bytes(32))
NAME = b"Layla"


def sealed(data: bytes = NAME, place: bytes = PLACE) -> bytes:
    return sealing.Sealer(PUBLIC, os.urandom).seal(data, place)


def refused(data: bytes, place: bytes = PLACE, opener: Opener = OPENER, key_id: str = KEY_ID) -> None:
    with pytest.raises(ContractError, match="CON-030") as caught:
        opener.open(key_id, data, place)
    assert "Layla" not in str(caught.value)
    assert caught.value.__context__ is None


@given(data=st.binary(max_size=5_000) | st.binary(max_size=40).map(lambda tail: tail + bytes(9)))
@settings(max_examples=60, deadline=None)
def test_what_was_sealed_opens_to_the_same_bytes(data: bytes) -> None:
    """Zeros at the end are bytes like others: the padding does not eat them."""
    assert OPENER.open(KEY_ID, sealed(data), PLACE) == data


@pytest.mark.parametrize("length", [0, 1, 1_023, 1_024, 4_095, 4_096, 16_384, 65_535])
def test_lengths_are_hidden_within_steps(length: int) -> None:
    """A short record and one with a narrative of a thousand letters are of few sizes, whatever they hold."""
    step = next(one for one in (1_024, 4_096, 16_384, 65_536) if length < one)
    assert len(sealed(bytes(length))) == sealing.WRAPPED_BYTES + sealing.NONCE_BYTES + step + 16


def test_an_event_above_the_largest_step_is_refused() -> None:
    with pytest.raises(ContractError, match="CON-015"):
        sealed(bytes(65_536))


def test_another_key_does_not_open() -> None:
    other = Opener([bytes(range(1, 97))])
    refused(sealed(), opener=other)
    refused(sealed(), opener=other, key_id=sealing.key_id_of(sealing.public_key_of(bytes(range(1, 97)))))


def test_an_older_key_of_the_hub_still_opens() -> None:
    both = Opener([bytes(range(1, 97)), PRIVATE])
    assert both.open(KEY_ID, sealed(), PLACE) == NAME


@given(place=st.integers(0, 2_219), flip=st.integers(1, 255))
@settings(deadline=None, max_examples=60)
def test_no_changed_byte_opens(place: int, flip: int) -> None:
    data = bytearray(sealed())
    data[place] ^= flip
    refused(bytes(data))


@given(length=st.integers(0, 2_219))
@settings(deadline=None, max_examples=60)
def test_no_truncated_event_opens(length: int) -> None:
    refused(sealed()[:length])


@pytest.mark.parametrize(
    "place",
    [
        sealing.bound("raw.shelter-lbn.case", "0" * 32, 1, bytes(32)),
        sealing.bound("raw.police-jor.case", "1" * 32, 1, bytes(32)),
        sealing.bound("raw.police-jor.case", "0" * 32, 2, bytes(32)),
        sealing.bound("raw.police-jor.case", "0" * 32, 1, bytes(31) + b"\1"),
    ],
)
def test_an_event_moved_to_another_topic_id_revision_or_schema_does_not_open(place: bytes) -> None:
    refused(sealed(), place)


def test_the_same_event_twice_looks_different_and_a_run_ends() -> None:
    """A content key serves a thousand events, each under a nonce of its own; then another one is drawn and wrapped."""
    sealer = sealing.Sealer(PUBLIC, os.urandom)
    made = [sealer.seal(NAME, PLACE) for _ in range(sealing.RUN + 1)]
    assert len({one[sealing.WRAPPED_BYTES :] for one in made}) == len(made)
    assert len({one[: sealing.WRAPPED_BYTES] for one in made[: sealing.RUN]}) == 1
    assert made[-1][: sealing.WRAPPED_BYTES] != made[0][: sealing.WRAPPED_BYTES]
    assert {OPENER.open(KEY_ID, one, PLACE) for one in made} == {NAME}


def test_the_construction_is_the_one_that_is_written_down() -> None:
    """The library's HPKE and AES-GCM open it by the words of the page, so that any agency's program can make it."""
    data = sealed()
    suite = hpke.Suite(hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
    key = suite.decrypt(data[:1_168], sealing.private_key(PRIVATE), b"amana/2|envelope")
    bound = f"raw.police-jor.case|{'0' * 32}|1|{'0' * 64}".encode()
    assert AESGCM(key).decrypt(data[1_168:1_180], data[1_180:], bound).rstrip(b"\0") == NAME + b"\x80"
