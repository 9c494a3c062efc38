"""A public key for which everybody can sign: neither a log nor an event is believed for it.

The point of order one, given as a key, makes the signature `R = the same point, S = 0` right for every text. Whoever
gets such a key accepted, as an officer's trusted key or as an agency's, can write what that party would have signed.
"""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from amana.__main__ import build
from schemas import signing
from schemas.errors import ConfigurationError, IntegrityError
from streams.transparency import checkpoint, log_files
from streams.transparency.log_files import ORIGIN
from tests.support import raw_events
from tests.support.audit import a_log

IDENTITY = (1).to_bytes(32, "little")
FITS_ALL = IDENTITY + bytes(32)


def forged(folder: Path) -> Path:
    """Write a log whose entries nobody signed: every checkpoint has the signature that fits all texts."""
    log = a_log(folder)
    files = log_files.AuditFiles(log)
    notes = (block.decode().partition("\n\n")[0] + "\n" for block in log_files.blocks(files.checkpoints.read_bytes()))
    signed = (checkpoint.note(text, name=ORIGIN, public=IDENTITY, signature=FITS_ALL) for text in notes)
    files.checkpoints.write_bytes(b"".join(map(log_files.block_of, signed)))
    files.key.write_text(f"{checkpoint.verifier_key(ORIGIN, IDENTITY)}\n")
    return log


@pytest.mark.parametrize("spelt", [IDENTITY.hex(), checkpoint.verifier_key(ORIGIN, IDENTITY)])
def test_a_log_that_nobody_signed_is_not_whole(tmp_path: Path, spelt: str) -> None:
    """The officer was handed the attacker's key, in either spelling."""
    (tmp_path / "key").write_text(spelt)
    answer = CliRunner().invoke(build(), ["audit", "verify", str(forged(tmp_path)), "--key", str(tmp_path / "key")])
    assert isinstance(answer.exception, IntegrityError), answer.output
    assert answer.exception.code == "INT-121"


def test_an_event_that_nobody_signed_is_never_compared() -> None:
    """The operator was handed the attacker's key as an agency's: no stage starts with it."""
    value = raw_events.record("case", raw_events.event()).value or b""
    with pytest.raises(ConfigurationError, match="CFG-255"):
        signing.Verifier(IDENTITY).check(value[:-64] + FITS_ALL, topic="raw.police-jor.case")
