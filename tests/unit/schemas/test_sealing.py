"""Sealed fields open for the de-identifier, in their place, and for nobody and nowhere else."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import catalogue, sealing
from schemas.errors import ContractError
from schemas.opening import Opener

CASE = catalogue.load("raw.case")
TOPIC = "raw.police-jor.case"
PRIVATE = bytes(range(32))
SEALER = sealing.Sealer(sealing.public_key_of(PRIVATE))
OPENER = Opener(PRIVATE)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)


def event(**fields: object) -> dict[str, Any]:
    return {"event_id": "0" * 32, "agency": "police-jor", **fields}


def sealed(ephemeral: bytes = b"e" * 32, topic: str = TOPIC, **fields: object) -> dict[str, Any]:
    return SEALER.seal(event(**fields), CASE, topic=topic, ephemeral=ephemeral)


def refused(record: dict[str, Any], topic: str = TOPIC, opener: Opener = OPENER) -> ContractError:
    with pytest.raises(ContractError) as caught:
        opener.open(record, CASE, topic=topic)
    assert caught.value.code == "CON-030"
    assert "Layla" not in str(caught.value)
    return caught.value


@given(
    texts=st.fixed_dictionaries({}, optional=dict.fromkeys(CASE.sealed, TEXTS)),
    ephemeral=st.binary(min_size=32, max_size=32),
)
@settings(max_examples=60, deadline=None)
def test_what_was_sealed_opens_to_the_same_texts(texts: dict[str, str], ephemeral: bytes) -> None:
    record = sealed(ephemeral, **texts)
    assert OPENER.open(record, CASE, topic=TOPIC) == texts
    assert all(isinstance(record[name], bytes) for name in texts)


@given(text=TEXTS)
@settings(deadline=None)
def test_the_length_of_a_sealed_text_is_a_step_of_32_bytes_and_its_tag(text: str) -> None:
    length = len(sealed(prs_FirstName=text)["prs_FirstName"]) - 16
    assert length % 32 == 0
    assert 1 <= length - len(text.encode()) <= 32


def test_an_event_without_texts_needs_no_keys() -> None:
    record = sealed(prs_FirstName=None)
    assert record["sealing"] is None
    assert OPENER.open(record, CASE, topic=TOPIC) == {}


def test_the_same_text_in_two_fields_or_two_events_looks_different() -> None:
    first = sealed(prs_FirstName="Layla", prs_SecondName="Layla")
    second = sealed(b"f" * 32, prs_FirstName="Layla")
    assert len({first["prs_FirstName"], first["prs_SecondName"], second["prs_FirstName"]}) == 3


def test_another_key_does_not_open() -> None:
    other = Opener(b"k" * 32)
    record = sealed(prs_FirstName="Layla")
    assert refused(record, opener=other).field == "sealing.key_id"
    record["sealing"]["key_id"] = other.key_id
    assert refused(record, opener=other).field == "prs_FirstName"


@given(place=st.integers(0, 47), flip=st.integers(1, 255))
@settings(deadline=None)
def test_no_changed_byte_opens(place: int, flip: int) -> None:
    record = sealed(prs_FirstName="Layla")
    data = bytearray(record["prs_FirstName"])
    data[place] ^= flip
    assert refused({**record, "prs_FirstName": bytes(data)}).field == "prs_FirstName"


@given(length=st.integers(0, 47))
@settings(deadline=None)
def test_no_truncated_text_opens(length: int) -> None:
    record = sealed(prs_FirstName="Layla")
    refused({**record, "prs_FirstName": record["prs_FirstName"][:length]})


def test_a_text_moved_to_another_field_event_agency_or_topic_does_not_open() -> None:
    record = sealed(prs_FirstName="Layla", prs_SecondName="Haddad")
    refused({**record, "prs_FirstName": record["prs_SecondName"], "prs_SecondName": record["prs_FirstName"]})
    refused({**record, "event_id": "1" * 32})
    refused({**record, "agency": "shelter-lbn"})
    refused(record, topic="raw.shelter-lbn.case")


def test_a_text_from_another_event_of_the_same_publisher_does_not_open() -> None:
    record, other = sealed(prs_FirstName="Layla"), sealed(b"f" * 32, prs_FirstName="Rana")
    refused({**record, "prs_FirstName": other["prs_FirstName"]})


@pytest.mark.parametrize("ephemeral", [b"", b"short", bytes(32), b"\1" + bytes(31)])
def test_an_ephemeral_key_of_wrong_length_or_low_order_is_refused(ephemeral: bytes) -> None:
    record = sealed(prs_FirstName="Layla")
    record["sealing"]["ephemeral"] = ephemeral
    refused(record)


def test_sealed_bytes_without_their_keys_are_refused() -> None:
    assert refused({**sealed(prs_FirstName="Layla"), "sealing": None}).field == "sealing"


def test_a_field_key_is_that_of_rfc_5869() -> None:
    """The library's HKDF opens what our HMAC calls sealed."""
    record, private = sealed(prs_FirstName="Zarilan"), X25519PrivateKey.from_private_bytes(b"e" * 32)
    recipient = sealing.public_key_of(PRIVATE)
    shared = private.exchange(X25519PublicKey.from_public_bytes(recipient))
    salt = record["sealing"]["ephemeral"] + recipient
    key = HKDF(algorithm=SHA256(), length=32, salt=salt, info=b"amana/1|prs_FirstName").derive(shared)
    bound = f"{TOPIC}|police-jor|{'0' * 32}|prs_FirstName".encode()
    padded = ChaCha20Poly1305(key).decrypt(bytes(12), record["prs_FirstName"], bound)
    assert padded.rstrip(b"\x00") == b"Zarilan\x80"


@given(data=st.binary(max_size=200), place=st.binary(max_size=20))
def test_what_was_sealed_whole_opens_at_its_place_alone(data: bytes, place: bytes) -> None:
    """The same bytes at the same place are the same sealed bytes; moved or altered they do not open."""
    opener = OPENER
    wrapped = opener.wrap(data, place)
    assert opener.unwrap(wrapped, place) == data
    assert opener.wrap(data, place) == wrapped
    assert len(data) < 8 or data not in wrapped
    for moved, elsewhere in (
        (wrapped, place + b"x"),
        (wrapped[:-1] + bytes([wrapped[-1] ^ 1]), place),
        (wrapped[:39], place),
    ):
        with pytest.raises(ContractError, match="CON-030"):
            opener.unwrap(moved, elsewhere)
