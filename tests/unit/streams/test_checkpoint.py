"""A checkpoint has one spelling, and its form is that of C2SP signed notes."""

import base64

import pytest

from schemas.errors import IntegrityError
from streams.transparency import checkpoint
from streams.transparency.checkpoint import Checkpoint

NAME, PUBLIC, SIGNATURE = "amana.local/audit", bytes(range(32)), bytes(range(64))
POINT = Checkpoint(NAME, 7, b"\x11" * 32)
SIGNED = checkpoint.note(checkpoint.checkpoint_text(POINT), name=NAME, public=PUBLIC, signature=SIGNATURE)


def test_a_verifier_key_is_the_one_of_the_specification() -> None:
    """The example key of C2SP signed-note, as golang.org/x/mod/sumdb/note prints it."""
    published = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    public = base64.b64decode(published.split("+", 2)[2])[1:]
    assert checkpoint.verifier_key("PeterNeumann", public) == published


def test_a_checkpoint_is_three_lines() -> None:
    assert checkpoint.checkpoint_text(POINT) == f"{NAME}\n7\n{base64.b64encode(POINT.root).decode()}\n"
    assert checkpoint.checkpoint_of(checkpoint.checkpoint_text(POINT)) == POINT


def test_a_note_comes_apart_as_it_was_joined() -> None:
    text, signature = checkpoint.signature_of(SIGNED, name=NAME, public=PUBLIC)
    assert (checkpoint.checkpoint_of(text), signature) == (POINT, SIGNATURE)


@pytest.mark.parametrize("text", ["", "a\n1\n", "a\n01\nEREREQ==\n", "a\n+7\n", POINT.origin + "\n7\nshort\n"])
def test_other_spellings_are_refused(text: str) -> None:
    with pytest.raises(IntegrityError, match="INT-112"):
        checkpoint.checkpoint_of(text)


def test_every_byte_of_a_note_is_bound() -> None:
    """A changed byte breaks the form, names another key, or changes text or signature."""
    whole = SIGNED.encode()
    for place in range(len(whole)):
        for bit in (1, 0x20):
            broken = whole[:place] + bytes([whole[place] ^ bit]) + whole[place + 1 :]
            try:
                again = checkpoint.signature_of(broken.decode(), name=NAME, public=PUBLIC)
            except (IntegrityError, UnicodeDecodeError):
                continue
            assert again != (checkpoint.checkpoint_text(POINT), SIGNATURE)
