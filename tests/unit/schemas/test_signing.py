"""A signed event verifies where its agency sent it, and nothing else does."""

import random

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import catalogue, codec, limits, signing
from schemas.errors import ConfigurationError, ContractError, IntegrityError
from streams.transparency import checkpoint, log_verification
from streams.transparency.log_files import ORIGIN
from tests.support import raw_events

TOPIC = "raw.police-jor.case"
VERIFIER = signing.Verifier(signing.public_key_of(raw_events.SIGNING))


def value() -> bytes:
    return raw_events.record("case", raw_events.planted("case", 1).event).value or b""


def refused(sent: bytes, topic: str = TOPIC, verifier: signing.Verifier = VERIFIER) -> ContractError:
    with pytest.raises(ContractError) as caught:
        verifier.check(sent, topic=topic)
    assert caught.value.code == "CON-031"
    return caught.value


def test_what_an_agency_signed_verifies() -> None:
    VERIFIER.check(value(), topic=TOPIC)


@pytest.mark.parametrize("kind", catalogue.KINDS)
def test_the_signature_is_the_end_of_every_kind_of_event(kind: str) -> None:
    """Else an agency that writes its own publisher could not say what to sign."""
    sent = raw_events.record(kind, raw_events.planted(kind, 1).event).value or b""
    read = codec.decode(sent, raw_events.readable("envelope"), limits.ENVELOPE)
    assert catalogue.load("envelope").fields[-1].name == "signature"
    assert read["signature"] == sent[-signing.SIGNATURE_BYTES :]


@given(at=st.integers(0, 10_000), bit=st.integers(0, 7))
@settings(deadline=None)
def test_any_bit_that_is_turned_is_noticed(at: int, bit: int) -> None:
    sent = bytearray(value())
    sent[at % len(sent)] ^= 1 << bit
    refused(bytes(sent))


@given(length=st.integers(0, 200))
@settings(deadline=None)
def test_bytes_of_any_length_are_refused_the_same_way(length: int) -> None:
    refused(random.Random(length).randbytes(length))


def test_an_event_does_not_verify_on_another_topic_or_by_another_key() -> None:
    refused(value(), topic="raw.police-jor.referral")
    refused(value(), verifier=signing.Verifier(signing.public_key_of(bytes(32))))


def test_an_unsigned_event_is_refused() -> None:
    number, schema = next(iter(raw_events.readable("envelope").items()))
    bare = codec.decode(value(), {number: schema}, limits.ENVELOPE)
    for signature in (b"", signing.UNSIGNED):
        refused(codec.encode(number, schema, bare | {"signature": signature}))


def test_the_construction_is_the_one_that_is_written_down() -> None:
    """Ed25519 over `amana/2|topic|` and all bytes but the last 64, so that any library can do it."""
    sent = value()
    said, signature = sent[:-64], sent[-64:]
    theirs = Ed25519PrivateKey.from_private_bytes(raw_events.SIGNING).sign(b"amana/2|raw.police-jor.case|" + said)
    assert theirs == signature


PRIME = 2**255 - 19
ORDER_EIGHT = bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")
SMALL = [
    (y | sign << 255).to_bytes(32, "little")
    for y in (0, 1, PRIME - 1, PRIME, PRIME + 1, *(int.from_bytes(ORDER_EIGHT, "little"),))
    for sign in (0, 1)
]
SMALL += [(PRIME - int.from_bytes(ORDER_EIGHT, "little") | sign << 255).to_bytes(32, "little") for sign in (0, 1)]


@pytest.mark.parametrize("key", [*SMALL, *((PRIME + n).to_bytes(32, "little") for n in range(2, 19)), b"", bytes(31)])
def test_a_key_for_which_everybody_can_sign_is_refused(key: bytes) -> None:
    """The eight points of small order in all their spellings, and every spelling beyond the prime."""
    assert signing.is_weak(key)
    with pytest.raises(ConfigurationError) as caught:
        signing.Verifier(key)
    assert caught.value.code == "CFG-255"
    for spelt in (key.hex(), checkpoint.verifier_key(ORIGIN, key)):
        with pytest.raises(IntegrityError) as found:
            log_verification.trusted_key(spelt)
        assert found.value.code == "INT-121"


def test_without_the_refusal_one_signature_fits_every_event() -> None:
    """Shown with the library alone: the identity as key and as R, and S = 0, verifies any bytes."""
    identity = (1).to_bytes(32, "little")
    Ed25519PublicKey.from_public_bytes(identity).verify(identity + bytes(32), b"any event")


@given(private=st.binary(min_size=32, max_size=32))
@settings(deadline=None)
def test_no_drawn_key_is_refused(private: bytes) -> None:
    """A key that was made as RFC 8032 says is never weak."""
    assert not signing.is_weak(signing.public_key_of(private))
